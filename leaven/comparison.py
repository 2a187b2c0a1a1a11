"""Two finished studies side by side: `leaven compare A B`.

A study is known by the folder of its page: that of `leaven run`, or the one that `leaven verdict --from … --out`
wrote; nothing is prepared or computed anew, so the two may come from different computers.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.analyze.between import between
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json
from leaven.report.compare import write_comparison
from leaven.report.exports import STUDY, VERDICT


@dataclass(frozen=True)
class Comparison:
    """What two studies say of the same things; `found` is what `leaven.analyze.between.between` gives."""

    found: dict[str, Any]

    def report(self, out: str | Path) -> Path:
        """Write the page into the folder and return its path."""
        write_comparison(self.found, Path(out))
        return Path(out) / "report.html"


def compare(first: str | Path, second: str | Path, runs: str | Path = "runs") -> Comparison:
    """Compare two finished studies.

    Args:
        first, second: the name of a study whose page lies in `runs`, or the folder of a page.

    Raises:
        BadInput: no such study, no page of it, or one that holds no verdict.
    """
    found = [_read(str(each), Path(runs)) for each in (first, second)]
    if found[0]["name"] == found[1]["name"]:
        for each, given in zip(found, (first, second), strict=True):
            each["name"] = str(given)
    return Comparison(between(*found))


def _read(given: str, runs: Path) -> dict[str, Any]:
    folder = next((place for place in (Path(given), runs / given) if (place / "data" / VERDICT).is_file()), None)
    if folder is None:
        known = sorted(path.parent.parent.name for path in runs.glob(f"*/data/{VERDICT}"))
        there = f"Finished studies in {runs}: {', '.join(known)}." if known else f"No page lies in {runs} yet."
        raise BadInput(
            f'no finished study "{given}"{did_you_mean(given, known)}',
            field="STUDY",
            fix=f"{there} A study gets one from leaven run or leaven report; or give the folder of a page.",
        )
    try:
        verdict = read_json(folder / "data" / VERDICT)
        study = read_json(folder / "data" / STUDY) if (folder / "data" / STUDY).is_file() else {}
        if not isinstance(verdict, dict) or not isinstance(study, dict):
            raise ValueError("not a mapping")
        _check(verdict)
        return {
            "name": str(study.get("name") or verdict.get("study") or folder.name),
            "verdict": verdict,
            "study": study,
            "steps": _stages(folder),
        }
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(
            f"its verdict cannot be read ({error})",
            where=str(folder / "data"),
            fix="Write the page anew: leaven report.",
        ) from None


def _check(verdict: dict[str, Any]) -> None:
    """Raises ValueError where what is compared does not have the form of a verdict."""
    for name in ("comparisons", "sizes"):
        rows = verdict.get(name) or []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"{name} is no list of rows")
    for row in verdict.get("comparisons") or []:
        for name in ("effect", "low", "high"):
            value = row.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ValueError(f"{name} of a comparison is no number")


def _stages(folder: Path) -> list[str]:
    """Identities of the stages it trained; none for results of runs trained elsewhere."""
    path = folder / "data" / "stages.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row["identity"] for row in csv.DictReader(file) if row.get("identity")]
