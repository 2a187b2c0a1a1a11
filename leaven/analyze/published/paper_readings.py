"""What became of each figure in the paper's text: computed from its published scores, never written down.

A figure reproduces where what follows from the scores as its sentence has it, and what was rounded to its printed
digits, have a point in common. Where they have none, `paper_search` looks for another reading. Of two figures printed
for one and the same quantity that cannot both be right, the one farther from what the scores give does not reproduce.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from leaven.analyze.published.check import Check
from leaven.analyze.published.paper_claims import Claim, Figure, claims
from leaven.analyze.published.paper_results import numbers
from leaven.analyze.published.paper_search import EPSILON, JUDGED, STATED, Reading, Scores, read, scores, search
from leaven.analyze.published.paper_winrates import PAPER

REPRODUCES, OTHERWISE, NOT = "reproduces", "reproduces from other numbers", "does not reproduce"
VERDICTS = (REPRODUCES, OTHERWISE, NOT)
NEAR_ZERO = 1.0
"""Per cent. A score below this holds one or two items right of a few hundred, and every ratio to it is mostly noise."""

DOCUMENTED = frozenset(
    {
        ("reasoning of balanced-only", "3.2"),
        ("knowledge over code→text", "21"),
        ("code of balanced-only", "46.7"),
        ("code of balanced-only", "54.5"),
        ("growth, in the text", "33.1"),
        ("growth, in the text", "31.7"),
        ("growth of reasoning", "9.2"),
        ("code at 2.8B", "43.1"),
        ("code at 2.8B", "46.3"),
        ("synthetic code", "9"),
        ("synthetic code", "44.9"),
        ("synthetic code, continued, §3.4", "35"),
        ("knowledge after a cooldown without code", "3.6"),
        ("code of the recipes", "20"),
        ("code of the recipes", "55"),
    }
)
"""Figures known not to be what their sentence says, so that `leaven validate` fails over any other. Verdicts do not
look here."""


@dataclass(frozen=True)
class Judged:
    """A printed figure and what became of it.

    Attributes:
        stated: the reading that the sentence has, None where the paper publishes no such score.
        verdict: one of `VERDICTS`; `why`: what stands against the stated reading, in words.
        found: other readings that fit, the smallest change first.
        tried: other readings looked at; `by_chance`: how many of them would fit figures drawn from their range.
        notes: what a reader should know beside it.
    """

    claim: Claim
    figure: Figure
    stated: Reading | None
    verdict: str
    why: str = ""
    found: tuple[Reading, ...] = ()
    tried: int = 0
    by_chance: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the scores give the printed digits, and not only within their rounding."""
        return self.verdict == REPRODUCES and self.stated is not None and self.stated.gives(self.figure)

    @property
    def printed(self) -> str:
        """`8.8 %` as printed, with its unit."""
        return f"{self.figure.printed.replace('-', '−')}{self.claim.unit}"


@cache
def judge() -> tuple[Judged, ...]:
    """Every printed figure with its verdict, in the paper's order."""
    every = claims()
    stated = {
        claim.id: [read(scores(claim.part), claim.formula, figure, STATED) for figure in claim.figures]
        for claim in every
    }
    against = _contradicted(every, stated)
    return tuple(found for claim in every for found in _claim(claim, stated[claim.id], against[claim.id]))


def _contradicted(
    every: Sequence[Claim], stated: Mapping[str, Sequence[Reading | None]]
) -> dict[str, dict[int, Figure]]:
    """Claim -> place of a figure for whose very quantity the paper prints another one that is nearer -> that one."""
    same: dict[tuple[str, ...], list[tuple[str, int, Figure, float]]] = {}
    for claim in every:
        for place, (figure, reading) in enumerate(zip(claim.figures, stated[claim.id], strict=True)):
            if reading is not None and figure.value is not None:
                sides = (figure.category, figure.size, figure.base_size, figure.new, figure.base)
                off = abs(reading.value - figure.value)
                same.setdefault((claim.formula, *sides), []).append((claim.id, place, figure, off))
    found: dict[str, dict[int, Figure]] = {claim.id: {} for claim in every}
    for group in same.values():
        nearest = min(group, key=lambda each: each[3])[2]
        for name, place, figure, _ in group:
            apart = abs((figure.value or 0.0) - (nearest.value or 0.0))
            if apart > figure.within + nearest.within + EPSILON:
                found[name][place] = nearest
    return found


