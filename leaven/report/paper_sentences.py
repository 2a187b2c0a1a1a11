"""The one sentence of each of the paper's figures: from the verdict where it speaks of these arms, else from scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import VERDICTS, Contents, Row
from leaven.report.paper_arms import FINAL, Arm, Shown, points_of, score

DOUBTS = {"equivalent": "equivalent to", "unresolved": "not told from"}
"""A verdict on the best and the next -> how the best stands to it, where it is not simply ahead."""


def said_of(contents: Contents, found: Sequence[Arm], measures: Sequence[Shown]) -> str:
    """What the verdict says of these arms; where it says nothing of them, who scores best."""
    return _compared(contents, found, measures) or _best(contents, found, measures)


def told(part: Row, measures: Sequence[Shown]) -> str:
    """The sentences on the figure's measures."""
    wanted = {measure.name for measure in measures}
    said = [str(row["said"]) for row in part.get("measures") or () if row.get("name") in wanted and row.get("said")]
    return " ".join(words.sentence(each) for each in said)


def _compared(contents: Contents, found: Sequence[Arm], measures: Sequence[Shown]) -> str:
    """Verdicts on arms of the figure against one of them, on primary measures, at the point that verdicts are about."""
    there = {arm.variant for arm in found if _judged_here(contents, arm)}
    # A secondary measure is told neither against the first baseline nor against a further one.
    wanted = [measure.name for measure in measures if measure.primary]
    rows = [
        row
        for row in contents.comparisons
        if row.get("variant") in there and row.get("baseline") in there and row.get("measure") in wanted
    ]
    if not rows:
        return ""
    parts = []
    for measure in wanted:
        for baseline in dict.fromkeys(str(row["baseline"]) for row in rows if row["measure"] == measure):
            of = [row for row in rows if row["measure"] == measure and str(row["baseline"]) == baseline]
            kinds = [
                f"{verdict}: {words.listing(list(dict.fromkeys(str(row['variant']) for row in here)))}"
                for verdict in VERDICTS
                if (here := [row for row in of if row.get("verdict") == verdict])
            ]
            parts.append(f"{measure} against {baseline}, {'; '.join(kinds)}")
    return f"{'. '.join(part[0].upper() + part[1:] for part in parts)}."


def _judged_here(contents: Contents, arm: Arm) -> bool:
    """Whether the study's verdicts are about the arm at the point where the figure has it."""
    return arm.point == contents.point or (
        arm.point == FINAL and contents.point not in points_of(contents, arm.variant)
    )


def _best(contents: Contents, found: Sequence[Arm], measures: Sequence[Shown]) -> str:
    """Who has the best mean on each measure, and whether it can be told from the next: by their comparison where there
    is one, which knows what they share, else by their intervals."""
    parts = []
    for measure in measures:
        scored = [(arm, row) for arm in found if (row := score(contents, arm, measure)) is not None]
        lower = measure.measure.get("better") == "lower"
        scored.sort(key=lambda each: (1 if lower else -1) * float(each[1]["mean"]))
        if len(scored) > 1:
            (arm, row), (after, other) = scored[0], scored[1]
            verdict = _paired(contents, arm, after, measure)
            known = DOUBTS.get(verdict, "") if verdict else "" if _clear(row, other) else "its interval meets that of"
            doubt = f" ({known} {after.variant})" if known else ""
            parts.append(f"on {measure.name} {arm.variant}{doubt}")
    return f"Best mean: {'; '.join(parts)}." if parts else "Scores of each variant."


def _paired(contents: Contents, best: Arm, after: Arm, measure: Shown) -> str:
    """The verdict on the two; "" where they were not compared at this point."""
    if not (_judged_here(contents, best) and _judged_here(contents, after)):
        return ""
    pair = {best.variant, after.variant}
    for row in contents.comparisons:
        if row.get("measure") == measure.name and {row.get("variant"), row.get("baseline")} == pair:
            return str(row.get("verdict") or "")
    return ""


def _clear(one: Row, other: Row) -> bool:
    """Whether two intervals do not meet."""
    ends: list[Any] = [one.get("low"), one.get("high"), other.get("low"), other.get("high")]
    return all(words.is_number(end) for end in ends) and (ends[0] > ends[3] or ends[2] > ends[1])
