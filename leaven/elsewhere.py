"""Verdicts on runs that were trained elsewhere: a table, several, or a folder of results, and what is made of it.

import leaven
found = leaven.verdict_from("results.csv", baseline="no-code")
print(*found.told, *found.lines(), sep="\n")
found.report("page/")

Invariants: inputs are opened for reading only; what is written goes into a folder that is new, empty, or was written by
this before; equal inputs and mappings give equal bytes.
"""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from leaven.analyze import evidence, export
from leaven.analyze.imported.bring import Verdict, bring
from leaven.analyze.imported.mapping import Mapping, load
from leaven.analyze.imported.take import take, telling
from leaven.analyze.optimum.asked import asked_optimum
from leaven.analyze.text import WIDTH, render_lines
from leaven.corpus.look.visible import visible
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.version import __version__
from leaven.study.mistakes import tell

if TYPE_CHECKING:
    import pandas as pd


Place = str | Path
MARK = "verdict.json"
"""What a folder holds that this has written before."""


@dataclass(frozen=True)
class Elsewhere:
    """What was found in results of runs trained elsewhere.

    Attributes: `files`: name -> sha256, bytes, rows; `told`: sentences on what was taken as what.
    """

    made: Verdict
    mapping: Mapping
    files: Map[str, Map[str, Any]]
    told: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.mapping.study

    def verdict(self) -> dict[str, Any]:
        """The whole verdict, as `verdict.json` has it; `imported` says what it was made from."""
        found: dict[str, Any] = export.rounded(self._data())
        return found

    def _data(self) -> dict[str, Any]:
        imported = {
            "files": {name: dict(row) for name, row in self.files.items()},
            "mapping": self.mapping.model_dump(mode="json", exclude_defaults=True),
            "told": list(self.told),
        }
        return {**self.made.data, "imported": imported}

    def lines(self) -> list[str]:
        """The verdict as the terminal shows it."""
        verdict = self.verdict()
        first, *rest = map(visible, render_lines(verdict))
        if verdict["comparisons"]:
            return [first, *rest]
        told = [row["said"] for row in (verdict["transfer"] or {}).get("measures", ())]
        ranks = [line for said in told for line in textwrap.wrap(visible(said), WIDTH - 12, break_on_hyphens=False)]
        return ["verdict: no pair of variants could be compared", *rest, *(f"            {line}" for line in ranks)]

    def gains(self) -> pd.DataFrame:
        """variant, baseline, measure, effect, low, high, verdict, …"""
        return _frame(self.verdict()["comparisons"], export.GAINS.names)

    def scores(self) -> pd.DataFrame:
        """size, variant, measure, task ("" for the measure itself), mean, low, high, …"""
        return _frame([*export.rounded(self.made.tasks), *self.verdict()["scores"]], export.SCORES.names)

    def noise(self) -> pd.DataFrame:
        """The spread between seeds and the error of items, arm by arm: what `leaven plan --pilot` plans from."""
        return _frame(self.verdict()["noise"], export.NOISE.names)

    def optimum(self, of: str | None = None, metric: str | None = None) -> dict[str, Any]:
        """What is known of the best share: one metric's row, or everything.

        Raises BadInput where no shares are known, or none of this source or metric.
        """
        return asked_optimum(self.verdict()["optimum"], of, metric)

    def transfer(self) -> dict[str, Any] | None:
        """What smaller sizes say of larger ones; None with one size."""
        found: dict[str, Any] | None = self.verdict()["transfer"]
        return found

    def place(self, runs: Place) -> Path:
        """A folder for the page in `runs`: `from-NAME`, or with a number where that is of other files.

        A page that was made of files of the same content is written anew.
        """
        mine = {str(row["sha256"]) for row in self.files.values()}
        for number in itertools.count(1):
            folder = Path(runs) / (f"from-{self.name}" if number == 1 else f"from-{self.name}-{number}")
            if not (folder / MARK).is_file() or _made_of(folder) == mine:
                return folder
        raise AssertionError("numbers do not end")

    def report(self, out: Place) -> Path:
        """Write verdict.json, its tables and the page into a folder of their own; the path of the page.

        Raises BadInput for a folder that holds something else.
        """
        from leaven.report.page import write_report

        folder = Path(out)
        _claim(folder)
        data = self._data()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            evidence.write(folder, data, (), self.made.tasks)
            write_report(self._page(), folder)
        except OSError as error:
            raise LeavenError(f"cannot write to {folder}: {error.strerror or error}") from None
        return folder / "report.html"

    def _page(self) -> dict[str, Any]:
        verdict = self.verdict()
        # A key named "leaven" would say that leaven ran the models.
        provenance: dict[str, Any] = {
            "trained and evaluated": "elsewhere",
            "read and compared with": f"leaven {__version__}",
        }
        provenance |= {name: dict(row) for name, row in self.files.items()}
        provenance["what was taken as what"] = {str(place): said for place, said in enumerate(self.told, start=1)}
        flat = _flat(verdict["imported"]["mapping"])
        if flat:
            provenance["mapping"] = flat
        study = {"name": self.name, "question": verdict["question"]}
        return {"verdict": verdict, "study": study, "provenance": provenance}


