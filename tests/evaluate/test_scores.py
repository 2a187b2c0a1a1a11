"""Measures by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.item import Choice, Match, Passage
from leaven.evaluate.scores import (
    choice_baselines,
    choice_measures,
    mean,
    passage_measures,
    predicted_shares,
    ratio,
    summarise,
)

BIT = math.log(2)


def choice(gold: int, *choices: str) -> Choice:
    return Choice("1", "g", "context", choices, gold)


def test_choice_measures_by_hand():
    found = choice_measures(choice(1, " a", " ünü"), [-4 * BIT, -6 * BIT], [2, 6])
    # 2 and 6 bytes, 2 and 4 characters
    assert found == {
        "correct": 0.0,
        "acc_norm": 1.0,
        "acc_bytes": 1.0,
        "tied": 0.0,
        "gold_bpb": pytest.approx(1.0),
        "margin": pytest.approx(1.0),
    }


def test_a_tie_is_wrong_wherever_the_gold_answer_stands():
    for gold in (0, 1):
        found = choice_measures(choice(gold, " a", " b"), [-1.0, -1.0], [2, 2])
        assert (found["correct"], found["acc_norm"], found["acc_bytes"], found["tied"]) == (0, 0, 0, 1)
        assert found["margin"] == 0


def test_passage_measures():
    assert passage_measures(Passage("1", "g", "ü!"), -24 * BIT) == {"bits": pytest.approx(24), "bytes": 3}


def test_a_text_matched_to_contexts():
    item = Match("1", "g", ("one", "two"), " ünü", 1)
    found = choice_measures(item, [-12 * BIT, -6 * BIT], [6, 6])
    assert (found["correct"], found["acc_norm"], found["acc_bytes"]) == (1, 1, 1)
    assert (found["gold_bpb"], found["margin"]) == (pytest.approx(1), pytest.approx(1))
    # "one" is right twice, "two" once
    others = [Match(str(gold), "g", ("one", "two"), " x", gold) for gold in (0, 0)]
    assert choice_baselines([item, *others]) == {"chance": 0.5, "constant": 2 / 3, "majority": 2 / 3}


def test_summary_by_hand():
    rows = [{"correct": value, "tied": 0.0, "gold_bpb": 2.0, "margin": -1.0} for value in (1.0, 0.0, 1.0, 1.0)]
    entry = summarise(rows, {"chance": 0.25, "constant": 0.5, "majority": 0.1}, 0.0)
    assert entry["accuracy"] == {"value": 0.75, "n": 4, "se": pytest.approx(0.25)}
    assert entry["gold_bpb"] == {"value": 2.0, "n": 4, "se": 0.0}
    assert entry["above_chance_hint"] is False  # 0.75 - 1.645 * 0.25 < 0.5
    assert "tied" not in entry


def test_one_item_has_no_standard_error():
    assert mean([1.0])["se"] is None
    assert ratio([8.0], [1.0]) == {"value": 8.0, "n": 1, "se": None}


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(1, 50)), min_size=2, max_size=20))
def test_the_ratio_is_that_of_the_sums(rows):
    bits, sizes = zip(*rows, strict=True)
    found = ratio(bits, sizes)
    assert found["value"] == pytest.approx(sum(bits) / sum(sizes))
    assert found["se"] >= 0


def test_the_ratio_error_agrees_with_resampling():
    draw = np.random.default_rng(0)
    sizes = draw.uniform(100, 1500, 200)
    bits = sizes * draw.normal(2.5, 0.4, 200)
    picks = draw.integers(200, size=(4000, 200))
    resampled = (bits[picks].sum(1) / sizes[picks].sum(1)).std()
    assert ratio(list(bits), list(sizes))["se"] == pytest.approx(resampled, rel=0.05)


def test_baselines():
    items = [choice(0, "x", "y"), choice(1, "x", "y"), choice(1, "z", "y")]
    assert choice_baselines(items) == {"chance": 0.5, "constant": 2 / 3, "majority": 2 / 3}
    assert predicted_shares([(1.0, 0.0), (0.0, 1.0), (0.0, 1.0), (2.0, 3.0)]) == {"0": 0.25, "1": 0.75}
