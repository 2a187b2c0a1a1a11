"""How often a small model's order of two recipes held in a larger one, by the gap the small one showed: public data.

RegMix (sail-sg/regmix @ b004d3a, MIT) trained the same 256 mixtures of the Pile at 1M and 60M parameters, one seed
each. Of all pairs whose losses at 1M lie a given |Δ|/min apart, the share that 60M orders alike is a prior for "the
sign holds at a larger size". METHODS.md §2.4 prints the same pairs by their gap at 60M; a prediction can only know the
small model's, so the tables here are by that. Code transfers worse than web text, hence one table each: GitHub's loss
and Pile-CC's. Intervals resample mixtures. `leaven validate regmix` recomputes both tables from the published losses,
intervals included.

Pairs share mixtures, so 17,948 of them that all held are worth no more than 70 disjoint ones: what is expected of a new
pair is (held + ½) / (n + 1) of n disjoint ones (the mean under Jeffreys' prior), which is never certain.

The shares contain the noise of single runs and a leap of a factor of 60, and come from mixtures far more different from
each other than the variants of most studies are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaven.analyze.transfer.agreement import GAPS

MIXTURES = 256
SOURCE = "RegMix, 1M → 60M, 256 mixtures"


@dataclass(frozen=True)
class Held:
    """Of `pairs` this far apart at the small size, the share that kept its order, with a 95 % interval."""

    pairs: int
    share: float
    low: float
    high: float

    @property
    def expected(self) -> float:
        """The chance that a new pair this far apart keeps its order: never 1."""
        disjoint = self.pairs / (
            MIXTURES - 1
        )  # of MIXTURES / 2 in all, their part of MIXTURES (MIXTURES - 1) / 2 pairs
        return (self.share * disjoint + 0.5) / (disjoint + 1)


PRIOR: Mapping[str, Sequence[Held]] = {
    "web": (
        Held(859, 0.5611, 0.504, 0.619),
        Held(777, 0.7079, 0.648, 0.763),
        Held(1565, 0.8319, 0.792, 0.873),
        Held(3126, 0.9552, 0.933, 0.974),
        Held(8365, 0.9982, 0.996, 1.000),
        Held(17948, 1.0000, 0.948, 1.000),
    ),
    "code": (
        Held(267, 0.5094, 0.409, 0.611),
        Held(242, 0.5992, 0.496, 0.709),
        Held(446, 0.5785, 0.498, 0.664),
        Held(1043, 0.7076, 0.656, 0.759),
        Held(2962, 0.8808, 0.850, 0.910),
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
