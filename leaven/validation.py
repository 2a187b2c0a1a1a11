"""Published figures recomputed: which sets there are, where their files lie, what agreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leaven.analyze.published import SETS
from leaven.analyze.published.check import Check
from leaven.ground.errors import BadInput, did_you_mean

STATES = ("reproduced", "documented", "not reproduced", "not checked", "beside")
"""What becomes of a figure; `documented`: it does not agree, and it is known why the published one is wrong; `beside`:
nobody published it, and it agrees with what another program computed."""


def state(check: Check) -> str:
    """One of `STATES`."""
    if check.ok is None:
        return "not checked"
    if check.ok and check.elsewhere:
        return "beside"
    return "reproduced" if check.ok else "documented" if check.defect else "not reproduced"


@dataclass(frozen=True)
class Checked:
    """One set of figures: its name, what was published, the folder of its files (None: built in), and the checks."""

    name: str
    what: str
    folder: Path | None
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Validation:
    """All sets that were checked, and of those that could not be, name -> what is missing."""

    sets: tuple[Checked, ...]
    missing: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """State -> figures."""
        counted = Counter(state(check) for each in self.sets for check in each.checks)
        return {name: counted[name] for name in STATES}

    @property
    def well(self) -> bool:
        """Whether every figure that could be checked is reproduced or a documented defect."""
        return not self.counts["not reproduced"]

    def data(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "well": self.well,
            "counts": self.counts,
            "missing": self.missing,
            "sets": [
                {
                    "name": each.name,
                    "what": each.what,
                    "folder": None if each.folder is None else str(each.folder),
                    "checks": [{**asdict(check), "state": state(check)} for check in each.checks],
                }
                for each in self.sets
            ],
        }


def validate(names: Sequence[str] = (), places: Sequence[Path] = ()) -> Validation:
    """Recompute published figures.

    Args:
        names: sets of `leaven.analyze.published.SETS`; all where none is named.
        places: folders with the files; those of a set may lie in a folder of its name.

    Raises BadInput for an unknown name, a place that is no folder, a set that is named but whose files are nowhere,
    places that hold no set's files, and files that cannot be read.
    """
    for name in names:
        if name not in SETS:
            raise BadInput(f'no published figures are called "{name}"{did_you_mean(name, SETS)}')
    for place in places:
        if not place.is_dir():
            raise BadInput("no such folder", where=str(place), field="--data")
    sets, missing = [], {}
    for name in dict.fromkeys(names or SETS):
        found = _checked(name, places)
        if found is not None:
            sets.append(found)
            continue
        missing[name] = SETS[name].needs
        if names:
            raise _nowhere(name, places)
    if places and missing and not any(each.folder for each in sets):
        raise _nowhere(next(iter(missing)), places)  # a folder was given for something: it must not pass for success
    return Validation(tuple(sets), missing)


def _nowhere(name: str, places: Sequence[Path]) -> BadInput:
    return BadInput(
        f"{SETS[name].what}: their files are not there" if places else f"{SETS[name].what}: no folder was given",
        where=", ".join(map(str, places)),
        field="--data",
        fix=f"Give the folder that has {SETS[name].needs}.",
    )


def _checked(name: str, places: Sequence[Path]) -> Checked | None:
    published = SETS[name]
    if not published.needs:
        return Checked(name, published.what, None, tuple(published.checks(Path())))
    for folder in (folder for place in places for folder in (place / name, place)):
        checks = published.checks(folder) if folder.is_dir() else []
        if checks:
            return Checked(name, published.what, folder, tuple(checks))
    return None
