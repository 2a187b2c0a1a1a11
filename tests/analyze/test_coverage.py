"""Does "95 %" mean 95 %? Null studies drawn over and over, through the code that makes a study's intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from leaven.analyze.bootstrap import Sums, cluster_sums, picks, ratios_resampled
from leaven.analyze.crossed import difference


@dataclass(frozen=True)
class Null:
    """Two arms without a true difference. `seed_part`: the seeds' share of the effect's error, as a multiple of the
    items' shared part; `private`: sd of noise of one seed and one item, as a multiple of the shared item noise."""

    seeds: int
    seed_part: float
    private: float
    clusters: int = 300
    per_cluster: int = 1
    binary: bool = False


def paired_arms(null: Null, rng: np.random.Generator) -> list[Sums]:
    """Baseline and variant. Each has half the variance of the effect's seed, item and private noise."""
    items = null.clusters * null.per_cluster
    labels = np.repeat(np.arange(null.clusters), null.per_cluster)
    of_seed = null.seed_part * np.sqrt(null.seeds / null.clusters)
    common = rng.normal(0, 1, (null.seeds, 1)) * of_seed + rng.normal(0, 2, items)
    found = []
    for _ in range(2):
        values = common + np.sqrt(0.5) * (
            rng.normal(0, of_seed, (null.seeds, 1))
            + rng.normal(0, 1, null.clusters)[labels]
            + rng.normal(0, null.private, (null.seeds, items))
        )
        # Binary items: a threshold on the latent value; levels near 60 %.
        values = (values < 0.5).astype(float) if null.binary else values + 20
        found.append(Sums(cluster_sums(values, labels), cluster_sums(np.ones_like(values), labels)))
    return found


def coverage(null: Null, studies: int, draws: int, seed: int) -> float:
    """Share of null studies whose 95 % interval holds zero."""
    rng = np.random.default_rng(seed)
    held = 0
    for study in range(studies):
        base, variant = paired_arms(null, rng)
        drawn = ratios_resampled([base, variant], draws, key=study)
        low, high = difference(variant.ratios, base.ratios, drawn[1], drawn[0], "points").interval()
        held += low <= 0 <= high
    return held / studies


def percentile_coverage(null: Null, studies: int, draws: int, seed: int) -> float:
    """The same for the plain percentile bootstrap that resamples seeds, then items."""
    rng = np.random.default_rng(seed)
    held = 0
    for study in range(studies):
        base, variant = paired_arms(null, rng)
        drawn = ratios_resampled([base, variant], draws, key=study)
        chosen = np.concatenate(list(picks(null.seeds, draws, key=study)))
        low, high = np.quantile(np.take_along_axis(drawn[1] - drawn[0], chosen, axis=1).mean(axis=1), [0.025, 0.975])
        held += low <= 0 <= high
    return held / studies


@pytest.mark.parametrize(
    "null",
    [Null(3, 0.3, 0.5), Null(3, 3.0, 0.5), Null(5, 1.0, 3.0), Null(3, 1.0, 0.5, clusters=40, per_cluster=5)],
    ids=str,
)
def test_intervals_cover(null: Null) -> None:
    assert coverage(null, studies=250, draws=200, seed=3) >= 0.92  # 95 % less two standard errors of 250 studies


def test_plain_percentile_bootstrap_of_three_seeds_does_not() -> None:
    assert percentile_coverage(Null(3, 10.0, 0.5), studies=250, draws=200, seed=3) < 0.85


GRID = [
    Null(seeds, part, private, clusters, per, binary)
    for seeds in (3, 5)
    for part, private, clusters, per, binary in (
        (0.0, 0.5, 300, 1, False),
        (0.3, 3.0, 300, 1, False),
        (1.0, 0.5, 300, 1, False),
        (1.0, 3.0, 300, 1, False),
        (3.0, 0.5, 300, 1, False),
        (3.0, 3.0, 300, 1, False),
        (10.0, 0.5, 300, 1, False),
        (1.0, 0.5, 15, 20, False),
        (0.3, 1.0, 400, 1, True),
        (3.0, 1.0, 400, 1, True),
    )
]


@pytest.mark.long
@pytest.mark.parametrize("null", GRID, ids=str)
def test_intervals_cover_over_the_whole_grid(null: Null) -> None:
    held = coverage(null, studies=2000, draws=400, seed=11)
    print(f"\n{null} {held:.3f}")
    assert held >= 0.94  # 95 % less two standard errors of 2,000 studies
