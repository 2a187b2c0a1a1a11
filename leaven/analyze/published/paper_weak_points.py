"""Where the paper's conclusions are weaker than its figures look: what can be computed from what it publishes.

* its text-only baseline falls with more tokens, so gains depend on which of the two is the base;
* after the cooldown, which gives every recipe the same code, most of the gap is gone;
* one run an arm and no interval: what the items alone leave open, from the sizes of the public test sets;
* what guessing scores on the eleven reasoning tasks;
* what its judge's votes can tell.

Nothing of this is printed in the paper: the numbers stand beside an independent computation of the same (`checks`).
Standard errors are of a share p of n items, √(p(1 − p)/n), for two models √2 of that: unpaired, since no item is
published. With the items paired it would be less, and with seeds it would be more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from leaven.analyze.published import paper_winrates
from leaven.analyze.published.check import Check, beside
from leaven.analyze.published.paper_results import CODE, KNOWLEDGE, REASONING, Number
from leaven.analyze.published.paper_search import scores
from leaven.analyze.published.paper_winrates import PAPER, counts, outcomes
from leaven.analyze.winrates import sign_test

SIZE = "470m"
TEXT, LESS_TEXT = "text-only, before cooldown", "0 % code, final"
CONTINUED, WITHOUT = "balanced→text, before cooldown", "balanced→text without synthetic, before cooldown"
TEXT_DONE, CONTINUED_DONE = "text-only, final", "balanced→text, final"
SMALL = ("cb", "copa")


@dataclass(frozen=True)
class Task:
    """Items of the public test set (the split that is usually scored), and what guessing scores in per cent: with each
    answer equally likely, and with the commonest answer given throughout, where that is more."""

    items: int
    chance: float
    constant: float


REASONING_TASKS: Mapping[str, Task] = {
    "boolq": Task(3270, 50.0, 62.1),
    "piqa": Task(1838, 50.0, 50.5),
    "sciq": Task(1000, 25.0, 25.0),
    "social_iqa": Task(1954, 100 / 3, 100 / 3),
    "quac": Task(7354, 0.0, 0.0),
    "cb": Task(56, 100 / 3, 50.0),
    "copa": Task(100, 50.0, 50.0),
    "storycloze": Task(1871, 50.0, 51.1),
    "hellaswag": Task(10042, 25.0, 25.0),
    "winogrande": Task(1267, 50.0, 50.4),
    "arc_easy": Task(2376, 25.0, 25.0),
}
"""The eleven tasks of the paper's Table 1. It does not say how QuAC becomes an accuracy: guessing is taken to score
nothing there, and each eleven points more would add one to the mean."""
CODE_ITEMS = {"humaneval": 164, "mbpp": 500}
DIFFERENCES = (
    ("code→text", "code→text, before cooldown", "balanced→text", CONTINUED),
    ("25 % of code", "25 % code, final", "50 %", "50 % code, final"),
    ("with synthetic code", CONTINUED, "without", WITHOUT),
    ("balanced→text", CONTINUED, "text-only", TEXT),
)
"""Pairs of reasoning scores that the paper's text ranks."""


@dataclass(frozen=True)
class Figure:
    """One computed number; `elsewhere`: what an independent computation has for it, "" where there is none."""

    what: str
    value: float
    unit: str
    elsewhere: str = ""


@dataclass(frozen=True)
class WeakPoint:
    """A weakness in one sentence, and the numbers it rests on."""

    name: str
    says: str
    figures: tuple[Figure, ...]


@cache
def weak_points() -> tuple[WeakPoint, ...]:
    """All of them, in the order of the paper's argument."""
    known = scores()
    return (
        _baseline(known),
        _after_cooldown(known),
        _items(known),
        _chance(known),
        _preferences(),
    )


def _at(known: Mapping[tuple[str, str, str], Number], category: str, model: str) -> float:
    return known[SIZE, category, model].value


def _gain(new: float, base: float) -> float:
    return 100 * (new / base - 1)


def _baseline(known: Mapping[tuple[str, str, str], Number]) -> WeakPoint:
    less, more = _at(known, REASONING, LESS_TEXT), _at(known, REASONING, TEXT)
    best, plain = _at(known, REASONING, CONTINUED), _at(known, REASONING, WITHOUT)
    headline, fair, without = _gain(best, more), _gain(best, less), _gain(plain, less)
    return WeakPoint(
        "the baseline",
        f"Text alone reasons worse after 400B tokens ({more:.1f}) than after 200B ({less:.1f}). Over the better of "
        f"the two the gain of {headline:.1f} % in reasoning is {fair:.1f} %, and {without:.1f} % without the synthetic "
        "code.",
        (
            Figure("gain over 400B of text", headline, "%", "8.2"),
            Figure("gain over 200B of text", fair, "%", "5.6"),
            Figure("gain over 200B of text, without synthetic code", without, "%", "3.6"),
        ),
    )


