"""The noise others published, recomputed from their files."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import numpy as np
import pytest

from leaven.analyze.noise_published import (
    ACCURACY,
    BITS,
    BITS_LONG,
    CHOICES,
    CORE,
    ITEMS,
    MOVED,
    TOGETHER,
    published_noise,
    sd_of_mean,
    seed_sd,
)

PUBLISHED = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "shared")) / "published"
COLUMNS = {
    "arc_easy": "arc_easy:acc",
    "arc_challenge": "arc_challenge:acc_norm",
    "piqa": "piqa:acc",
    "swag": "swag:acc",
    "lambada_openai": "lambada_openai:acc",
}
needs_files = pytest.mark.skipif(not PUBLISHED.is_dir(), reason="published results not found; set LEAVEN_SHARED")


def rows_of(name: str) -> list[dict[str, str]]:
    with (PUBLISHED / name).open(newline="") as file:
        return list(csv.DictReader(file))


def by_seed(size: str) -> dict[str, dict[str, float]]:
    """Column → seed → value: the two result files of a seed are merged."""
    found: dict[str, dict[str, float]] = {}
    for row in rows_of("polypythias/downstream_by_seed.csv"):
        if row["size"] == size:
            for name, value in row.items():
                if value and name not in ("size", "seed"):
                    found.setdefault(name, {})[row["seed"]] = float(value)
    return found


@needs_files
@pytest.mark.parametrize("parameters", list(ACCURACY))
def test_accuracies_are_those_of_the_file(parameters: float) -> None:
    found = by_seed(f"{parameters / 1e6:.0f}m")
    for task, score in ACCURACY[parameters].items():
        values = np.array(list(found[COLUMNS[task]].values()))
        errors = np.array(list(found[f"{COLUMNS[task]}_stderr"].values()))
        assert len(values) == 5
        assert score.mean == pytest.approx(values.mean(), abs=5e-5)
        assert score.seed_sd == pytest.approx(values.std(ddof=1), abs=5e-5)
        assert score.item_se == pytest.approx(errors.mean(), abs=5e-5)


@needs_files
@pytest.mark.parametrize("parameters", list(ACCURACY))
def test_the_mean_of_the_tasks_has_the_sd_that_is_predicted(parameters: float) -> None:
    found = by_seed(f"{parameters / 1e6:.0f}m")
    seeds = sorted(found["piqa:acc"])
    means = [np.mean([found[column][seed] for column in COLUMNS.values()]) for seed in seeds]
    sds = [score.seed_sd for score in ACCURACY[parameters].values()]
    assert sd_of_mean(sds) == pytest.approx(float(np.std(means, ddof=1)), rel=0.03)
    assert TOGETHER == 1 / 3


def test_how_far_seeds_move_a_score_beside_its_sampling_error() -> None:
    moved = [known[task].seed_sd / known[task].item_se for known in ACCURACY.values() for task in CHOICES]
    assert float(np.median(moved)) == pytest.approx(MOVED, abs=0.02)


@needs_files
def test_bits_per_byte_and_core() -> None:
    rows = rows_of("nanochat_seeds/pr807_20seeds.csv")
    for name, published in (("val_bpb", BITS_LONG), ("core_score", CORE)):
        values = np.array([float(row[name]) for row in rows])
        assert 100 * values.std(ddof=1) / values.mean() == pytest.approx(published, rel=2e-3)


@needs_files
@pytest.mark.parametrize(("size", "step", "place"), [("14m", 20_000, 0), ("160m", 40_000, 1)])
def test_training_loss(size: str, step: int, place: int) -> None:
    values = [
        float(row["mean_loss"])
        for row in rows_of("polypythias/train_loss_blocks1000.csv")
        if row["size"] == size and int(row["block_start"]) == step
    ]
    assert len(values) >= 5
    assert 100 * np.std(values, ddof=1) / np.mean(values) == pytest.approx(BITS[place][1], abs=0.006)


def test_a_pair_of_arms_has_both_arms_noise() -> None:
    noise = published_noise("accuracy", "points", ["piqa"], 470e6)
    assert noise is not None
    assert noise.seed_sd == pytest.approx(100 * math.sqrt(2) * 0.0026)
    assert noise.item_sd / math.sqrt(noise.clusters) == pytest.approx(100 * math.sqrt(0.25 / ITEMS["piqa"]))
    assert noise.source == "PolyPythias at 160M"
    bits = published_noise("gold_bpb", "relative", ["piqa_bpb"], 1e6)
    assert bits is not None
    assert (bits.seed_sd, bits.clusters) == (pytest.approx(math.sqrt(2) * 0.15), 0)


def test_small_sets_are_noisier_than_tasks_like_them() -> None:
    known = ACCURACY[160e6]
    assert seed_sd("cb", known) == pytest.approx(MOVED * 0.5 / math.sqrt(56))
    assert seed_sd("hellaswag", known) == pytest.approx(0.0062, abs=5e-5)
    assert seed_sd("piqa", known) == 0.0026


@pytest.mark.parametrize(
    ("statistic", "effect", "tasks"),
    [("accuracy", "points", ["my_task"]), ("pass@1", "points", ["mbpp"]), ("accuracy", "relative", ["piqa"])],
)
def test_what_nobody_published(statistic: str, effect: str, tasks: list[str]) -> None:
    assert published_noise(statistic, effect, tasks, 470e6) is None
