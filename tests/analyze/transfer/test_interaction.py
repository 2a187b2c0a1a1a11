from __future__ import annotations

import numpy as np
import pytest

from leaven.analyze.crossed import Crossed, difference
from leaven.analyze.transfer.interaction import combined, interaction, weights

SIZES = (300_000, 1_000_000, 3_000_000)


def effect(values: np.ndarray, item: np.ndarray | None = None) -> Crossed:
    item = np.zeros(1) if item is None else item
    se = float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return Crossed(float(values.mean()), se, float(item.std()), float(item.std()), len(values), item)


def test_the_slope_is_that_of_a_line_through_every_seed() -> None:
    rng = np.random.default_rng(1)
    seeds = [rng.normal(2 - i, 0.1, 3 + i) for i in range(3)]
    found = interaction(SIZES, [effect(values) for values in seeds])
    assert found is not None
    x = np.concatenate([[np.log10(n)] * len(values) for n, values in zip(SIZES, seeds, strict=True)])
    assert found.slope == pytest.approx(np.polyfit(x, np.concatenate(seeds), 1)[0])
    assert found.low < found.slope < found.high < 0
    assert found.p < 0.05
    assert found.seeds == 12


def test_two_sizes_or_single_seeds_have_no_slope() -> None:
    two = effect(np.array([1.0, 1.1]))
    assert interaction(SIZES[:2], [two, two]) is None
    assert interaction(SIZES, [two, two, effect(np.array([1.0]))]) is None
    assert interaction((10, 10, 20), [two, two, two]) is None


def test_coefficients_ignore_a_constant_and_read_a_line() -> None:
    c = weights(SIZES, (3, 5, 2))
    assert c.sum() == pytest.approx(0, abs=1e-12)
    assert c @ np.log10(SIZES) == pytest.approx(1)


def test_what_makes_items_hard_at_every_size_cancels() -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(0, 5, 300)
    parts = [effect(rng.normal(1, 0.1, 3), shared) for _ in SIZES]
    c = weights(SIZES, (3, 3, 3))
    assert combined(list(zip(c, parts, strict=True))).item_se == pytest.approx(0, abs=1e-9)
    apart = [Crossed(1.0, 0.1, 5.0, 5.0, 3, rng.normal(0, 5, size)) for size in (100, 200, 300)]
    assert combined(list(zip(c, apart, strict=True))).item_se == pytest.approx(5 * np.sqrt((c**2).sum()), rel=0.01)


def test_one_seed_part_keeps_its_own_degrees_of_freedom() -> None:
    quiet, loud = effect(np.array([1.0, 1.0, 1.0])), effect(np.array([0.0, 1.0, 2.0]))
    assert combined([(1.0, quiet), (1.0, loud)]).seeds == 3
    assert combined([(1.0, loud), (1.0, loud)]).seeds == 5


def coverage(spreads: tuple[float, ...], seeds: tuple[int, ...], studies: int, seed: int) -> float:
    """Share of studies without a true slope whose 95 % interval holds zero; effects are differences of paired arms."""
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(studies):
        parts = []
        for spread, count in zip(spreads, seeds, strict=True):
            base = rng.normal(3, 0.1, count)
            variant = base + rng.normal(0.5, spread, count)
            parts.append(difference(variant, base, variant[None, :], base[None, :], "points"))
        found = interaction([10**5 * 3**i for i in range(len(spreads))], parts)
        assert found is not None
        held += found.low <= 0 <= found.high
    return held / studies


def test_intervals_of_slopes_cover() -> None:
    assert coverage((1, 0.3, 0.1), (3, 3, 3), studies=250, seed=4) >= 0.92


@pytest.mark.long
@pytest.mark.parametrize("spreads", [(1, 1, 1), (1, 0.3, 0.1), (0.1, 0.3, 1), (1, 0.1, 1), (1, 0.3, 0.1, 0.3, 1)])
@pytest.mark.parametrize("count", [3, 5])
def test_intervals_of_slopes_cover_over_the_grid(spreads: tuple[float, ...], count: int) -> None:
    held = coverage(spreads, (count,) * len(spreads), studies=2000, seed=9)
    print(f"\n{spreads} {count} {held:.3f}")
    assert held >= 0.935
