"""How much seeds move a score, as others measured it: for a study that has no noise of its own yet.

Sources:

* PolyPythias (EleutherAI/pythia, `hmm-training-maps/results/eval-harness` and `…/training_losses`, Apache-2.0): five
  seeds at 70M and 160M, last checkpoint; of training loss nine seeds at 14M and five to six at 160M, at steps before
  any of them diverges. Tests recompute these figures from the files (METHODS.md §2.2, §8.7).
* nanochat, pull request 807: 20 seeds of one configuration, 5.2B tokens each (METHODS.md §8.5).

They are sds of one arm. A paired comparison of arms that share nothing but their seeds has √2 of it, which is what is
planned with; a shared trunk makes it less. Items are another matter: no study publishes what the same items in two arms
leave of sampling noise, so half of the variance is taken to be shared (`PAIRED`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaven.analyze.pilot import Noise

POLYPYTHIAS = "PolyPythias"
NANOCHAT = "nanochat's 20 seeds"


@dataclass(frozen=True)
class Score:
    """A task's accuracy at one size: mean over seeds, sd over seeds (ddof 1), standard error of sampling."""

    mean: float
    seed_sd: float
    item_se: float


ACCURACY: dict[float, dict[str, Score]] = {
    70e6: {
        "arc_easy": Score(0.3907, 0.0156, 0.0100),
        "arc_challenge": Score(0.2140, 0.0053, 0.0120),
        "piqa": Score(0.5933, 0.0090, 0.0115),
        "swag": Score(0.3501, 0.0038, 0.0034),
        "lambada_openai": Score(0.2309, 0.0134, 0.0059),
    },
    160e6: {
        "arc_easy": Score(0.4453, 0.0094, 0.0102),
        "arc_challenge": Score(0.2326, 0.0055, 0.0123),
        "piqa": Score(0.6219, 0.0026, 0.0113),
        "swag": Score(0.4042, 0.0055, 0.0035),
        "lambada_openai": Score(0.3528, 0.0112, 0.0067),
    },
}
"""PolyPythias by parameters; ARC-Challenge is acc_norm, the others acc."""
CHOICES = ("arc_easy", "arc_challenge", "piqa", "swag")
"""Those of them in which an answer is chosen."""
TOGETHER = 1 / 3
"""Correlation of two tasks over seeds with which the mean of the five has the sd it has (.36 at 70M, .33 at 160M)."""
MOVED = 0.85
"""Median over the eight, both sizes, of a task's sd over seeds by its standard error of sampling."""

BITS: tuple[tuple[float, float, str], ...] = (
    (14e6, 0.15, f"{POLYPYTHIAS}' loss at 14M, step 20,000"),
    (160e6, 0.24, f"{POLYPYTHIAS}' loss at 160M, step 40,000"),
)
"""Parameters, sd over seeds in per cent of the mean, source. Later or earlier the same seeds spread 1 to 4 %."""
BITS_LONG = 0.0312
"""nanochat's val_bpb, in per cent: a model of good standing, trained on 5.2B tokens, on a large validation set."""
CORE = 2.61
"""nanochat's CORE metric, in per cent of its mean: what accuracies do where bits-per-byte do not move."""

ITEMS = {
    "triviaqa": 17944,
    "nq_open": 3610,
    "boolq": 3270,
    "piqa": 1838,
    "sciq": 1000,
    "social_iqa": 1954,
    "quac": 1000,
    "cb": 56,
    "copa": 100,
    "storycloze": 1871,
    "hellaswag": 10042,
    "winogrande": 1267,
    "arc_easy": 2376,
    "arc_challenge": 1172,
    "lambada_openai": 5153,
    "humaneval": 164,
    "mbpp": 500,
}
"""Independent items of known benchmarks in the splits that are asked (EVALUATION.md §9.1); QuAC's are its dialogues."""
PAIRED = 0.5
"""Assumed share of an item's sampling variance that two arms have in common."""
GUESS = 0.5
"""The share of right answers with the largest sampling error."""


def published_noise(statistic: str, effect: str, tasks: Sequence[str], parameters: float) -> Noise | None:
    """The noise of a paired comparison by what others published at the nearest size; None where nothing is published.

    Args:
        statistic, effect: as of `measures.Measure`. tasks: names of benchmarks; an ending `_bpb` is not looked at.
    """
    names = [task.removesuffix("_bpb") for task in tasks]
    if statistic in ("accuracy", "acc_norm", "acc_bytes") and effect == "points":
        return _of_accuracies(names, parameters)
    if statistic in ("bits_per_byte", "gold_bpb") and effect == "relative":
        _, sd, source = min(BITS, key=lambda row: abs(math.log(row[0] / parameters)))
        return Noise(math.sqrt(2) * sd, 0.0, 0, "%", f"{source} (items not counted)")
    return None


def _of_accuracies(tasks: Sequence[str], parameters: float) -> Noise | None:
    """Of an unweighted mean of accuracies, in points; None where a task's number of items is not known."""
    if any(task not in ITEMS for task in tasks):
        return None
    size = min(ACCURACY, key=lambda known: abs(math.log(known / parameters)))
    sds = [seed_sd(task, ACCURACY[size]) for task in tasks]
    clusters = sum(ITEMS[task] for task in tasks)
    variance = sum(GUESS * (1 - GUESS) / ITEMS[task] for task in tasks) / len(tasks) ** 2
    item_se = math.sqrt(2 * (1 - PAIRED) * variance)
    return Noise(
        100 * math.sqrt(2) * sd_of_mean(sds),
        100 * item_se * math.sqrt(clusters),
        clusters,
        "points",
        f"{POLYPYTHIAS} at {size / 1e6:.0f}M",
    )


def seed_sd(task: str, known: Mapping[str, Score]) -> float:
    """Of a task's accuracy over seeds: as published; else typical of tasks with choices, or of a set so small."""
    if task in known:
        return known[task].seed_sd
    typical = math.sqrt(sum(known[name].seed_sd ** 2 for name in CHOICES) / len(CHOICES))
    return max(typical, MOVED * math.sqrt(GUESS * (1 - GUESS) / ITEMS[task]))


def sd_of_mean(sds: Sequence[float]) -> float:
    """Of the unweighted mean of tasks whose scores rise and fall together as `TOGETHER` says."""
    squares, whole = sum(sd**2 for sd in sds), sum(sds)
    return math.sqrt(squares + TOGETHER * (whole**2 - squares)) / len(sds)
