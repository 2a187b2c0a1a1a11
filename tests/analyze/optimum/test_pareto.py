"""The front against a plain search, and when a share counts as beaten."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.analyze.optimum.noise import measured
from leaven.analyze.optimum.pareto import beats_surely, by_draws, by_seeds, front, unbeaten

POINTS = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=8)


@given(POINTS)
def test_unbeaten_is_the_plain_search(points):
    plain = [not any(all(o <= m for o, m in zip(b, a, strict=True)) and b != a for b in points) for a in points]
    assert unbeaten(np.array(points, float)).tolist() == plain


def test_a_share_is_called_beaten_only_where_noise_allows():
    values = np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 3.0]])
    names, shares = ["a", "b", "c"], {"a": 0.0, "b": 0.5, "c": 1.0}
    quiet = np.repeat(values[None], 200, axis=0)
    told = front("code", names, shares, ["x", "y"], values, quiet)
    assert told["front"] == ["a", "b"]
    assert told["shares"][2] == {
        "variant": "c",
        "share": 1.0,
        "front": False,
        "often": 0.0,
        "beaten_by": ["a", "b"],
        "surely_beaten_by": ["a", "b"],
    }
    assert "Beaten, noise included: 100 % (by 0 %, 50 %)" in told["said"]
    noisy = quiet + np.random.default_rng(0).normal(0, 3, quiet.shape)
    assert "No share is beaten once the noise is counted" in front("code", names, shares, ["x"], values, noisy)["said"]


@pytest.mark.parametrize(("count", "seeds", "measures"), [(6, 3, 1), (6, 5, 1), (6, 3, 2), (12, 5, 1)])
def test_flat_curves_beat_no_share(count, seeds, measures):
    """In at most 5 % of studies, though some share is hardly ever on the front of the draws in most of them."""
    rng = np.random.default_rng(count * seeds)
    named, hardly = 0, 0
    for study in range(100):
        runs = [list(rng.standard_normal((count, seeds))) for _ in range(measures)]
        named += bool(beats_surely(np.stack([by_seeds(values, None) for values in runs])).any())
        if study < 20:
            found = [measured(values, None, 500, study) for values in runs]
            draws = np.stack([one.means + one.deviations for one in found], axis=-1)
            hardly += bool((unbeaten(draws).mean(axis=0) <= 0.05).any())
            assert not beats_surely(by_draws(draws)).any() or count == 6
    assert named <= 8
    assert measures > 1 or hardly > 8


def test_what_is_clearly_worse_is_beaten_by_name():
    rng = np.random.default_rng(1)
    values = list(np.array([0.0, 0.02, 5.0])[:, None] + 0.05 * rng.standard_normal((3, 5)))
    items = [value + 0.03 * rng.standard_normal((500, 1)) for value in values]
    for under in (None, items):
        surely = beats_surely(by_seeds(values, under)[None])
        assert surely[0, 2]
        assert surely[1, 2]
        assert surely.sum() == 2
    noisy = [value + 5 * rng.standard_normal((500, 1)) for value in values]
    assert not beats_surely(by_seeds(values, noisy)[None]).any()
    same = np.full((1, 3, 3), np.nan)
    np.testing.assert_array_equal(beats_surely(np.concatenate([by_seeds(values, None)[None], same])), surely)
    assert not beats_surely(same).any()


def test_draws_tell_no_more_than_there_are():
    draws = np.array([0.0, 1.0])[None, :, None].repeat(30, axis=0)
    assert by_draws(draws)[0, 0, 1] == 30 / 31
    assert not beats_surely(by_draws(draws)).any()
    assert beats_surely(by_draws(draws.repeat(3, axis=0)))[0, 1]
