"""The whole optimum: states, directions, sentences, and that equal inputs give equal data."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from leaven.analyze.export import rounded
from leaven.analyze.optimum import SweepMeasure, optimum_data
from leaven.analyze.optimum.state import Best, percent, sentence, state
from leaven.ground.errors import BadInput

SHARES = {"0 %": 0.0, "25 %": 0.25, "50 %": 0.5, "75 %": 0.75, "90 %": 0.9, "100 %": 1.0}
PAPER = {"reasoning": [50.2, 51.9, 51.7, 50.9, 46.2, 41.0], "code": [0.2, 4.1, 5.8, 8.4, 9.6, 10.65]}
"""PAPER.md §5, Fig 4."""


def sweep(name, curve, noise, better="lower", seeds=5, key=0):
    rng = np.random.default_rng(key)
    level = rng.standard_normal(seeds)
    values = {v: curve(x) + noise * (level + rng.standard_normal(seeds)) for v, x in SHARES.items()}
    return SweepMeasure(name, better, "points", values)


def found(*measures, **more):
    data = optimum_data(SHARES, measures, of="code", draws=400, seed=0, **more)
    assert data is not None
    return data


def test_a_clear_valley_is_identified_and_told():
    row = found(sweep("prose", lambda x: (x - 0.4) ** 2, 0.005))["measures"][0]
    assert row["state"] == "identified"
    assert row["low"] <= 0.4 <= row["high"]
    assert row["law"] == "quadratic"
    assert row["said"].startswith("prose: best at ")
    quadratic = next(fit for fit in row["fits"] if fit["law"] == "quadratic")
    assert 0 < quadratic["high"] - quadratic["low"] < row["high"] - row["low"]
    assert row["regret"] >= 0
    assert row["optimism"] >= 0


def test_edges_are_told_in_the_direction_of_the_measure():
    data = found(
        sweep("falls", lambda x: 3 - x, 0.05),
        sweep("rises", lambda x: x, 0.05, key=1),
        sweep("skill", lambda x: x, 0.05, "higher", key=2),
    )
    assert [row["state"] for row in data["measures"]] == ["at an edge"] * 3
    assert [round(row["best"]) for row in data["measures"]] == [1, 0, 1]
    assert "the more code the better" in data["measures"][2]["said"]
    assert "the less code the better" in data["measures"][1]["said"]


def test_flat_is_not_identified_and_nothing_is_confirmed():
    data = found(sweep("flat", lambda x: 0 * x, 1.0))
    assert data["measures"][0]["state"] == "not identified"
    assert "nothing to confirm" in data["confirm"]["said"]


def test_turning_the_sign_turns_everything():
    up = sweep("m", lambda x: -((x - 0.4) ** 2), 0.01, "higher")
    down = SweepMeasure("m", "lower", "points", {v: -values for v, values in up.per_seed.items()})
    one, two = found(up)["measures"][0], found(down)["measures"][0]
    assert (one["best"], one["low"], one["high"]) == (two["best"], two["low"], two["high"])
    np.testing.assert_allclose(one["curve"]["mean"], [-value for value in two["curve"]["mean"]])
    assert one["curve"]["band_low"] <= one["curve"]["mean"]


def test_items_widen_the_interval():
    quiet = sweep("m", lambda x: (x - 0.4) ** 2, 0.003)
    rng = np.random.default_rng(9)
    draws = {v: values + 0.08 * rng.standard_normal((400, 1)) for v, values in quiet.per_seed.items()}
    noisy = SweepMeasure("m", "lower", "points", quiet.per_seed, draws)
    one, two = found(quiet)["measures"][0], found(noisy)["measures"][0]
    assert two["high"] - two["low"] > one["high"] - one["low"]


def test_the_papers_single_runs():
    data = found(
        *(
            SweepMeasure(name, "higher", "points", {v: np.array([x]) for v, x in zip(SHARES, values, strict=True)})
            for name, values in PAPER.items()
        )
    )
    reasoning, code = data["measures"]
    assert reasoning["state"] != "identified" or reasoning["high"] - reasoning["low"] > 0.2
    assert reasoning["high"] < 0.9
    assert "single runs" in reasoning["why"]
    assert reasoning["points"][0]["low"] is None
    assert code["state"] == "at an edge"
    assert code["best"] > 0.9


def test_repetition_is_said_where_the_best_share_breaks_the_cap():
    epochs = {v: {"code": 20 * x} for v, x in SHARES.items()}
    data = found(sweep("prose", lambda x: (x - 0.4) ** 2, 0.005), repeats=epochs)
    assert data["repetition"]["most"] == pytest.approx(0.2)
    assert "the cap is met at 20 %" in data["measures"][0]["said"]
    assert data["confirm"]["shares"][0]["roles"][0] == "best within the cap"
    epochs = {v: {"code": 20 * x, "text": 10 * (1 - x)} for v, x in SHARES.items()}
    data = found(sweep("prose", lambda x: (x - 0.4) ** 2, 0.005), repeats=epochs)
    assert "No share keeps every source within 4 times" in data["measures"][0]["said"]
    assert data["confirm"]["shares"][0]["roles"] == ["best"]


def test_too_few_shares_wrong_shares_and_missing_variants():
    two = {"a": 0.0, "b": 1.0}
    one = SweepMeasure("m", "lower", "", {"a": np.ones(3), "b": np.ones(3)})
    assert optimum_data(two, [one], of="code", draws=100, seed=0) is None
    assert optimum_data(SHARES, [], of="code", draws=100, seed=0) is None
    with pytest.raises(BadInput, match="between 0 and 1"):
        optimum_data({**SHARES, "x": 25.0}, [one], of="code", draws=100, seed=0)
    whole = sweep("m", lambda x: (x - 0.4) ** 2, 0.01)
    part = SweepMeasure("p", "lower", "", {v: whole.per_seed[v] for v in ("0 %", "50 %", "100 %")})
    data = found(whole, part)
    assert [len(row["points"]) for row in data["measures"]] == [6, 3]
    assert [row["variant"] for row in data["pareto"]["shares"]] == ["0 %", "50 %", "100 %"]


def test_unequal_seeds_and_two_variants_at_one_share():
    whole = sweep("m", lambda x: (x - 0.4) ** 2, 0.01)
    less = SweepMeasure("m", "lower", "", {**whole.per_seed, "25 %": whole.per_seed["25 %"][:2]})
    assert found(less)["measures"][0]["seeds"] == 2
    twice = {**SHARES, "again": 0.5}
    more = SweepMeasure("m", "lower", "", {**whole.per_seed, "again": whole.per_seed["50 %"]})
    data = optimum_data(twice, [more], of="code", draws=100, seed=0)
    assert data is not None
    assert len(data["measures"][0]["points"]) == 6


def test_equal_inputs_give_equal_bytes_whatever_the_order():
    measure = sweep("m", lambda x: (x - 0.4) ** 2, 0.05)
    turned = SweepMeasure("m", "lower", "points", dict(reversed(measure.per_seed.items())))
    back = dict(reversed(SHARES.items()))
    one = rounded(found(measure))
    two = rounded(optimum_data(back, [turned], of="code", draws=400, seed=0))
    assert json.dumps(one) == json.dumps(two)


@pytest.mark.parametrize(
    ("best", "low", "high", "expected"),
    [
        (0.4, 0.2, 0.6, "identified"),
        (0.4, 0.1, 0.7, "not identified"),
        (0.1, 0.0, 0.3, "at an edge"),
        (0.9, 0.8, 1.0, "at an edge"),
        (0.5, 0.0, 1.0, "not identified"),
    ],
)
def test_the_rules(best, low, high, expected):
    told = Best(best, low, high, 0.0, 1.0)
    assert state(told)[0] == expected
    assert sentence("m", "code", told, expected).startswith("m: ")
    assert state(told, seeds=1, shares=4)[0] == "not identified"


def test_shares_beyond_those_tried():
    low = Best(0.2, 0.2, 0.25, 0.2, 0.8)
    assert "less than was tried may be better" in sentence("m", "code", low, "at an edge")
    high = Best(0.8, 0.8, 0.8, 0.2, 0.8)
    assert "80 % is best, and more than was tried may be better" in sentence("m", "code", high, "at an edge")
    assert percent(0.025) == "2.5 %"


def noisy_items(seeds, rng, lost=(), twice=False):
    """Six shares around a best one at 55 %, nearly all of whose noise is of items; `lost`: variants less a seed."""
    values, draws, numbers = {}, {}, {}
    for name, share in [*SHARES.items(), *([("again", 0.5)] if twice else [])]:
        kept = [seed for seed in range(1, seeds + 1) if not (name in lost and seed == 1)]
        own = (share - 0.55) ** 2 + 0.06 * rng.standard_normal() + 0.005 * rng.standard_normal(seeds)
        own = own[[seed - 1 for seed in kept]]
        values[name], numbers[name] = own, kept
        draws[name] = own + 0.06 * rng.standard_normal((300, 1))
    shares = {**SHARES, "again": 0.5} if twice else SHARES
    return shares, values, draws, numbers


@pytest.mark.long
@pytest.mark.parametrize("how", ["by number", "by position", "twice"])
def test_items_count_where_a_seed_is_lost_or_two_variants_share_a_share(how):
    rng = np.random.default_rng(7)
    covered = []
    for key in range(60):
        lost, twice = (() if how == "twice" else ("50 %",)), how == "twice"
        shares, values, draws, numbers = noisy_items(3, rng, lost, twice)
        measure = SweepMeasure("m", "lower", "", values, draws, None if how == "by position" else numbers)
        data = optimum_data(shares, [measure], of="code", draws=300, seed=key)
        assert data is not None
        row = data["measures"][0]
        covered.append(row["low"] <= 0.55 <= row["high"])
    assert np.mean(covered) >= 0.9


def test_seeds_pair_by_number_and_never_by_position():
    rng = np.random.default_rng(3)
    level = {1: 0.0, 2: 5.0, 3: -4.0, 4: 2.0}
    curve = {v: (x - 0.4) ** 2 for v, x in SHARES.items()}
    numbers = {v: [1, 2, 3] if v != "50 %" else [4, 3, 2] for v in SHARES}
    values = {
        v: np.array([curve[v] + level[seed] + 0.005 * rng.standard_normal() for seed in numbers[v]]) for v in SHARES
    }
    row = found(SweepMeasure("m", "lower", "", values, None, numbers))["measures"][0]
    assert row["state"] == "identified"
    assert row["seeds"] == 2
    assert "6 runs of seeds that not every share has are left out" in row["why"]
    apart = {v: [1, 2] if v != "50 %" else [2, 3] for v in SHARES}
    values = {v: np.array([curve[v] + level[seed] for seed in apart[v]]) for v in SHARES}
    row = found(SweepMeasure("m", "lower", "", values, None, apart))["measures"][0]
    assert row["state"] == "not identified"
    assert "nothing is paired" in row["why"]


@pytest.mark.parametrize("value", [0.0, 0.3, 1e6])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_shares_that_score_the_same_name_no_best(value, seeds, better):
    row = found(sweep("m", lambda x: value + 1e-12 * value * x, 0.0, better, seeds))["measures"][0]
    assert row["state"] == "not identified"
    assert "all shares that ran score the same" in row["said"]
    assert (row["low"], row["best"], row["high"]) == (0.0, 0.5, 1.0)
    assert row["value"] == pytest.approx(value, rel=1e-3)
    level = np.array([1.0, 2.0, 3.0])
    alike = SweepMeasure("m", better, "", dict.fromkeys(SHARES, level))
    assert found(alike)["measures"][0]["state"] == "not identified"


def test_a_gain_is_told_over_baselines_among_the_shares_that_ran_only():
    measure = sweep("m", lambda x: (x - 0.4) ** 2, 0.005)
    assert found(measure)["confirm"]["gain"] is None
    assert found(measure, baselines={"study's": 0.0})["confirm"]["gain"] == pytest.approx(0.16, abs=0.02)
    narrow = {v: 0.3 * x for v, x in SHARES.items()}
    data = optimum_data(narrow, [measure], of="code", draws=300, seed=0, baselines={"stratified": 0.5})
    assert data is not None
    assert data["confirm"]["gain"] is None
    assert "stratified baseline" in data["confirm"]["shares"][-1]["roles"]


def test_a_value_that_is_no_number_is_named():
    measure = sweep("m", lambda x: (x - 0.4) ** 2, 0.005)
    measure.per_seed["50 %"][1] = np.nan
    with pytest.raises(BadInput, match='m: a value of "50 %" is not a finite number'):
        found(measure)


DEMO = """
import json, sys
import numpy as np
from leaven.analyze.export import rounded
from leaven.analyze.optimum import SweepMeasure, optimum_data
shares = {"a": 0.0, "b": 0.25, "c": 0.5, "d": 0.75, "e": 0.9, "f": 1.0}
rng = np.random.default_rng(0)
for seeds, noise in ((3, 0.05), (1, 0.05), (3, 0.0)):
    runs = {v: (x - 0.4) ** 2 + noise * rng.standard_normal(seeds) for v, x in shares.items()}
    data = optimum_data(shares, [SweepMeasure("m", "lower", "bits", runs)], of="code", draws=400, seed=0)
    print(json.dumps(rounded(data), sort_keys=True))
"""


def test_processors_and_threads_change_no_byte():
    """OpenBLAS adds in another order for another processor and number of threads; other libraries ignore the words."""
    if "openblas" not in str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]).lower():
        pytest.skip("numpy's linear algebra is not OpenBLAS, so its order of sums cannot be changed")
    said = set()
    for core, threads in (("Haswell", "1"), ("Prescott", "1"), ("Haswell", "4")):
        ran = subprocess.run(
            [sys.executable, "-c", DEMO],
            env={**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(ran.stdout)
    assert len(said) == 1
