"""Which of a study's scores stand in which figure of the paper, and the paper's own beside them.

A study's figure is found by the names of its variants: those that the paper's figure shows, at the point of training
that it shows them. What a category is in a study (the paper's reasoning may be prose here, in bits per byte) follows
from the tasks of its measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaven.analyze.published.paper_results import (
    CODE,
    KNOWLEDGE,
    REASONING,
    Number,
    matched,
    numbers,
    of_part,
    plain,
)
from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.study.suites import SHARES

FINAL = "final"
BARS = ("2", "3", "4", "5a", "5b", "6")
"""Figures of scores, in the paper's order; 7 to 9 are of judged prompts."""
CATEGORIES = {"reasoning": REASONING, "language": REASONING, "knowledge": KNOWLEDGE, "code": CODE}
"""A suite's category -> the paper's."""
WORDS = (
    (("code", "program"), CODE),
    (("knowledge", "fact"), KNOWLEDGE),
    (("reason", "prose", "language", "text"), REASONING),
)
"""Where a suite does not tell: words in a measure's name."""


@dataclass(frozen=True)
class Arm:
    """A variant at a point of training, and what the paper calls it ("" where its figure does not show it)."""

    variant: str
    point: str
    published: str = ""


@dataclass(frozen=True)
class Shown:
    """A measure of the study in a figure: its `category` in the paper's words, whether it is a `share` (told in per
    cent), and whether it is the very one the paper has (`same`), so that both stand on one axis."""

    measure: Row
    category: str
    share: bool
    same: bool

    @property
    def name(self) -> str:
        return str(self.measure["name"])

    @property
    def factor(self) -> float:
        return 100.0 if self.share else 1.0

    @property
    def primary(self) -> bool:
        return bool(self.measure.get("primary"))


def asked(contents: Contents) -> list[str]:
    """Figures of scores that the study repeats; of a study that names none, those it happens to have variants of."""
    named = [str(name) for name in contents.verdict.get("figures") or ()]
    if named:
        return [name for name in BARS if name in named]
    return [name for name in ("2", "4", "5a", "6") if len(_named(contents, of_part(f"figure {name}"))) > 2]


def sole(contents: Contents) -> bool:
    """Whether the study is about one of these figures only, so that all its variants belong there."""
    return len(asked(contents)) == 1


def arms(contents: Contents, part: str) -> list[Arm]:
    """The study's arms in a part of the paper, in the paper's order; variants that it does not show come last.

    Where fewer than two are called as the paper calls them, they are all of the study's.
    """
    found = _named(contents, of_part(part))
    known = {arm.variant for arm in found}
    point = of_part(part)[0].point
    there = {name: points_of(contents, name) for name in contents.variants if name not in known}
    rest = [Arm(name, point if point in points else FINAL) for name, points in there.items() if points]
    if len(found) < 2:
        return [*found, *rest]
    return [*found, *rest] if sole(contents) else found


def _named(contents: Contents, numbers_of: Sequence[Number]) -> list[Arm]:
    """Arms that these published scores have a name for, each once."""
    found = (arm_of(contents, number) for number in numbers_of)
    return list({(arm.variant, arm.point): arm for arm in found if arm is not None}.values())


def arm_of(contents: Contents, number: Number, *, strict: bool = False) -> Arm | None:
    """The study's arm for a published score: the variant of its name at its point of training, None without one.

    A variant that is named for the point ("code→text init") is there at its end, and so is one whose chain has no such
    point; `strict`: not the latter, which may have gone further.
    """
    variant = matched(number, contents.variants)
    there = points_of(contents, variant)
    if number.point in there:
        return Arm(variant, number.point, number.variant)
    named = plain(variant) != plain(number.variant)
    if FINAL in there and (named or not (strict or number.point == "initialization")):
        return Arm(variant, FINAL, number.variant)
    return None


def points_of(contents: Contents, variant: str) -> list[str]:
    """Points of training at which a variant has scores."""
    return list(dict.fromkeys(str(row.get("point")) for row in contents.scores if row.get("variant") == variant))


def shown(contents: Contents, categories: Sequence[str]) -> list[Shown]:
    """The study's measures of the paper's categories, in the order of these: the primary ones, else the first."""
    scored = {str(row.get("measure")) for row in contents.scores if not row.get("task")}
    here = [_shown(contents, row) for row in contents.measures if str(row.get("name")) in scored]
    found = []
    for category in categories:
        of = [each for each in here if each is not None and each.category == category]
        found += [each for each in of if each.primary] or of[:1]
    return found


def _shown(contents: Contents, measure: Row) -> Shown | None:
    name = str(measure.get("name"))
    category = name if name in (REASONING, KNOWLEDGE, CODE) else _category(contents, measure)
    share = measure.get("statistic") in SHARES
    return Shown(measure, category, share, share and name == category) if category else None


def _category(contents: Contents, measure: Row) -> str:
    told = {str((contents.suite.get(task) or {}).get("category")) for task in measure.get("tasks") or ()}
    found = {CATEGORIES.get(each, "") for each in told}
    if len(found) == 1 and "" not in found:
        return found.pop()
    name = str(measure.get("name")).lower()
    return next((category for parts, category in WORDS if any(part in name for part in parts)), "")


def score(contents: Contents, arm: Arm, measure: Shown) -> Row | None:
    """The row of an arm on a measure, None where it has none."""
    for row in contents.scores:
        if row.get("task") or not words.is_number(row.get("mean")):
            continue
        if (row.get("variant"), row.get("point"), row.get("measure")) == (arm.variant, arm.point, measure.name):
            return row
    return None


def published(part: str, variant: str, category: str, size: str = "") -> Number | None:
    """The paper's score of one of its variants in a part; with a size, also of another part that shows that size."""
    for number in numbers():
        here = number.part == part or (part == "figure 3" and number.part == "figure 2")
        if here and number.variant == variant and number.category == category and size in ("", number.size):
            return number
    return None
