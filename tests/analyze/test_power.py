from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from leaven.analyze.power import (
    POWER,
    critical_value,
    power,
    resolve_sentence,
    seeds_per_arm,
    seeds_to_detect,
    seeds_to_equate,
    smallest_effect,
    t_power,
)

SHARED = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "shared"))
NANOCHAT = SHARED / "published" / "nanochat_seeds" / "pr807_20seeds.csv"


@pytest.mark.parametrize(("shift", "df"), [(0.0, 2), (2.5, 2), (3.0, 8), (9.0, 4), (3.3, 200)])
def test_power_is_that_of_the_noncentral_t(shift: float, df: int) -> None:
    critical = float(stats.t.ppf(0.975, df))
    reference = stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift)
    assert t_power(shift, critical, df) == pytest.approx(reference, abs=2e-4)


@pytest.mark.skipif(not NANOCHAT.is_file(), reason="published nanochat seeds not found; set LEAVEN_SHARED")
def test_nanochat_reference_numbers() -> None:
    """METHODS.md §8.5: CV .0312 % and 2.61 %; seeds per arm 2 for bits-per-byte, 109 / 28 / 6 for CORE."""
    with NANOCHAT.open() as file:
        rows = list(csv.DictReader(file))
    bpb, core = (np.array([float(row[name]) for row in rows]) for name in ("val_bpb", "core_score"))
    cv = {name: 100 * x.std(ddof=1) / x.mean() for name, x in (("bpb", bpb), ("core", core))}
    assert len(rows) == 20
    assert cv["bpb"] == pytest.approx(0.0312, abs=5e-5)
    assert cv["core"] == pytest.approx(2.61, abs=5e-3)
    assert float(np.corrcoef(bpb, core)[0, 1]) == pytest.approx(0.08, abs=5e-3)
    assert [seeds_per_arm(gain, cv["bpb"]) for gain in (1, 2, 5)] == [2, 2, 2]
    assert [seeds_per_arm(gain, cv["core"]) for gain in (1, 2, 5)] == [109, 28, 6]


def test_critical_value_lies_between_z_and_t() -> None:
    assert critical_value(1, 0, 2, 0.05) == pytest.approx((4.3027, 2), rel=1e-4)
    assert critical_value(0, 1, 2, 0.05)[0] == pytest.approx(1.96, rel=1e-3)
    both, df = critical_value(1, 1, 2, 0.05)
    assert 1.96 < both < 4.3
    assert float(stats.t.ppf(0.975, df)) == pytest.approx(both, rel=1e-6)


def test_smallest_effect_has_the_power_asked() -> None:
    for seeds, item_se in ((2, 0.0), (3, 0.4), (10, 2.0)):
        smallest = smallest_effect(seeds, 1.0, item_se, 0.05)
        assert power(smallest, seeds, 1.0, item_se, 0.05) == pytest.approx(POWER, abs=1e-6)
    assert smallest_effect(1, 1.0, 0.0, 0.05) == math.inf
    assert smallest_effect(3, 0.0, 0.0, 0.05) == 0


def test_seeds_to_detect_is_the_first_that_suffices() -> None:
    needed = seeds_to_detect(1.0, 1.0, 0.1, 0.05)
    assert needed is not None
    assert power(1.0, needed, 1.0, 0.1, 0.05) >= POWER > power(1.0, needed - 1, 1.0, 0.1, 0.05)
    assert seeds_to_detect(0.1, 1.0, 1.0, 0.05) is None  # items alone are too noisy


def test_planned_power_holds_in_simulation() -> None:
    rng = np.random.default_rng(0)
    seeds = seeds_to_detect(1.0, 1.0, 0.0, 0.05)
    assert seeds is not None
    found = stats.ttest_1samp(rng.normal(1, 1, (4000, seeds)), 0, axis=1).pvalue < 0.05
    assert 0.78 < found.mean() < 0.87


def test_equivalence_needs_room() -> None:
    assert seeds_to_equate(1.0, 1.0, 0.1, 0.0, 0.05) is None
    near, far = seeds_to_equate(0.9, 1.0, 0.2, 0.0, 0.05), seeds_to_equate(0.2, 1.0, 0.2, 0.0, 0.05)
    assert near is not None
    assert far is not None
    assert near > far


def say(effect: float, seeds: int, seed_sd: float, item_se: float, alpha: float = 0.05) -> str:
    return resolve_sentence(effect, 1.0, "%", seeds=seeds, items=500, seed_sd=seed_sd, item_se=item_se, alpha=alpha)


def test_sentences_that_say_what_would_resolve() -> None:
    assert say(3.0, 1, 0.0, 0.1) == "one seed cannot tell a recipe from its luck: run at least 3 seeds"
    assert say(3.0, 3, 1.5, 0.1) == "about 5 seeds (now 3) would tell an effect of this size from zero"
    assert say(3.0, 8, 1.0, 0.1) == "about 9 seeds (now 8) would tell an effect of this size from zero"
    assert say(1.5, 3, 0.1, 2.0).endswith("independent items (now 500) would tell an effect of this size from zero")
    small = "the effect seen is below the smallest effect of interest (1 %); "
    assert say(0.2, 3, 0.5, 0.05) == f"{small}about 5 seeds (now 3) would show that it lies within ±1 %"
    assert say(0.0, 3, 400.0, 0.0) == (
        f"{small}not even 50 seeds and 25 times the independent items would tell an effect of this size from zero or "
        "show that it lies within ±1 %"
    )


def test_an_effect_just_below_the_margin_is_cheaper_told_from_zero() -> None:
    """A real comparison (pocket, balanced→text, prose): showing +0.84 % to be below 1 % would take 191 seeds."""
    told = say(0.839, 3, 0.648, 0.081, alpha=0.05 / 8)
    assert told.endswith("would tell an effect of this size from zero")
    seeds = int(told.partition("about ")[2].split()[0])
    assert 5 < seeds < 20
    assert power(0.839, seeds, 0.648, 0.081, 0.05 / 8) >= POWER
