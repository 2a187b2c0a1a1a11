"""Twenty seeds of one nanochat configuration (karpathy/nanochat#807): noise of two measures, and the seeds it asks for.

Why it matters: bits per byte vary by 0.03 % between seeds and the CORE average by 2.6 %, so a gain of 2 % needs 2 seeds
an arm by the one and 28 by the other. The numbers beside which ours are put are METHODS.md §2.2 and §8.5.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.power import seeds_per_arm
from leaven.analyze.published.check import Check, beside
from leaven.analyze.published.seeds import cv
from leaven.analyze.published.sheet import read_sheet

FILE = "pr807_20seeds.csv"
SOURCE = f"METHODS.md §8.5, from {FILE}"
CVS = {"val_bpb": ("BPB", ".0312"), "core_score": ("CORE", "2.61")}
SEEDS = {"val_bpb": ("2", "2", "2"), "core_score": ("109", "28", "6")}
"""Seeds an arm for gains of 1, 2 and 5 %: 80 % power, α .05 two-sided, unpaired arms of equal size."""
GAINS = (1, 2, 5)


def checks(folder: Path) -> list[Check]:
    """All figures; none where the folder does not hold the file. Raises BadInput for a file that cannot be read."""
    if not (folder / FILE).is_file():
        return []
    sheet = read_sheet(folder, FILE)
    values = {column: sheet.numbers(column) for column in CVS}
    found = [
        beside("noise between seeds", f"{name}: coefficient of variation, %", SOURCE, printed, cv(values[column]))
        for column, (name, printed) in CVS.items()
    ]
    correlation = _correlation(values["val_bpb"], values["core_score"])
    found.append(beside("noise between seeds", "correlation of BPB and CORE", SOURCE, ".08", correlation))
    for column, printed in SEEDS.items():
        name, noise = CVS[column][0], cv(values[column])
        for gain, wanted in zip(GAINS, printed, strict=True):
            needed = seeds_per_arm(float(gain), noise)
            ours = math.nan if needed is None else float(needed)
            found.append(beside("seeds an arm for 80 % power", f"{name}: a gain of {gain} %", SOURCE, wanted, ours))
    return found


def _correlation(first: Floats, second: Floats) -> float:
    return float(np.corrcoef(first, second)[0, 1])
