from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from leaven.analyze.crossed import Crossed
from leaven.analyze.decision import Comparison, decide, decide_family
from leaven.analyze.holm import holm
from leaven.analyze.measures import Measure

NOISE = stats.norm.ppf((np.arange(500) + 0.5) / 500)


def comparison(estimate: float, se: float, seeds: int = 5, margin: float = 1.0, better: str = "lower") -> Comparison:
    measure = Measure("prose", ("bpb",), "bits_per_byte", better, "relative", margin, True)
    crossed = Crossed(estimate, se, se / 5, se / 5, seeds, NOISE * se / 5)
    return Comparison("variant", "base", measure, crossed, 500, 500)


@pytest.mark.parametrize(
    ("estimate", "se", "better", "verdict"),
    [
        (-4.0, 0.2, "lower", "better"),
        (-4.0, 0.2, "higher", "worse"),
        (4.0, 0.2, "lower", "worse"),
        (4.0, 0.2, "higher", "better"),
        (0.1, 0.1, "lower", "equivalent"),
        (0.8, 0.6, "lower", "unresolved"),
    ],
)
def test_four_verdicts(estimate: float, se: float, better: str, verdict: str) -> None:
    (row,) = decide_family([comparison(estimate, se, better=better)], 0.05)
    assert row["verdict"] == verdict
    assert bool(row["would_resolve"]) == (verdict == "unresolved")


def test_real_but_smaller_than_what_matters_is_equivalent() -> None:
    (row,) = decide_family([comparison(0.3, 0.02)], 0.05)
    assert row["p_holm"] < 0.05
    assert (row["verdict"], row["real"]) == ("equivalent", True)


def test_correction_can_unmake_a_verdict_while_the_interval_stays() -> None:
    one = comparison(2.0, 0.55)
    (alone,) = decide_family([one], 0.05)
    among = decide_family([one, *[comparison(0.9, 0.8)] * 11], 0.05)[0]
    assert alone["verdict"] == "worse"
    assert among["verdict"] == "unresolved"
    assert (alone["low"], alone["high"], alone["p"]) == (among["low"], among["high"], among["p"])
    assert among["low"] > 0


def test_one_seed_and_no_margin_claim_nothing() -> None:
    single = Crossed(-9.0, 0.0, 0.1, 0.1, 1, NOISE * 0.1)
    pair = comparison(0, 1)
    (row,) = decide_family([Comparison("v", "b", pair.measure, single, 5, 5)], 0.05)
    assert (row["verdict"], row["p"]) == ("unresolved", 1)
    (row,) = decide_family([comparison(0.0, 0.001, margin=0.0)], 0.05)
    assert row["verdict"] == "unresolved"


def test_decide_is_total() -> None:
    assert decide(0.5, "lower", 0.05, 1.0, 0.05) == "worse"
    assert decide(0.5, "lower", 0.0500001, 1.0, 0.05) == "unresolved"
    assert decide(0.5, "lower", 0.01, 0.05, 0.05) == "equivalent"


def test_family_error_of_each_claim_is_controlled() -> None:
    """Twelve comparisons: in null families any difference, in families on the margin any equivalence, in ≤ 5 %."""
    rng = np.random.default_rng(0)
    false = {"different": 0, "equivalent": 0}
    for _ in range(300):
        for kind, truth in (("different", 0.0), ("equivalent", 1.0)):
            seeds = truth + rng.normal(0, 0.2, (12, 5))
            effects = [comparison(float(x.mean()), float(x.std(ddof=1) / np.sqrt(5))).effect for x in seeds]
            p_values = [e.p_difference() if kind == "different" else e.p_equivalence(1.0) for e in effects]
            false[kind] += min(holm(p_values)) <= 0.05
    assert false["different"] / 300 < 0.085
    assert false["equivalent"] / 300 < 0.085
