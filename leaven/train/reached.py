"""What share of the peak the training of others reached: what hours on hardware that is not here are worked out from.

Every figure is a share of the dense bfloat16 peak (`peaks`), as its source prints it. Sources count differently (6 N a
token or attention as well, all of causal attention or half of it), so that two figures may differ by a fifth for the
same speed. The paper prints no share but chip-hours; those of its runs follow from our count of operations
(`config.flops_per_token`, attention in it as well; the head is in N however one counts), for shapes that are inferred.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from leaven.model.config import count_parameters, flops_per_token, from_size
from leaven.train.peaks import CHIPS

PAPER_CHIP = "v5e"


@dataclass(frozen=True)
class PaperRun:
    """A run for which the paper prints TPU v5e chip-hours (arXiv 2408.10914 §2.3). `size`: a name of `config.SIZES`."""

    name: str
    size: str
    tokens: float
    hours: float

    def share(self, *, attention: bool = True) -> float:
        """Of the peak: by `flops_per_token`, or by six operations a parameter and token."""
        shape = from_size(self.size)
        each = flops_per_token(shape) if attention else 6.0 * count_parameters(shape)
        return each * self.tokens / (self.hours * 3600 * CHIPS[PAPER_CHIP].flops)

    def hours_at(self, share: float) -> float:
        """Chip-hours of this run at another share of the peak, by our count of operations."""
        return self.hours * self.share() / share


PAPER_RUNS = (
    PaperRun("200B tokens at 470M", "470m", 200e9, 4736),
    PaperRun("200B tokens at 2.8B", "2.8b", 200e9, 13824),
    PaperRun("40B cooldown at 470M", "470m", 40e9, 1024),
)


@dataclass(frozen=True)
class Reached:
    """`share` of the peak at so many parameters, and who says so."""

    parameters: float
    share: float
    source: str


FOUNDRY = "llm-foundry's benchmarks, 8 × H100, sequences of 8192"
OLMO = "OLMo-core's README, H100, sequences of 4096"
LEVANTER = "Levanter 1.0, TPU v3-256"
MAXTEXT = "MaxText's README, TPU v5e-256"
PAPER = "the paper's own chip-hours"

GPU = (
    Reached(0.76e9, 0.348, FOUNDRY),
    Reached(1.3e9, 0.377, FOUNDRY),
    Reached(2.7e9, 0.403, FOUNDRY),
    Reached(7e9, 0.47, OLMO),
    Reached(13e9, 0.42, OLMO),
)
TPU = (Reached(0.345e9, 0.35, LEVANTER), Reached(0.75e9, 0.39, LEVANTER), Reached(1.4e9, 0.42, LEVANTER))
V5E = (
    *(Reached(count_parameters(from_size(run.size)), run.share(), PAPER) for run in PAPER_RUNS[:2]),
    Reached(16e9, 0.61, MAXTEXT),
    Reached(32e9, 0.67, MAXTEXT),
)
FAR = 4.0
"""A model this many times smaller or larger than the one a figure was measured with is told to be so."""


def nearest(chip: str, parameters: int) -> Reached:
    """The published figure of the nearest size (by ratio) on a chip of `peaks.CHIPS`, or on one of its kind."""
    known: Sequence[Reached] = V5E if chip == PAPER_CHIP else TPU if chip.startswith("v") else GPU
    return min(known, key=lambda reached: abs(math.log(reached.parameters / parameters)))


def is_far(reached: Reached, parameters: int) -> bool:
    """Whether a figure says little about a model of this size."""
    return abs(math.log(reached.parameters / parameters)) > math.log(FAR)
