"""Which runs stand for a share, and that seeds pair by number."""

from __future__ import annotations

import numpy as np

from leaven.analyze.optimum.aligned import aligned

VALUES = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([30.0, 20.0]), "c": np.array([100.0, 200.0, 300.0])}
DRAWS = {name: value + np.array([[0.0], [0.5]]) for name, value in VALUES.items()}


def test_all_shares_are_cut_to_the_seeds_that_every_one_has():
    found = aligned([["a"], ["b"], ["c"]], VALUES, DRAWS, {"a": [1, 2, 3], "b": [3, 2], "c": [1, 2, 3]})
    assert [part.tolist() for part in found.values] == [[2, 3], [20, 30], [200, 300]]
    assert found.items is not None
    assert found.items[1].tolist() == [[20, 30], [20.5, 30.5]]
    assert found.paired
    assert found.note == "2 runs of seeds that not every share has are left out"


def test_variants_of_one_share_are_averaged_with_their_items():
    found = aligned([["a", "c"], ["b"]], VALUES, DRAWS, {"a": [1, 2, 3], "b": [1, 2], "c": [1, 2, 3]})
    assert found.values[0].tolist() == [50.5, 101]
    assert found.items is not None
    assert found.items[0].tolist() == [[50.5, 101], [51, 101.5]]


def test_too_few_common_seeds_pair_nothing_and_keep_every_run():
    found = aligned([["a", "c"], ["b"]], VALUES, DRAWS, {"a": [1, 2, 3], "b": [3, 4], "c": [1, 2, 3]})
    assert not found.paired
    assert found.values[0].tolist() == [1, 2, 3, 100, 200, 300]
    assert found.items is not None
    assert found.items[0].shape == (2, 6)
    assert "nothing is paired" in found.note
    assert not aligned([["a"], ["b"]], VALUES, None, None).paired
    assert aligned([["a"], ["c"]], VALUES, None, None).paired
