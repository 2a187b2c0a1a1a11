"""Does an effect keep its sign from size to size, and how likely is it that it will?

A sign is *clear* at a size where the 95 % interval of the effect excludes zero, with two seeds or more. Two sizes
*flip* where their effects point in opposite directions, neighbours or two clear ones with none clear between; whether
that is more than noise is told by the confidence that both signs are as they look. Intervals are those of the verdict's
rows, uncorrected for the number of measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from leaven.analyze.crossed import Crossed

AGREE, SAME, FLIP, MAYBE, NOTHING = "signs agree", "same sign, not clear", "flip", "possible flip", "nothing clear"
ENOUGH = 3
"""Sizes at which a sign must be clear before it counts as shown (METHODS.md §5)."""


@dataclass(frozen=True)
class At:
    """An effect at one size: its interval is None with a single seed."""

    size: str
    parameters: int
    effect: Crossed
    low: float | None
    high: float | None

    @property
    def sign(self) -> int:
        return (self.effect.estimate > 0) - (self.effect.estimate < 0)

    @property
    def clear(self) -> bool:
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    @property
    def confidence(self) -> float:
        """Confidence that the sign is as it looks: ½ … 1; ½ with a single seed, of whose noise nothing is known."""
        if self.effect.seeds < 2:
            return 0.5
        below = self.effect.cdf(0.0)
        return max(below, 1 - below)


def at(size: str, parameters: int, effect: Crossed, level: float = 0.95) -> At:
    low, high = effect.interval(level) if effect.seeds > 1 else (None, None)
    return At(size, parameters, effect, low, high)


def state(effects: Sequence[At]) -> str:
    """What the sizes say together about one effect; `effects` from the smallest size to the largest."""
    clear = {each.sign for each in effects if each.clear}
    if len(clear) > 1:
        return FLIP
    if not clear:
        return NOTHING
    if any(-each.sign in clear for each in effects):
        return MAYBE
    return AGREE if sum(each.clear for each in effects) >= ENOUGH else SAME


def flips(effects: Sequence[At]) -> list[tuple[At, At, float]]:
    """Pairs of sizes whose effects point in opposite directions, and the confidence that they truly do.

    `effects` from the smallest size to the largest. First clear ones between which none is clear, so that `state` is
    FLIP just where one of these is found; then, outside of them, neighbours; a size without an effect is passed over.
    """
    places = [place for place, each in enumerate(effects) if each.sign]
    clear = [place for place in places if effects[place].clear]
    turned = [(i, j) for i, j in pairwise(clear) if effects[i].sign != effects[j].sign]
    turned += [
        (i, j)
        for i, j in pairwise(places)
        if effects[i].sign != effects[j].sign and not any(low <= i and j <= high for low, high in turned)
    ]
    found = []
    for small, large in ((effects[i], effects[j]) for i, j in sorted(turned)):
        a, b = small.confidence, large.confidence
        found.append((small, large, a * b + (1 - a) * (1 - b)))
    return found


def holds(confidence: float, held: float) -> float:
    """P(the sign seen at this size is the sign at a larger one): the sign here is right and holds, or wrong and does
    not. `held`: how often signs of such gaps held elsewhere (`prior.held`)."""
    return confidence * held + (1 - confidence) * (1 - held)