def _claim(claim: Claim, stated: Sequence[Reading | None], against: Mapping[int, Figure]) -> list[Judged]:
    """The figures of one claim, judged together."""
    known = scores(claim.part)
    whys = [
        _why(claim, figure, reading, against.get(place))
        for place, (figure, reading) in enumerate(zip(claim.figures, stated, strict=True))
    ]
    failing = [place for place, why in enumerate(whys) if why]
    doubtful = tuple(place for place in against if (reading := stated[place]) and reading.meets(claim.figures[place]))
    others = search(claim, known, failing, exactly=doubtful)
    made = []
    for place, (figure, reading, why) in enumerate(zip(claim.figures, stated, whys, strict=True)):
        found = tuple(others.found.get(place, ()))
        verdict = REPRODUCES if not why else OTHERWISE if found else NOT
        searched = (others.tried.get(place, 0), others.by_chance.get(place, 0.0))
        notes = _notes(claim, figure, reading, known)
        made.append(Judged(claim, figure, reading, verdict, why, found, *searched, notes))
    return made


def _why(claim: Claim, figure: Figure, reading: Reading | None, nearer: Figure | None) -> str:
    """What stands against the stated reading; nothing where it reproduces."""
    if reading is None:
        return f"{claim.part or 'the paper'} shows no such score"
    if not reading.meets(figure):
        return f"the scores give {told(reading, claim.unit)}"
    if nearer is not None:
        return (
            f"for the same quantity {nearer.printed}{claim.unit} is printed too; both cannot be right, and the scores "
            f"give {told(reading, claim.unit)}, which is nearer to that one"
        )
    return ""


def _notes(claim: Claim, figure: Figure, reading: Reading | None, known: Scores) -> tuple[str, ...]:
    """A denominator near zero, and a model that another part of the paper shows as something else."""
    if reading is None:
        return ()
    said = [
        f"the scores of {called(figure.new)} are those of {number.variant} in {number.part}"
        for number in numbers()
        if number.inferred and number.part != claim.part
        if (number.model, number.size, number.category) == (figure.new, figure.size, figure.category)
    ]
    base = known.get((figure.base_size, figure.category, figure.base))
    if base is not None and base.value < NEAR_ZERO and claim.formula != "rises":
        points = known[figure.size, figure.category, figure.new].value - base.value
        said.append(
            f"the denominator is a near-zero score ({base.shown} %): its rounding alone leaves {reading.low:.1f} to "
            f"{reading.high:.1f}{claim.unit}; the difference is {points:.1f} points"
        )
    return tuple(said)


def told(reading: Reading, unit: str) -> str:
    """`8.6 % (8.4 to 8.8)`: the value, and what rounding of the scores leaves of it."""
    value, low, high = (_rounded(each, unit) for each in (reading.value, reading.low, reading.high))
    return f"{value}{unit} ({low} to {high})"


def _rounded(value: float, unit: str) -> str:
    """One decimal, two of a ratio; zero has no sign."""
    digits = 2 if unit == "×" else 1
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def called(model: str) -> str:
    """`code→text (before cooldown)`: a checkpoint with its point of training."""
    name, _, point = model.rpartition(", ")
    return f"{name} ({point})" if name else model


def reading_words(reading: Reading, unit: str) -> str:
    """`another baseline: 51.8 / 50.2 − 1 = 3.2 %, balanced-only (before cooldown) over 0 % code (final)`: how it was
    read, the numbers, and whose they are."""
    given = f"{_rounded(reading.value, unit)}{unit}"
    if not reading.base:
        return f"{reading.how}: {given} of {called(reading.new)}"
    return f"{reading.how}: {reading.formula} = {given}, {sides(reading)}"


def sides(of: Reading | Figure) -> str:
    """`code→text over text-only`: points of training only where they differ, sizes where these do."""
    (new, _, at), (base, _, before) = of.new.rpartition(", "), of.base.rpartition(", ")
    if not base:
        return called(of.new)
    if of.size != of.base_size:
        return f"{new} at {of.size.upper()} over {base} at {of.base_size.upper()}"
    return f"{new} over {base}" if at == before else f"{called(of.new)} over {called(of.base)}"


def checks(folder: Path | None = None) -> list[Check]:
    """The figures as checks of `leaven validate`; those of judged prompts are checked in `paper_winrates`.

    One of `DOCUMENTED` is told with what stands against it, and what it is of where that was found; another that does
    not come out as stated fails.
    """
    made = []
    for each in judge():
        if each.figure.category in JUDGED or each.stated is None or each.figure.value is None:
            continue
        of = "; ".join(f"{reading.how}, {reading.formula}" for reading in each.found)
        said = f"{each.why}{f'; it comes out with {of}' if of else ''}" if each.why else ""
        reach = max(each.stated.value - each.stated.low, each.stated.high - each.stated.value)
        made.append(
            Check(
                group=each.claim.topic,
                what=f"{each.claim.id}, {each.figure.category}: {each.printed}",
                source=f"{PAPER}, {each.claim.where}",
                published=each.figure.value,
                ours=each.stated.value,
                tolerance=reach + each.figure.within,
                ok=not each.why,
                note="" if (each.claim.id, each.figure.printed) in DOCUMENTED else said,
                defect=said if (each.claim.id, each.figure.printed) in DOCUMENTED else "",
            )
        )
    return made
