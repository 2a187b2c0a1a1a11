"""Which noise a study is planned with: a pilot that is given, this store's own past, the suite's figures, or others'.

In this order, measure by measure: the nearer a pilot is to the study, the more it says of it. A measure of a finished
study counts where it reads the same tasks with the same statistic and effect, whatever it is called; of several, the
one of the nearest size (by ratio of parameters) counts, then the one of more seeds. A pilot that is given is matched in
the same way; a file that lies in no store tells of no tasks, so that its measures go by their names.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.analyze.measures import STATISTICS
from leaven.analyze.noise_published import published_noise
from leaven.analyze.pilot import Noise, pooled, read_noise
from leaven.engine.store import MANIFEST, Store
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.ground.files import read_json
from leaven.model.config import ModelConfig, count_parameters
from leaven.study.suites import Measure

NOISE = "noise.csv"


def unit_of(measure: Measure) -> str:
    """In which a measure's effects are told, as the verdict tells them."""
    return "%" if measure.effect == "relative" else STATISTICS[measure.statistic].points[1]


@dataclass(frozen=True)
class Given:
    """What `--pilot` names.

    Attributes:
        words: how it is called. names: of its measures. about: what those are about of which that is known.
        at: name of a size, its parameters → measure → noise.
    """

    words: str
    names: tuple[str, ...]
    about: Mapping[str, tuple[Any, ...]]
    at: Callable[[str, int], Mapping[str, Noise]]

    def name_of(self, name: str, measure: Measure) -> str | None:
        """Its measure that is this one, whatever it is called; by the name where it tells no more than names."""
        alike = [known for known in self.names if self.about.get(known) == _about(measure.model_dump())]
        if alike:
            return name if name in alike else alike[0]
        return name if name in self.names and name not in self.about else None

    def noise(self, name: str, measure: Measure, size: str, parameters: int) -> Noise | None:
        """Of a measure, None where it knows nothing of it. Raises BadInput where it tells it in another unit."""
        known = self.name_of(name, measure)
        told = self.at(size, parameters).get(known) if known else None
        if told is not None and told.unit != unit_of(measure):
            raise BadInput(f"{known} is in {told.unit} there and in {unit_of(measure)} in this study", field="--pilot")
        return told


@dataclass(frozen=True)
class Finder:
    """Where noise is looked for."""

    past: tuple[Past, ...]
    given: Given | None = None

    def __call__(self, name: str, measure: Measure, size: str, parameters: int) -> Noise | None:
        """The noise that a measure is planned with at a size of so many parameters."""
        told = self.given.noise(name, measure, size, parameters) if self.given else None
        if told := told or _nearest(self.past, measure, parameters):
            return told
        if measure.pilot:
            fixed = measure.pilot
            return Noise(fixed.seed_sd, fixed.item_sd, fixed.clusters, unit_of(measure), "the suite's pilot")
        return published_noise(measure.statistic, measure.effect, measure.tasks, parameters)

    def beyond(self, measures: Mapping[str, Measure]) -> list[str]:
        """Those of the measures of which the given pilot knows nothing. Raises BadInput where that is every one."""
        if self.given is None:
            return []
        lacking = [name for name, measure in measures.items() if self.given.name_of(name, measure) is None]
        if measures and len(lacking) == len(measures):
            named = [name for name in lacking if name in self.given.names]
            raise BadInput(
                f"{self.given.words} is about nothing that this study concludes: it has {_listed(self.given.names)},"
                f" the study {_listed(lacking)}"
                + (f" (its {_listed(named)} {'is' if len(named) == 1 else 'are'} of other tasks)" if named else ""),
                field="--pilot",
                fix="Give a pilot of these measures, or none: then published noise is planned with.",
            )
        return lacking


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def finder(store: Store, given: str | None = None) -> Finder:
    """Where noise is looked for.

    Args:
        store: whose finished studies count.
        given: a file of the form of `noise.csv`, or the name of a study that was finished in this store.

    Raises BadInput where what is given is neither, or holds no noise.
    """
    past = tuple(_past(store))
    return Finder(past, _given(given, store, past) if given else None)


@dataclass(frozen=True)
class Past:
    """A measure of a finished study at one size."""

    study: str
    about: tuple[Any, ...]
    parameters: int
    seeds: int
    noise: Noise


