"""Swarms of single runs: the published bootstrap, bins, ridge on many sources, and the best mixture."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from leaven.analyze.optimum import SweepMeasure, optimum_data
from leaven.analyze.optimum.features import ranks_agree, ridge, ridge_reference
from leaven.analyze.optimum.laws import LAWS
from leaven.analyze.optimum.mixture import best_mixture
from leaven.analyze.optimum.state import Best, state
from leaven.analyze.optimum.swarm import bins, marginal, marginal_reference
from leaven.ground.errors import BadInput, LeavenError

ROOT = next(law for law in LAWS if law.name == "root")
SHARED = (
    Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "published" / "regmix" / "data"
)
published = pytest.mark.skipif(
    not SHARED.exists(), reason="no published results: they are not beside the checkout, nor named by LEAVEN_SHARED"
)


def swarm(runs: int, best: float, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Shares as olmix has them, mostly small, and a root law with its lowest point at `best`."""
    rng = np.random.default_rng(seed)
    shares = 0.476 * rng.beta(0.6, 4, runs) / 0.8
    return shares, shares - 2 * np.sqrt(best * shares) + noise * rng.standard_normal(runs)


def test_the_bootstrap_is_that_of_refitting_each_draw():
    shares, values = swarm(60, 0.15, 0.05)
    grid = np.linspace(0, shares.max(), 201)
    found = marginal(ROOT, shares, values, draws=150, seed=3, grid=grid)
    plain = marginal_reference(ROOT, shares, values, draws=150, seed=3, grid=grid)
    np.testing.assert_allclose(grid[found.curves.argmin(axis=1)], plain, atol=1e-12)
    np.testing.assert_allclose([found.low, found.high], np.quantile(plain, [0.025, 0.975]))
    assert found.low <= found.best <= found.high


def test_states_of_a_swarm_with_and_without_an_optimum():
    """METHODS.md §8.3: code tasks are identified, what code does not touch is not."""
    shares, values = swarm(512, 0.2, 0.05)
    found = marginal(ROOT, shares, values)
    assert state(Best(found.best, found.low, found.high, 0.0, shares.max()))[0] == "identified"
    assert found.low <= 0.2 <= found.high
    wide = [marginal(ROOT, shares, np.random.default_rng(i).standard_normal(512)) for i in range(20)]
    states = [state(Best(one.best, one.low, one.high, 0.0, shares.max()))[0] for one in wide]
    assert states.count("identified") <= 2
    with pytest.raises(LeavenError, match="too few"):
        marginal(ROOT, shares[:5], values[:5])


def test_a_swarm_is_binned_and_every_run_is_in_one_bin():
    shares, values = swarm(300, 0.2, 0.05)
    shares[:80] = 0.0
    parts = bins(shares, values)
    assert sum(len(part) for _, part in parts) == 300
    assert min(len(part) for _, part in parts) >= 5
    assert [share for share, _ in parts] == sorted({share for share, _ in parts})
    names = [f"run {i}" for i in range(300)]
    found = optimum_data(
        dict(zip(names, shares.tolist(), strict=True)),
        [SweepMeasure("mbpp", "lower", "bits", {name: values[i : i + 1] for i, name in enumerate(names)})],
        of="code",
        draws=400,
        seed=0,
    )
    assert found is not None
    row = found["measures"][0]
    assert row["swarm"]
    assert row["low"] <= 0.2 <= row["high"]
    assert found["pareto"] is None


@pytest.mark.parametrize("runs", [30, 35, 41, 50, 64])
@pytest.mark.parametrize("spaced", [True, False])
def test_small_swarms_have_bins_or_are_taken_one_by_one(runs, spaced):
    rng = np.random.default_rng(runs)
    shares = np.linspace(0, 1, runs) if spaced else rng.dirichlet([0.5] * 5, runs)[:, 0]
    values = (shares - 0.4) ** 2 + 0.05 * rng.standard_normal(runs)
    parts = bins(shares, values)
    assert len(parts) >= 3
    assert min(len(part) for _, part in parts) >= 5
    assert sum(len(part) for _, part in parts) == runs
    names = [f"run {i}" for i in range(runs)]
    measure = SweepMeasure("m", "lower", "", {name: values[i : i + 1] for i, name in enumerate(names)})
    found = optimum_data(dict(zip(names, shares.tolist(), strict=True)), [measure], of="code", draws=200, seed=0)
    assert found is not None
    row = found["measures"][0]
    assert row["swarm"] == (len(parts) >= 5)
    assert row["low"] <= row["best"] <= row["high"]
    assert not spaced or row["low"] <= 0.4 <= row["high"]


