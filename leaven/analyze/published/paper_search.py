"""How a printed figure can be read: as its sentence has it, and with other published scores on its sides.

Scores are known to half a unit of their last digit, so what follows from them is an interval. Other readings, from the
smallest change of the sentence to the largest:

* the sides of a claim's figures exchanged among themselves;
* the other side in the denominator (a drop of the winner told as a gain over the loser);
* another published checkpoint as the base, or as the model.

The last two are searches over a dozen or two of scores, where a figure can be met by chance. So a checkpoint fits only
if it gives the printed digits themselves, for every figure of the claim that shares the side; how many were tried, and
how many would fit figures drawn from their range, is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from leaven.analyze.published import paper_winrates
from leaven.analyze.published.paper_claims import Claim, Figure
from leaven.analyze.published.paper_results import PARTS_OF, Number, mean, numbers

STATED, SWAPPED, DENOMINATOR = "as stated", "sides exchanged", "the other side in the denominator"
BASELINE, MODEL = "another baseline", "another model"
TIES_HALF = "wins + ½ ties"
JUDGED = ("win rate", "wins", "losses", TIES_HALF)
"""Categories of judged prompts."""
EPSILON = 1e-9
MOST_EXCHANGED = 4

Scores = Mapping[tuple[str, str, str], Number]
"""(size, category, model) -> score."""


@dataclass(frozen=True)
class Reading:
    """A figure as it follows from published scores: `value`, and between which bounds rounding leaves it."""

    how: str
    formula: str
    new: str
    base: str
    value: float
    low: float
    high: float
    size: str
    base_size: str

    def meets(self, figure: Figure) -> bool:
        """Whether rounding of scores and figure explains the difference."""
        if figure.value is None:
            return self.high > EPSILON
        return self.low <= figure.value + figure.within and self.high >= figure.value - figure.within

    def gives(self, figure: Figure) -> bool:
        """Whether the scores as they are printed give the printed digits."""
        if figure.value is None:
            return self.value > EPSILON
        return abs(self.value - figure.value) <= figure.within + EPSILON


@dataclass
class Search:
    """Place of a figure in its claim -> the other readings that fit it, how many were tried, and how many of these
    would fit figures drawn evenly from the range of what they give."""

    found: dict[int, list[Reading]] = field(default_factory=dict)
    tried: dict[int, int] = field(default_factory=dict)
    by_chance: dict[int, float] = field(default_factory=dict)


def scores(part: str = "", known: Iterable[Number] | None = None) -> dict[tuple[str, str, str], Number]:
    """Each checkpoint's scores once: as `part` shows them, else as printed, else as read off a drawing.

    Natural language and totals are formed from their categories, so that both sizes have them alike. Shares of judged
    prompts, wins less losses as `win rate` and wins with half of the ties stand among them. `known`: other scores than
    the paper's, for tests.
    """
    order = sorted(numbers() if known is None else known, key=lambda n: (n.part != part, n.kind != "printed"))
    found: dict[tuple[str, str, str], Number] = {}
    for number in (*order, *_judged_prompts()):
        if number.category not in PARTS_OF:
            found.setdefault((number.size, number.category, number.model), number)
    for size, model in dict.fromkeys((size, model) for size, _, model in found):
        for category, parts in PARTS_OF.items():
            there = [found[size, each, model] for each in parts if (size, each, model) in found]
            if len(there) == len(parts):
                found[size, category, model] = mean(category, there)
    return found


def _judged_prompts() -> list[Number]:
    """Wins and losses of figures 7 to 9; figure 9 is before the cooldown."""
    made = []
    for row in paper_winrates.ROWS:
        point = "before cooldown" if row.figure == 9 else "final"
        win, lose, tie = float(row.win), float(row.lose), float(row.tie)
        shares = (
            ("wins", win, 0.05),
            ("losses", lose, 0.05),
            ("win rate", win - lose, 0.1),
            (TIES_HALF, win + tie / 2, 0.075),
        )
        for category, value, within in shares:
            about = (f"figure {row.figure}", row.variant, "470m", point, category)
            made.append(Number(*about, value, within, "printed", f"{row.variant}, {point}"))
    return made


def read(
    known: Scores, formula: str, figure: Figure, how: str, new: str | None = None, base: str | None = None
) -> Reading | None:
    """`figure` read from scores, with other sides where given; None where a side has no published score."""
    new, base = figure.new if new is None else new, figure.base if base is None else base
    top = known.get((figure.size, figure.category, new))
    sizes = (figure.size, figure.base_size)
    if not base:
        if top is None:
            return None
        return Reading(how, top.shown, new, "", top.value, top.value - top.within, top.value + top.within, *sizes)
    below = known.get((figure.base_size, figure.category, base))
    if top is None or below is None:
        return None
    said, compute = FORMULAS[formula]
    ends = [compute(n, b) for n in (top.low, top.high) for b in (below.low, below.high)]
    shown = said.format(new=top.shown, base=below.shown)
    return Reading(how, shown, new, base, compute(top.value, below.value), min(ends), max(ends), *sizes)


def _over(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.inf if numerator > 0 else 0.0


OVER_NEW = ", over the new"
FORMULAS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "gain": ("{new} / {base} − 1", lambda new, base: 100 * (_over(new, base) - 1)),
    "drop": ("1 − {new} / {base}", lambda new, base: 100 * (1 - _over(new, base))),
    "times": ("{new} / {base}", lambda new, base: _over(new, base)),
    "rises": ("{new} − {base}", lambda new, base: new - base),
    f"gain{OVER_NEW}": ("1 − {base} / {new}", lambda new, base: 100 * (1 - _over(base, new))),
    f"drop{OVER_NEW}": ("{base} / {new} − 1", lambda new, base: 100 * (_over(base, new) - 1)),
    f"times{OVER_NEW}": ("{base} / {new}", lambda new, base: _over(base, new)),
}
"""Each is monotone in both scores, so its bounds lie at the corners of what rounding leaves."""


def search(claim: Claim, known: Scores, failing: Sequence[int], exactly: Sequence[int] = ()) -> Search:
    """Other readings of the figures at the places `failing`, the small changes first; none where those do.

    Args: `exactly`: places whose figures rounding must not be asked to explain, because the paper prints another one
        for the same quantity.
    """
    found = Search(tried=dict.fromkeys(failing, 0), by_chance=dict.fromkeys(failing, 0.0))
    if not failing or claim.formula == "rises":
        return found
    for readings in (_exchanged(claim, known, failing, exactly), _turned(claim, known, failing, exactly)):
        for place in failing:
            found.tried[place] += 1
        for place, reading in readings.items():
            found.found.setdefault(place, []).append(reading)
    if not found.found:
        _another(claim, known, failing, "base", found)
        _another(claim, known, failing, "new", found)
    return found


def _exchanged(claim: Claim, known: Scores, failing: Sequence[int], exactly: Sequence[int]) -> dict[int, Reading]:
    """The sides of failing figures exchanged among themselves, each moved, so that all of them fit."""
    if not 1 < len(failing) <= MOST_EXCHANGED:
        return {}
    for turn in permutations(failing):
        if any(place == other for place, other in zip(failing, turn, strict=True)):
            continue
        readings = {
            place: read(
                known, claim.formula, claim.figures[place], SWAPPED, claim.figures[o].new, claim.figures[o].base
            )
            for place, o in zip(failing, turn, strict=True)
        }
        fitting = _all_fit(claim, readings, exactly)
        if fitting:
            return fitting
    return {}


def _turned(claim: Claim, known: Scores, failing: Sequence[int], exactly: Sequence[int]) -> dict[int, Reading]:
    """The other side in the denominator, if that explains all failing figures."""
    formula = f"{claim.formula}{OVER_NEW}"
    if formula not in FORMULAS:
        return {}
    readings = {place: read(known, formula, claim.figures[place], DENOMINATOR) for place in failing}
    return _all_fit(claim, readings, exactly)


def _all_fit(claim: Claim, readings: Mapping[int, Reading | None], exactly: Sequence[int]) -> dict[int, Reading]:
    """The readings if each fits its figure, else none."""
    fitting = {}
    for place, reading in readings.items():
        figure = claim.figures[place]
        if reading is None or not (reading.gives(figure) if place in exactly else reading.meets(figure)):
            return {}
        fitting[place] = reading
    return fitting


def _another(claim: Claim, known: Scores, failing: Sequence[int], side: str, found: Search) -> None:
    """Another checkpoint on one side, for all figures of the claim that have this side in common."""
    how = BASELINE if side == "base" else MODEL
    for stated in dict.fromkeys(getattr(claim.figures[place], side) for place in failing):
        if not stated:
            continue
        places = [place for place, figure in enumerate(claim.figures) if getattr(figure, side) == stated]
        figures = [claim.figures[place] for place in places]
        given: list[list[Reading]] = []
        for model in _candidates(known, figures, side):
            readings = [read(known, claim.formula, figure, how, **{side: model}) for figure in figures]
            given.append([reading for reading in readings if reading is not None])
        for readings_of in given:
            if all(r.gives(f) for r, f in zip(readings_of, figures, strict=True)):
                for place, reading in zip(places, readings_of, strict=True):
                    if place in failing:
                        found.found.setdefault(place, []).append(reading)
        chance = _by_chance(figures, given)
        for place in set(places) & set(failing):
            found.tried[place] += len(given)
            found.by_chance[place] += chance


def _candidates(known: Scores, figures: Sequence[Figure], side: str) -> list[str]:
    """Checkpoints with a score wherever the figures need one, other than those that the figures name."""
    needed = {(figure.base_size if side == "base" else figure.size, figure.category) for figure in figures}
    named = {getattr(figure, side) for figure in figures}
    other = "new" if side == "base" else "base"
    named |= {getattr(figure, other) for figure in figures if figure.size == figure.base_size}
    models = dict.fromkeys(model for size, category, model in known if (size, category) in needed)
    complete = [model for model in models if all((*each, model) in known for each in needed)]
    return [model for model in complete if model not in named and _has_others(known, figures, side)]


def _has_others(known: Scores, figures: Sequence[Figure], side: str) -> bool:
    """Whether the side that stays has its scores."""
    if side == "base":
        return all((figure.size, figure.category, figure.new) in known for figure in figures)
    return all(not f.base or (f.base_size, f.category, f.base) in known for f in figures)


def _by_chance(figures: Sequence[Figure], given: Sequence[Sequence[Reading]]) -> float:
    """How many candidates would give the digits of figures drawn evenly from the ranges of what candidates give."""
    if not given:
        return 0.0
    share = 1.0
    for place, figure in enumerate(figures):
        values = [readings[place].value for readings in given]
        span = max(values) - min(values) + 2 * figure.within
        share *= 2 * figure.within / span if span > 0 else 1.0
    return len(given) * share
