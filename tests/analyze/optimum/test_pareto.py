"""The front against a plain search, and when a share counts as beaten."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leaven.analyze.optimum.pareto import front, unbeaten

POINTS = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=8)


@given(POINTS)
def test_unbeaten_is_the_plain_search(points):
    plain = [not any(all(o <= m for o, m in zip(b, a, strict=True)) and b != a for b in points) for a in points]
    assert unbeaten(np.array(points, float)).tolist() == plain


def test_a_share_is_called_beaten_only_where_noise_allows():
    values = np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 3.0]])
    names, shares = ["a", "b", "c"], {"a": 0.0, "b": 0.5, "c": 1.0}
    quiet = np.repeat(values[None], 50, axis=0)
    told = front("code", names, shares, ["x", "y"], values, quiet)
    assert told["front"] == ["a", "b"]
    assert told["shares"][2] == {"variant": "c", "share": 1.0, "front": False, "often": 0.0, "beaten_by": ["a", "b"]}
    assert "Beaten, noise included: 100 %" in told["said"]
    noisy = quiet + np.random.default_rng(0).normal(0, 3, quiet.shape)
    assert "No share is beaten once the noise is counted" in front("code", names, shares, ["x"], values, noisy)["said"]