def _after_cooldown(known: Mapping[tuple[str, str, str], Number]) -> WeakPoint:
    before = {c: (_at(known, c, CONTINUED), _at(known, c, TEXT)) for c in (REASONING, KNOWLEDGE, CODE)}
    after = {c: (_at(known, c, CONTINUED_DONE), _at(known, c, TEXT_DONE)) for c in (REASONING, KNOWLEDGE, CODE)}
    reasoning, knowledge = _gain(*after[REASONING]), _gain(*after[KNOWLEDGE])
    times, times_before = after[CODE][0] / after[CODE][1], before[CODE][0] / before[CODE][1]
    row = next(row for row in paper_winrates.ROWS if row.figure == 8 and row.variant == "balanced→text")
    p = sign_test(outcomes(row))
    return WeakPoint(
        "after the cooldown",
        "After the cooldown, which gives every recipe the same 8B tokens of code, balanced→text against text-only is "
        f"{_signed(reasoning)} % in reasoning (before: {_signed(_gain(*before[REASONING]))} %), "
        f"{_signed(knowledge)} % in knowledge ({_signed(_gain(*before[KNOWLEDGE]))} %) and {times:.1f}× in code "
        f"({times_before:.0f}×); its win rate has p = {p:.2f}.",
        (
            Figure("reasoning, balanced→text over text-only", reasoning, "%", "1.5"),
            Figure("knowledge, balanced→text over text-only", knowledge, "%", "-1.8"),
            Figure("code, balanced→text over text-only", times, "×", "1.3"),
            Figure("win rate, p", p, "", "0.68"),
        ),
    )


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def standard_error(items: Sequence[int], share: float = 0.5) -> float:
    """Of the unweighted mean over tasks with so many items each, all answered rightly with this share; in points."""
    return 100 * math.sqrt(share * (1 - share) * sum(1 / n for n in items)) / len(items)


def _items(known: Mapping[tuple[str, str, str], Number]) -> WeakPoint:
    every = [task.items for task in REASONING_TASKS.values()]
    nine = [task.items for name, task in REASONING_TASKS.items() if name not in SMALL]
    se, se_nine = standard_error(every), standard_error(nine)
    se_code = standard_error(list(CODE_ITEMS.values()), 0.05)
    parts = {name: 100 / REASONING_TASKS[name].items / sum(1 / n for n in every) for name in SMALL}
    apart = []
    for one, first, other, second in DIFFERENCES:
        gap = abs(_at(known, REASONING, first) - _at(known, REASONING, second))
        apart.append((f"{one} against {other}", gap / (math.sqrt(2) * se)))
    within = [f"{name} ({z:.1f})" for name, z in apart if z < 1.96]
    beyond = [f"{name} ({z:.1f})" for name, z in apart if z >= 1.96]
    return WeakPoint(
        "items",
        "One run an arm and no interval. The items alone give the mean of the eleven reasoning tasks a standard error "
        f"of {se:.2f} points ({parts['cb']:.0f} % of its square from the 56 items of CB, {parts['copa']:.0f} % from "
        f"the 100 of COPA; {se_nine:.2f} without the two), and the mean of the two code tasks {se_code:.1f} at 5 %. In "
        f"standard errors of an unpaired difference, within noise: {', '.join(within)}; beyond it: "
        f"{', '.join(beyond)}. How far two seeds lie apart is not known.",
        (
            Figure("standard error of the eleven reasoning tasks", se, "points", "0.82"),
            Figure("the same without CB and COPA", se_nine, "points", "0.37"),
            Figure("part of CB in its square", parts["cb"], "%", "55"),
            Figure("part of COPA in its square", parts["copa"], "%", "31"),
            Figure("standard error of the two code tasks at 5 %", se_code, "points", "1"),
            *(Figure(f"{name}, standard errors", z, "") for name, z in apart),
        ),
    )


def _chance(known: Mapping[tuple[str, str, str], Number]) -> WeakPoint:
    low = sum(task.chance for task in REASONING_TASKS.values()) / len(REASONING_TASKS)
    high = sum(task.constant for task in REASONING_TASKS.values()) / len(REASONING_TASKS)
    code = _at(known, REASONING, "code+markup, final")
    return WeakPoint(
        "chance",
        f"Guessing scores {low:.1f} on the mean of the eleven reasoning tasks, and giving the commonest answer "
        f"throughout {high:.1f} (QuAC counted as 0 in both; how it becomes an accuracy is not said). Code alone, with "
        f"{code:.1f}, is {code - high:.1f} points above that.",
        (
            Figure("chance of the eleven reasoning tasks", low, "points", "36"),
            Figure("the commonest answer throughout", high, "points"),
            Figure("code alone above it", code - high, "points"),
        ),
    )


def _preferences() -> WeakPoint:
    rows = {(row.figure, row.variant): row for row in paper_winrates.ROWS}
    with_code, without = rows[7, "cooldown with code"], rows[7, "cooldown without code"]
    shares = [counts(row)[0] / paper_winrates.PROMPTS for row in (with_code, without)]
    spread = math.sqrt(sum(share * (1 - share) / paper_winrates.PROMPTS for share in shares))
    z = (shares[0] - shares[1]) / spread
    tested = [(row, sign_test(outcomes(row))) for row in paper_winrates.ROWS]
    against = [p for row, p in tested if row.baseline == "text-only"]
    undecided = sum(p > 0.05 for p in against)
    return WeakPoint(
        "preferences",
        f"Of the {len(against)} comparisons with text-only {undecided} have p > 0.05 by the exact sign test on "
        f"{paper_winrates.PROMPTS} prompts. That a cooldown with code wins {100 * shares[0]:.1f} % and one without "
        f"{100 * shares[1]:.1f} % is {z:.1f} standard errors, unpaired.",
        (
            Figure("with code less without in the cooldown, standard errors", z, "", "0.8"),
            *(Figure(f"fig. {row.figure} {row.name}, p", p, "") for row, p in tested),
        ),
    )


def checks(folder: Path | None = None) -> list[Check]:
    """What another computation has as well, as cross-checks: nobody published these numbers."""
    return [
        beside(
            "weak points", f"{point.name}: {figure.what}", f"{PAPER}, computed from it", figure.elsewhere, figure.value
        )
        for point in weak_points()
        for figure in point.figures
        if figure.elsewhere
    ]
