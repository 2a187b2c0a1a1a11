"""Seeds of Pythia (EleutherAI/pythia, Apache-2.0): noise of training loss by step, of tasks beside sampling error.

Why it matters: 14M models agree within 0.15 % at step 20,000 and within 4 % at the end, so noise must be measured where
a study operates; and the spread between seeds is often larger than the items' own error, so items alone understate it.
The numbers beside which ours are put are METHODS.md §8.7 and the table of §2.2.

What had to be found out: a step's loss is the mean over the 1,000 steps from it on (`block_start`); the sampling error
is the mean over seeds; a task's two result files per seed are merged on size and seed, where one holds what the other
lacks. The sampling error is made anew from the count of right answers, by `leaven.analyze.half`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from leaven.analyze.half import half, points_of
from leaven.analyze.published.check import Check, beside
from leaven.analyze.published.seeds import cv, seed_sd
from leaven.analyze.published.sheet import Sheet, read_sheet
from leaven.ground.errors import BadInput

LOSSES, TASKS = "train_loss_blocks1000.csv", "downstream_by_seed.csv"
STEPS = (2000, 5000, 10_000, 20_000, 40_000, 80_000, 120_000, 142_000)
NATS = (".0084", ".0076", ".0068", ".0053", ".0095", ".098", ".087", ".150")
PERCENT = {
    "14m": (".21", ".21", ".19", ".15", ".27", "2.7", "2.4", "4.1"),
    "160m": ("6.6", "3.6", "2.2", "1.35", ".24", ".53", "1.1", ".98"),
}
DOWNSTREAM = (
    # task, score, items, then of 70M and of 160M: mean, sd between seeds, sampling error
    ("arc_easy", "acc", 2376, (".391", ".0156", ".0100"), (".445", ".0094", ".0102")),
    ("arc_challenge", "acc_norm", 1172, (".214", ".0053", ".0120"), (".233", ".0055", ".0123")),
    ("piqa", "acc", 1838, (".593", ".0090", ".0115"), (".622", ".0026", ".0113")),
    ("swag", "acc", 20_006, (".350", ".0038", ".0034"), (".404", ".0055", ".0035")),
    ("lambada_openai", "acc", 5153, (".231", ".0134", ".0059"), (".353", ".0112", ".0067")),
    ("blimp_anaphor_gender_agreement", "acc", 1000, (".962", ".0152", ".0059"), (".982", ".0128", ".0039")),
)
"""Items: sizes of the splits that lm-eval asks; they give the published standard error of every row."""


def checks(folder: Path) -> list[Check]:
    """All figures that the files of a folder allow; none where it holds neither. BadInput for a file that is wrong."""
    found = []
    if (folder / LOSSES).is_file():
        found += _losses(read_sheet(folder, LOSSES))
    if (folder / TASKS).is_file():
        found += _tasks(read_sheet(folder, TASKS))
    return found


def _losses(sheet: Sheet) -> list[Check]:
    source = f"METHODS.md §8.7, from {LOSSES}"
    found = []
    for size, printed in PERCENT.items():
        for place, step in enumerate(STEPS):
            here = sheet.where(lambda row, size=size, step=step: (row["size"], row["block_start"]) == (size, str(step)))  # type: ignore[misc]
            values = here.numbers("mean_loss")
            if len(values) < 2:
                raise BadInput(f"fewer than two seeds of {size} at step {step:,}", where=sheet.name)
            what = f"{size} at step {step:,}, {len(values)} seeds"
            if size == "14m":
                nats = seed_sd(values)
                found.append(beside("loss between seeds, nats", f"{what}: nats", source, NATS[place], nats))
            found.append(beside("loss between seeds, %", f"{what}: %", source, printed[place], cv(values)))
    return found


def _tasks(sheet: Sheet) -> list[Check]:
    source = f"METHODS.md §2.2, from {TASKS}"
    found = []
    for task, score, items, *printed in DOWNSTREAM:
        for size, (mean, sd, sampling) in zip(("70m", "160m"), printed, strict=True):
            values = sheet.where(lambda row, size=size: row["size"] == size).numbers(f"{task}:{score}")  # type: ignore[misc]
            values = values[~np.isnan(values)]
            if len(values) < 2:
                raise BadInput(f"fewer than two seeds of {size}", where=sheet.name, field=f"{task}:{score}")
            right = [round(float(value) * items) for value in values]
            errors = [half(points_of(count, items - count, 0)).se / 100 for count in right]
            what = f"{task} {score}, {size}"
            found += [
                beside("tasks: mean over seeds", f"mean, {what}", source, mean, float(values.mean())),
                beside("tasks: sd between seeds", f"seeds' sd, {what}", source, sd, seed_sd(values)),
                beside("tasks: sampling error", f"se of {items:,}, {what}", source, sampling, float(np.mean(errors))),
            ]
    return found