def _about(measure: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(measure["tasks"]), measure["statistic"], measure["effect"]


def _nearest(past: Iterable[Past], measure: Measure, parameters: int) -> Noise | None:
    about, unit = _about(measure.model_dump()), unit_of(measure)
    fitting = [row for row in past if row.about == about and row.noise.unit == unit]
    if not fitting:
        return None
    return min(fitting, key=lambda row: (abs(math.log(row.parameters / parameters)), -row.seeds)).noise


def _past(store: Store) -> Iterator[Past]:
    """Every measure of every finished study of a store, in the order of the steps' identities."""
    for manifest in store.manifests():
        if manifest["kind"] != "verdict":
            continue
        rows, fields = _rows(store.file(manifest["identity"], NOISE)), manifest["fields"]
        sizes = _sizes(manifest, store)
        for size, parameters in sizes.items():
            words = f"{fields['study']} in this store{f' at {size}' if size else ''}"
            kept = [row for row in rows if len(sizes) == 1 or (row.get("size") or "") == size]
            found, abouts = pooled(kept, words), _abouts(manifest, store.file)
            for name in (known for known in found if known in abouts):
                seeds = max(int(row["seeds"] or 0) for row in kept if row["measure"] == name)
                yield Past(fields["study"], abouts[name], parameters, seeds, found[name])


def _abouts(manifest: Mapping[str, Any], file: Callable[[str, str], Path]) -> dict[str, tuple[Any, ...]]:
    """What each measure of a finished study is about: of its tasks those that its suite held."""
    try:
        held = set(read_json(file(str(manifest["inputs"]["suite"]), "suite.json"))["tasks"])
    except (OSError, ValueError, KeyError, TypeError, LeavenError):
        held = None
    found = {}
    for measure in manifest["fields"]["measures"]:
        tasks = [task for task in measure["tasks"] if held is None or task in held]
        found[str(measure["name"])] = _about({**measure, "tasks": tasks})
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    """A store's file is whole or not there; one of an older form has nothing to say."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError):
        return []
    return rows if rows and "paired_seed_sd" in rows[0] else []


def _sizes(manifest: Mapping[str, Any], store: Store) -> dict[str, int]:
    """Sizes of a finished study and their parameters; of one that does not say, by a model it evaluated."""
    told = manifest["fields"].get("sizes")
    if told:
        return {str(row["size"]): int(row["parameters"]) for row in told}
    for role, step_id in manifest["inputs"].items():
        if role.startswith("evaluate:"):
            try:
                stage = store.manifest(store.manifest(step_id)["inputs"]["stage"])
                return {"": count_parameters(ModelConfig(**stage["fields"]["model"]))}
            except (LeavenError, KeyError, TypeError):
                return {}
    return {}


def _given(given: str, store: Store, past: Iterable[Past]) -> Given:
    """What `--pilot` names."""
    path = Path(given)
    if path.is_file():
        names = tuple(read_noise(path))  # told now, whatever size is asked for first
        return Given(path.name, names, _beside(path), lambda size, _: read_noise(path, size))
    studies = {row.study for row in past}
    if given not in studies:
        raise BadInput(
            f'no file and no finished study "{given}"{did_you_mean(given, studies)}',
            field="--pilot",
            fix=f"Give a noise.csv{f', or one of {chr(44).join(sorted(studies))}' if studies else ''}.",
        )
    found = {
        str(manifest["identity"]): manifest
        for manifest in store.manifests()
        if manifest["kind"] == "verdict" and manifest["fields"]["study"] == given
    }
    newest = max(found, key=lambda step_id: (found[step_id]["made"]["finished"], step_id))
    rows, sizes = _rows(store.file(newest, NOISE)), _sizes(found[newest], store)

    def at(size: str, parameters: int) -> Mapping[str, Noise]:
        nearest = min(sizes, key=lambda name: abs(math.log(sizes[name] / parameters)), default=size)
        return pooled(rows, f"the study {given}", nearest)

    known = dict.fromkeys(name for size in sizes or [""] for name in pooled(rows, "", size))
    return Given(f"the study {given}", tuple(known), _abouts(found[newest], store.file), at)


def _beside(path: Path) -> dict[str, tuple[Any, ...]]:
    """What the measures of a file are about, where it lies in its step of a store."""
    try:
        manifest, steps = read_json(path.parent / MANIFEST), path.parent.parent
        return _abouts(manifest, steps.joinpath) if manifest["kind"] == "verdict" else {}
    except (OSError, ValueError, KeyError, TypeError, LeavenError):
        return {}
