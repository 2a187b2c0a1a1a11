"""Measures of single items by hand, and against lm-eval's own functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.answers import (
    choice_measures,
    passage_measures,
    program_measures,
    short_measures,
    target_measures,
)
from leaven.evaluate.item import Choice, Match, Passage, Short
from leaven.evaluate.short import LmEvalRule

BIT = math.log(2)


def choice(gold: int, *choices: str, delimiter: str = "") -> Choice:
    return Choice("1", "g", "context", choices, gold, delimiter)


def test_choice_measures_by_hand():
    found = choice_measures(choice(1, " a", " ünü"), [-4 * BIT, -6 * BIT], [2, 6])
    # 2 and 6 bytes, 2 and 4 characters
    assert found == {
        "correct": 0.0,
        "acc_lm_eval": 0.0,
        "acc_norm": 1.0,
        "acc_bytes": 1.0,
        "tied": 0.0,
        "gold_bpb": pytest.approx(1.0),
        "margin": pytest.approx(1.0),
    }


def test_the_delimiter_is_scored_but_is_no_character_of_the_choice():
    # 1 and 3 characters; 2 and 4 bytes are scored
    found = choice_measures(choice(1, "a", "bbb", delimiter=" "), [-1.0, -2.5], [2, 4])
    assert (found["correct"], found["acc_norm"], found["acc_bytes"]) == (0, 1, 0)


def test_a_tie_is_wrong_wherever_the_gold_answer_stands():
    for gold in (0, 1):
        found = choice_measures(choice(gold, " a", " b"), [-1.0, -1.0], [2, 2])
        assert (found["correct"], found["acc_norm"], found["acc_bytes"], found["tied"]) == (0, 0, 0, 1)
        assert found["acc_lm_eval"] == (gold == 0)  # lm-eval takes the first
        assert found["margin"] == 0


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=5), st.integers(-20, -1)), min_size=2, max_size=5).flatmap(
        lambda rows: st.tuples(st.just(rows), st.integers(0, len(rows) - 1))
    )
)
def test_lm_evals_definitions_where_nothing_is_tied(drawn):
    """acc, acc_norm and acc_bytes as `ConfigurableTask.process_results` computes them, delimiter left out."""
    rows, gold = drawn
    texts, nats = zip(*rows, strict=True)
    sizes = [len(text.encode()) for text in texts]
    found = choice_measures(choice(gold, *texts), nats, sizes)
    assert found["acc_lm_eval"] == (np.argmax(nats) == gold)
    for name, lengths in (("correct", [1] * len(texts)), ("acc_norm", [*map(len, texts)]), ("acc_bytes", sizes)):
        shares = np.array(nats) / np.array(lengths, float)
        if (np.isclose(shares, shares.max(), rtol=1e-12)).sum() == 1:
            assert found[name] == (np.argmax(shares) == gold)


def test_passage_measures():
    assert passage_measures(Passage("1", "g", "ü!"), -24 * BIT) == {"bits": pytest.approx(24), "bytes": 3}


def test_a_text_matched_to_contexts():
    item = Match("1", "g", ("one", "two"), "ünü", 1, " ")
    found = choice_measures(item, [-12 * BIT, -6 * BIT], [6, 6])
    assert (found["correct"], found["acc_norm"], found["acc_bytes"]) == (1, 1, 1)
    assert (found["gold_bpb"], found["margin"]) == (pytest.approx(1), pytest.approx(1))


def test_target_measures():
    found = target_measures(-8 * BIT, 4, True)
    assert found == {"correct": 1, "gold_bpb": pytest.approx(2), "bits": pytest.approx(8), "bytes": 4}


def test_short_measures():
    item = Short("1", "g", "Q: who?\nA:", ("Washington, D.C.", "D.C."))
    rule = LmEvalRule(("\n", ".", ","), {"ignore_case": True, "ignore_punctuation": True})
    found = short_measures(item, " washington d.c.", -8 * BIT, 4, rule)
    assert found == {"exact_match": 1, "exact_match_lm_eval": 0, "gold_bpb": pytest.approx(2), "degenerate": 0}
    assert short_measures(item, "", -8 * BIT, 4, None) == {
        "exact_match": 0,
        "gold_bpb": pytest.approx(2),
        "degenerate": 1,
    }


def test_program_measures():
    found = program_measures(["    return 1", "", "    x = 2", "    y"], [True, False, False, True], (1, 2, 9))
    assert found == {"passed": 0.5, "pass@2": pytest.approx(1 - 1 / 6), "degenerate": 0.25}