def test_ridge_is_least_squares_with_a_row_for_each_coefficient():
    rng = np.random.default_rng(0)
    shares, values = rng.dirichlet(np.ones(6), 50), rng.standard_normal(50)
    np.testing.assert_allclose(
        ridge(shares, values).coefficients, ridge_reference(shares, values).coefficients, atol=1e-8
    )
    twice = np.concatenate([shares, shares[:10]]), np.concatenate([values, values[:10]])
    weights = np.ones(50)
    weights[:10] = 2
    np.testing.assert_allclose(ridge(*twice).coefficients, ridge(shares, values, weights=weights).coefficients)


def test_the_best_mixture_is_found_beside_both_plain_ones():
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.ones(4), 200)
    best = np.array([0.6, 0.3, 0.1, 0.0])
    values = ((np.sqrt(shares) - np.sqrt(best)) ** 2).sum(axis=1) + 0.02 * rng.standard_normal(200)
    found = best_mixture(list("abcd"), shares, values, better="lower", draws=40, natural=np.array([0.1, 0.1, 0.1, 0.7]))
    chosen = {row["source"]: row["share"] for row in found["sources"]}
    assert sum(chosen.values()) == pytest.approx(1)
    np.testing.assert_allclose(list(chosen.values()), best, atol=0.1)
    assert [row["name"] for row in found["baselines"]] == ["stratified", "natural"]
    assert all(row["low"] > 0 for row in found["baselines"])
    capped = best_mixture(list("abcd"), shares, values, better="lower", draws=5, most=np.array([0.4, 1, 1, 1]))
    assert capped["sources"][0]["share"] <= 0.4
    flat = best_mixture(list("abcd"), shares, rng.standard_normal(200), better="higher", draws=40)
    assert "the plain mixture may be all it takes" in flat["said"] or flat["baselines"][0]["low"] > -1
    with pytest.raises(BadInput, match="add up to"):
        best_mixture(list("abcd"), shares * 2, values, better="lower")


def read(name: str) -> tuple[list[str], np.ndarray]:
    with (SHARED / name).open() as file:
        rows = list(csv.reader(file))
    return rows[0][1:], np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])


@published
def test_ridge_on_regmix_ranks_as_published():
    """METHODS.md §8.2, n = 512: Spearman .987 at 1M and .983 at 60M for the Pile-CC loss."""
    losses = read("train_pile_loss_1m.csv")
    column = next(i for i, name in enumerate(losses[0]) if "pile_cc" in name)
    fitted = ridge(read("train_mixture_1m.csv")[1], losses[1][:, column])
    for size, expected in (("1m", 0.987), ("60m", 0.983)):
        measured = read(f"test_pile_loss_{size}.csv")[1][:, column]
        found = ranks_agree(fitted.predict(read(f"test_mixture_{size}.csv")[1]), measured)
        assert found == pytest.approx(expected, abs=5e-4)


@published
def test_the_loss_on_github_falls_with_github_whatever_the_root_law_says():
    names, shares = read("train_mixture_1m.csv")
    losses = read("train_pile_loss_1m.csv")
    at = shares[:, next(i for i, name in enumerate(names) if "github" in name)]
    loss = losses[1][:, next(i for i, name in enumerate(losses[0]) if "github" in name)]
    assert marginal(ROOT, at, loss).high < 0.6
    runs = {f"run {i}": loss[i : i + 1] for i in range(len(loss))}
    found = optimum_data(
        {f"run {i}": float(at[i]) for i in range(len(at))},
        [SweepMeasure("github", "lower", "nats", runs)],
        of="github",
        draws=400,
        seed=0,
    )
    assert found is not None
    assert found["measures"][0]["state"] == "at an edge"
    assert found["measures"][0]["low"] > 0.7