def verdict_from(
    path: Place | Sequence[Place],
    *,
    baseline: str | float | None = None,
    mapping: Place | Map[str, Any] | None = None,
    sizes: Sequence[str] | str = (),
    out: Place | None = None,
) -> Elsewhere:
    """Verdicts on runs trained elsewhere (docs/import.md).

    Args:
        path: a table (.csv, .tsv, .parquet, .json, .jsonl), several of them, or a folder with tables or with results of
            lm-eval.
        baseline: the variant that others are compared with, by its name in the table.
        mapping: a mapping file, or its content: what columns mean, which metrics count and how.
        sizes: sizes that count; all without it.
        out: a folder for verdict.json, its tables and the page; without it nothing is written.

    Raises: BadInput for what cannot be read, does not fit together or cannot be known.
    """
    paths = [Path(each) for each in ([path] if isinstance(path, str | Path) else path)]
    asked = _mapping(mapping)
    if baseline is not None:
        asked = asked.model_copy(update={"baseline": str(baseline)})
    if sizes:
        known = asked.sizes or {}
        wanted = [sizes] if isinstance(sizes, str) else map(str, sizes)
        asked = asked.model_copy(update={"sizes": {size: known.get(size, 0) for size in wanted}})
    if "study" not in asked.model_fields_set and paths:
        asked = asked.model_copy(update={"study": _named(paths[0])})
    taken = take(paths, asked)
    with telling(taken.readings.told):
        made = bring(taken.readings, taken.mapping)
    found = Elsewhere(made, taken.mapping, taken.files, made.told)
    if out is not None:
        found.report(out)
    return found


def _mapping(given: Place | Map[str, Any] | None) -> Mapping:
    if given is None:
        return Mapping()
    if isinstance(given, str | Path):
        return load(Path(given))
    try:
        return Mapping.model_validate(dict(given))
    except ValidationError as error:
        said = dict.fromkeys(tell(each, lambda keys: "mapping", Mapping) for each in error.errors())
        raise BadInput("\n".join(said)) from None


def _named(path: Path) -> str:
    """A study's name from a file's: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.resolve().stem).strip("-.") or "imported"


def _claim(folder: Path) -> None:
    """A folder is written to if it is new or empty, or was written to by this: pages replace folders in it."""
    if folder.is_file():
        raise BadInput("this is a file, not a folder", where=str(folder), field="--out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise BadInput(
            "the folder holds other files", where=str(folder), field="--out", fix="Name a new folder: --out DIR."
        )


def _made_of(folder: Path) -> set[str]:
    """The sha256 of each file that a page was made of; none where it does not say."""
    try:
        verdict = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return {str(row["sha256"]) for row in verdict["imported"]["files"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()


def _flat(data: Any, name: str = "") -> dict[str, str]:
    """Nested fields as `columns.variant` -> text."""
    if isinstance(data, Map):
        found: dict[str, str] = {}
        for key, value in data.items():
            found |= _flat(value, f"{name}.{key}" if name else str(key))
        return found
    return {name: ", ".join(map(str, data)) if isinstance(data, list | tuple) else str(data)}


def _frame(rows: Sequence[Map[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns=list(columns))
