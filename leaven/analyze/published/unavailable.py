"""Reference numbers whose data could not be had, by name, so that nobody takes their absence for agreement.

Of one of them the values are printed without their seeds (Marin's mixture swap, marin#9126): the relative changes are
made again from the printed values, by the function that makes every effect here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from leaven.analyze.crossed import difference
from leaven.analyze.published.check import Check, beside, rounding, unchecked

MARIN = (
    # measure, bits per byte of the old mixture and of the selected one, change in %
    ("macro paloma", "1.1934", "1.1860", "-.62"),
    ("100 programming languages", ".7045", ".6789", "-3.63"),
    ("m2d2_s2orc", ".9534", ".9479", "-.58"),
    ("falcon_refinedweb", "1.1102", "1.1059", "-.39"),
    ("dolma_v1_5", "1.0026", ".9958", "-.68"),
    ("macro uncheatable", ".8774", ".8649", "-1.43"),
    ("cpp", ".6033", ".5725", "-5.11"),
    ("python", ".5486", ".5372", "-2.09"),
    ("arxiv_cs", ".8776", ".8611", "-1.88"),
    ("arxiv_physics", ".9506", ".9225", "-2.96"),
)
"""METHODS.md §8.8: means of three seeds at width 512."""


def checks(folder: Path | None = None) -> list[Check]:
    """What can be said of them; nothing is read."""
    found = []
    for name, old, new, printed in MARIN:
        after, before = np.array([float(new)]), np.array([float(old)])
        change = difference(after, before, after[None, :], before[None, :], "relative").estimate
        # The two values are rounded themselves, and so is what follows from them.
        within = rounding(printed) + 100 * (rounding(new) / before[0] + rounding(old) * after[0] / before[0] ** 2)
        made = beside("Marin's mixture swap", f"{name}: change, %", "METHODS.md §8.8, from its values", printed, change)
        found.append(replace(made, tolerance=float(within), ok=bool(abs(change - float(printed)) <= within)))
    return [
        *found,
        unchecked(
            "Marin's mixture swap", "3 seeds a mixture", "marin#9126", "the issue prints means only, so no interval"
        ),
        unchecked(
            "olmix",
            "optimal share of code of 10 metrics",
            "METHODS.md §8.3",
            "the 512 runs (allenai/olmix: full_recomputation_{ratios,metrics}.csv) are not here",
        ),
        unchecked(
            "mixing laws",
            "replay that keeps the loss",
            "METHODS.md §8.4",
            "the runs (yegcjs/mixinglaws: data/ct/70M.txt) are not here, and have no licence to be passed on",
        ),
    ]
