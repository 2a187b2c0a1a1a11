"""The paper's Table 2 from a study's own scores: each variant stage by stage, with intervals, and the published scores.

The table shows what the cooldown does to differences between variants: its sentence is how far they lie apart before it
and after.
"""

from __future__ import annotations

from collections.abc import Sequence

from leaven.analyze.published.paper_results import CODE, KNOWLEDGE, REASONING, Number, of_part
from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, paragraph, table, tag
from leaven.report.paper_arms import FINAL, Arm, Shown, arm_of, points_of, score, shown

PART = "table 2"
CATEGORIES = (REASONING, KNOWLEDGE, CODE)
STAGES = {"initialization": "initialization", "before cooldown": "before the cooldown", FINAL: "after the cooldown"}
EARLIER = "before cooldown"


def section(contents: Contents) -> Html | None:
    """The table, None where the study does not repeat it or has no scores for it."""
    if PART not in [str(name) for name in contents.verdict.get("figures") or ()]:
        return None
    size, here = contents.each_size[0]
    measures = shown(here, CATEGORIES)
    lines = _lines(here)
    if not measures or not any(arm is not None for arm, _ in lines):
        return None
    head: list[Node] = ["variant", "stage", *(_headed(measure) for measure in measures)]
    head += [f"the paper: {category}, %" for category in CATEGORIES]
    return tag(
        "section",
        tag("h2", "Stage by stage (the paper's Table 2)"),
        paragraph(_sentence(here, measures), class_="says"),
        table(
            head,
            [_cells(here, arm, row, measures) for arm, row in lines],
            caption=f"Scores{f' at {size}' if size else ''} with 95 % intervals over seeds and items; the paper's are "
            "of 470M parameters, of one run, and without intervals",
            numbers=range(2, len(head)),
        ),
        id="table-2",
    )


def _headed(measure: Shown) -> str:
    return f"{measure.name}{', %' if measure.share else ''}"


def _lines(contents: Contents) -> list[tuple[Arm | None, list[Number]]]:
    """Our arms beside the paper's rows, in its order; then arms that it has no row for."""
    published: dict[tuple[str, str], list[Number]] = {}
    for number in of_part(PART):
        published.setdefault((number.variant, number.point), []).append(number)
    lines: list[tuple[Arm | None, list[Number]]] = []
    used: set[tuple[str, str]] = set()
    for numbers in published.values():
        arm = arm_of(contents, numbers[0], strict=True)
        used |= {(arm.variant, arm.point)} if arm else set()
        lines.append((arm, numbers))
    rest = [Arm(name, point) for name in contents.variants for point in points_of(contents, name)]
    return [*lines, *((arm, []) for arm in rest if (arm.variant, arm.point) not in used)]


def _cells(contents: Contents, arm: Arm | None, numbers: Sequence[Number], measures: Sequence[Shown]) -> list[Node]:
    about = arm or Arm(numbers[0].variant, numbers[0].point)
    point = numbers[0].point if numbers else about.point
    stage = STAGES.get(point, point) if numbers or point != FINAL else "end of training"
    cells: list[Node] = [about.variant, stage]
    cells += [_ours(score(contents, arm, measure), measure) if arm else words.MISSING for measure in measures]
    shown_ = {number.category: number.shown for number in numbers}
    return [*cells, *(shown_.get(category, words.MISSING) for category in CATEGORIES)]


def _ours(row: Row | None, measure: Shown) -> str:
    if row is None:
        return words.MISSING
    digits = 1 if measure.share else 3
    value, low, high = (
        words.number(measure.factor * float(row[key]) if words.is_number(row.get(key)) else None, digits)
        for key in ("mean", "low", "high")
    )
    return value if words.MISSING in (low, high) else f"{value} [{low}, {high}]"


def _sentence(contents: Contents, measures: Sequence[Shown]) -> str:
    """How far variants lie apart before the cooldown and after it."""
    parts = []
    for measure in measures:
        both = {point: _spread(contents, measure, point) for point in (EARLIER, FINAL)}
        before, after = both[EARLIER], both[FINAL]
        if before is not None and after is not None:
            digits, unit = (1, " points") if measure.share else (3, "")
            told = (
                f"{words.number(before, digits)}{unit} before the cooldown, {words.number(after, digits)}{unit} after"
            )
            parts.append(f"on {measure.name} {told}")
    if not parts:
        return "Scores of each variant at the stages that were evaluated."
    return f"The best and the worst variant lie apart by: {'; '.join(parts)}."


def _spread(contents: Contents, measure: Shown, point: str) -> float | None:
    """Between the variants that were evaluated at both points."""
    both = [
        name
        for name in contents.variants
        if all(score(contents, Arm(name, each), measure) is not None for each in (EARLIER, FINAL))
    ]
    rows = [score(contents, Arm(name, point), measure) for name in both]
    means = [measure.factor * float(row["mean"]) for row in rows if row is not None]
    return max(means) - min(means) if len(means) > 1 else None
