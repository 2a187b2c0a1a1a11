"""Standard errors of items in groups."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.spread import clusters, mean, ratio

VALUES = st.lists(st.tuples(st.floats(-5, 5), st.sampled_from("abcdefgh")), min_size=2, max_size=30)


def alone(values):
    return list(range(len(values)))


def test_the_plain_standard_error_where_every_item_stands_alone():
    found = mean([1.0, 0.0, 1.0, 1.0], alone("....."[:4]))
    assert found == {"value": 0.75, "n": 4, "se": pytest.approx(0.25)}
    assert mean([2.0, 2.0], [0, 1])["se"] == 0.0
    assert mean([1.0], [0]) == {"value": 1.0, "n": 1, "se": None}
    assert ratio([8.0], [1.0], [0]) == {"value": 8.0, "n": 1, "se": None}


@given(VALUES)
def test_the_clustered_error_is_the_formula_written_out(rows):
    """Miller 2024, §2.2: the plain variance and every pair within a group."""
    values, groups = zip(*rows, strict=True)
    n, centre = len(values), float(np.mean(values))
    labels = [sorted(set(groups)).index(group) for group in groups]
    squared = np.var(values, ddof=1) / n
    for i in range(n):
        for j in range(n):
            if i != j and groups[i] == groups[j]:
                squared += (values[i] - centre) * (values[j] - centre) / n**2
    assert mean(values, labels)["se"] == pytest.approx(math.sqrt(max(0.0, squared)), abs=1e-7)


def test_items_that_repeat_each_other_are_worth_one():
    draw = np.random.default_rng(0).normal(size=50)
    once = mean(list(draw), alone(draw))["se"]
    ten_times = mean(list(np.repeat(draw, 10)), [place // 10 for place in range(500)])["se"]
    assert ten_times == pytest.approx(once, rel=0.02)
    assert mean(list(np.repeat(draw, 10)), list(range(500)))["se"] < 0.4 * once


def test_the_numbers_of_clusters_do_not_matter():
    values = [1.0, 1.0, 0.0, 0.0]
    assert mean(values, [0, 0, 9, 9]) == mean(values, [0, 0, 1, 1])
    assert mean(values, [0, 0, 9, 9])["se"] > mean(values, [0, 1, 2, 3])["se"]
    assert ratio(values, [1.0] * 4, [7, 7, 3, 3]) == ratio(values, [1.0] * 4, [0, 0, 1, 1])


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(1, 50)), min_size=2, max_size=20))
def test_the_ratio_is_that_of_the_sums(rows):
    bits, sizes = zip(*rows, strict=True)
    found = ratio(bits, sizes, alone(bits))
    assert found["value"] == pytest.approx(sum(bits) / sum(sizes))
    assert found["se"] >= 0


@pytest.mark.parametrize("size", [1, 4])
def test_the_ratio_error_agrees_with_resampling_of_whole_groups(size):
    draw = np.random.default_rng(0)
    sizes = draw.uniform(100, 1500, (200, size))
    bits = sizes * draw.normal(2.5, 0.4, (200, 1))
    picks = draw.integers(200, size=(4000, 200))
    resampled = (bits.sum(1)[picks].sum(1) / sizes.sum(1)[picks].sum(1)).std()
    labels = [place // size for place in range(200 * size)]
    assert ratio(bits.ravel().tolist(), sizes.ravel().tolist(), labels)["se"] == pytest.approx(resampled, rel=0.05)


def test_what_a_group_is():
    assert clusters(["a", "b", "a", "", ""]) == [0, 1, 0, 2, 3]
    assert clusters(["a"] * 4) == [0, 1, 2, 3]  # one group of everything tells nothing
    kinds = ["x", "y"] * 30
    assert clusters(kinds) == list(range(60))  # two kinds of item
    assert len(set(clusters(kinds[:-2]))) == 2
    assert clusters([]) == []


def test_groups_as_the_analysis_sees_them():
    from leaven.analyze.table import clusters_of

    draw = np.random.default_rng(1)
    for n, k in [(10, 3), (200, 3), (200, 7), (5, 5), (6, 1), (90, 4)]:
        groups = [["", *"abcdefg"][i] if k == 7 else "abcdefg"[i] for i in draw.integers(k, size=n)]
        theirs, _ = clusters_of(np.array([str(i) for i in range(n)]), np.array(groups))
        ours = np.array(clusters(groups))
        assert ((ours[:, None] == ours) == (theirs[:, None] == theirs)).all()
