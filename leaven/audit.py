"""The paper's figures, audited: what each percentage in its text is really of, and what its scores do not carry.

Everything is computed from the published scores that are built in; no file and no network is needed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leaven.analyze.export import rounded
from leaven.analyze.published.paper_readings import VERDICTS, Judged, judge, reading_words, sides
from leaven.analyze.published.paper_results import numbers
from leaven.analyze.published.paper_search import Reading
from leaven.analyze.published.paper_weak_points import WeakPoint, weak_points
from leaven.analyze.published.paper_winrates import PAPER


@dataclass(frozen=True)
class Audit:
    """Every printed figure with its verdict, and the weak points that can be computed."""

    figures: tuple[Judged, ...]
    weak_points: tuple[WeakPoint, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Verdict -> printed figures."""
        counted = Counter(each.verdict for each in self.figures)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def data(self) -> dict[str, Any]:
        """Everything, for programs: paper, counts, figures, weak_points, scores."""
        data: dict[str, Any] = rounded(
            {
                "paper": PAPER,
                "counts": self.counts,
                "figures": [_figure(each) for each in self.figures],
                "weak_points": [asdict(each) for each in self.weak_points],
                "scores": [asdict(number) | {"also": list(number.also)} for number in numbers()],
            }
        )
        return data

    def write(self, out: Path) -> Path:
        """Write `out`/report.html with its figures and tables; returns the page.

        Raises LeavenError where the folder cannot be written.
        """
        from leaven.report.audit import write_audit

        write_audit(self.data(), out)
        return out / "report.html"


def audit() -> Audit:
    """Audit the paper. `leaven audit` prints this."""
    return Audit(judge(), weak_points())


def _figure(each: Judged) -> dict[str, Any]:
    claim, figure = each.claim, each.figure
    return {
        "claim": claim.id,
        "topic": claim.topic,
        "where": claim.where,
        "says": claim.says,
        "printed": each.printed,
        "value": figure.value,
        "within": figure.within,
        "unit": claim.unit.strip(),
        "category": figure.category,
        "sides": sides(figure),
        "new": figure.new,
        "base": figure.base,
        "size": figure.size,
        "base_size": figure.base_size,
        "verdict": each.verdict,
        "exact": each.exact,
        "why": each.why,
        "stated": _reading(each.stated, claim.unit),
        "found": [_reading(reading, claim.unit) for reading in each.found],
        "tried": each.tried,
        "by_chance": each.by_chance,
        "notes": list(each.notes),
    }


def _reading(reading: Reading | None, unit: str) -> dict[str, Any] | None:
    return None if reading is None else asdict(reading) | {"said": reading_words(reading, unit)}
