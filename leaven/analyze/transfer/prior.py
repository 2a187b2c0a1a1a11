"""How often a small model's order of two recipes held in a larger one, by the gap the small one showed: public data.

RegMix (sail-sg/regmix @ b004d3a, MIT) trained the same 256 mixtures of the Pile at 1M and 60M parameters, one seed
each. Of all pairs whose losses at 1M lie a given |Δ|/min apart, the share that 60M orders alike is a prior for "the
sign holds at a larger size". METHODS.md §2.4 prints the same pairs by their gap at 60M; a prediction can only know the
small model's, so the tables here are by that. Code transfers worse than web text, hence one table each: GitHub's loss
and Pile-CC's. Intervals resample mixtures. `leaven validate regmix` recomputes both tables from the published losses.

The shares contain the noise of single runs and a leap of a factor of 60, and come from mixtures far more different from
each other than the variants of most studies are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaven.analyze.transfer.agreement import GAPS

SOURCE = "RegMix, 1M → 60M, 256 mixtures"


@dataclass(frozen=True)
class Held:
    """Of `pairs` this far apart at the small size, the share that kept its order, with a 95 % interval."""

    pairs: int
    share: float
    low: float
    high: float


PRIOR: Mapping[str, Sequence[Held]] = {
    "web": (
        Held(859, 0.5611, 0.499, 0.624),
        Held(777, 0.7079, 0.651, 0.762),
        Held(1565, 0.8319, 0.789, 0.870),
        Held(3126, 0.9552, 0.932, 0.973),
        Held(8365, 0.9982, 0.996, 1.000),
        Held(17948, 1.0000, 0.971, 1.000),
    ),
    "code": (
        Held(267, 0.5094, 0.411, 0.612),
        Held(242, 0.5992, 0.488, 0.708),
        Held(446, 0.5785, 0.493, 0.661),
        Held(1043, 0.7076, 0.652, 0.761),
        Held(2962, 0.8808, 0.846, 0.911),
        Held(27680, 0.9972, 0.995, 0.999),
    ),
}
"""Kind of measure -> a row for each bin of `agreement.GAPS`, the gap taken at the small size."""

CODE = ("code", "python", "java", "github", "program", "software", "stack", "c++", "cpp", "rust", "mbpp", "humaneval")


def kind_of(measure: str) -> str:
    """ "code" or "web", by the measure's name: which of the two tables speaks for it."""
    return "code" if any(word in measure.lower() for word in CODE) else "web"


def held(gap: float, kind: str) -> Held:
    """The row for a relative gap ≥ 0 at the small size. Raises KeyError for an unknown kind."""
    return next(row for row, high in zip(PRIOR[kind], GAPS[1:], strict=True) if gap < high)
