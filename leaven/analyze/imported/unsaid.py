"""What is found size by size, and what is said of runs, metrics and pairs that give no verdict: nothing goes unsaid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from leaven.analyze.evidence import Evidence
from leaven.analyze.imported import conventions
from leaven.analyze.imported.asked import Asked
from leaven.analyze.imported.rounding import hidden
from leaven.analyze.noise import noise_rows
from leaven.analyze.request import FINAL
from leaven.analyze.results import Sampled
from leaven.analyze.scores import score_rows
from leaven.analyze.text import listing

ALONE = "ran once, or more than once with the very same value, and no error of its score is given"


@dataclass
class Found:
    """What accumulates size by size. `judged` holds the evidence with known noise, `every` all of it; `guessed` are
    sizes with a measure of which the score of guessing is known."""

    judged: list[Evidence] = field(default_factory=list)
    every: list[Evidence] = field(default_factory=list)
    excluded: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    bare: list[dict[str, Any]] = field(default_factory=list)
    noise: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    guessed: set[str] = field(default_factory=set)


def at(size: str) -> str:
    return f"{size}: " if size else ""


def lacking(part: str, rows: pd.DataFrame, mine: pd.DataFrame, size: str) -> list[str]:
    """Which runs of a size lack a metric that others have."""
    every, having = (
        frame[["variant", "seed"]].drop_duplicates().astype(str).itertuples(index=False, name=None)
        for frame in (rows, mine)
    )
    lost = sorted(set(every) - set(having), key=lambda run: (conventions.natural(run[0]), conventions.natural(run[1])))
    if not lost:
        return []
    named = [f"{variant} seed {seed}" if seed else variant for variant, seed in lost[:5]]
    shown = listing(named) if len(lost) <= len(named) else f"{', '.join(named)} and {len(lost) - len(named)} more"
    return [f"{at(size)}{part}: {shown} {'has' if len(lost) == 1 else 'have'} no value, and others have"]


def take_hidden(
    one: Asked, judged: dict[str, Sampled], units: Sequence[float], size: str, baseline: str, found: Found
) -> None:
    """Take arms out of `judged` whose differences from the baseline vary less than rounding does; told, with what is
    known of the arm alone."""
    measure, unit = one.measure, max(units)
    rounding = one.factor * math.sqrt(sum(each**2 for each in units) / 12) / len(units)
    relative = measure.effect == "relative"
    gone = [
        name
        for name, arm in judged.items()
        if name != baseline and hidden(arm, judged[baseline], rounding, relative=relative)
    ]
    if not gone:
        return
    arms = {name: judged.pop(name) for name in gone}
    found.bare += score_rows(measure, "", True, arms, size, FINAL)
    found.noise += noise_rows(size, measure.name, arms, {})
    shown = listing(gone[:5]) + (f" and {len(gone) - 5} others" if len(gone) > 5 else "")
    found.notes.append(
        f"{at(size)}{measure.name}: the differences of {shown} from {baseline} vary less between seeds than rounding "
        f"to {unit:g} does, so their noise is not known: no verdict"
    )


def unjudged(found: Found, baseline: str) -> list[str]:
    """Measures at sizes where nothing could be judged; one sentence where that is everything that could be compared."""
    judged = {(one.size, one.measure.name) for one in found.judged}
    lost = [one for one in found.every if (one.size, one.measure.name) not in judged]
    if not judged:
        return [f"every variant {ALONE}: no verdicts"] if any(_pairs(one, baseline) for one in lost) else []
    return [f"{at(one.size)}{one.measure.name}: every variant {ALONE}: no verdicts" for one in lost]


def _pairs(one: Evidence, baseline: str) -> bool:
    return len(one.arms) > 1 and (not baseline or baseline in one.arms)


def without_items(judged: Sequence[Evidence]) -> list[str]:
    """Which measures have intervals of seeds alone."""
    every = dict.fromkeys(one.measure.name for one in judged)
    known = {one.measure.name for one in judged for arm in one.arms.values() if (arm.draws != arm.per_seed).any()}
    bare = [name for name in every if name not in known]
    if not bare:
        return []
    shown = listing(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
    return [f"{shown}: no error of items is given, so intervals hold the spread of seeds only"]
