"""Batched, merged and padded likelihoods against one plain forward pass each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from leaven.evaluate import likelihood
from leaven.evaluate.likelihood import Question, answer, lengths, reference, windows

TOKENS = st.lists(st.integers(0, 255), min_size=1, max_size=300)


def questions(count: int, longest: int) -> list[Question]:
    """Random questions of a few lengths, so that the reference compiles few programs, with shared beginnings."""
    draw = np.random.default_rng(0)
    stem = draw.integers(1, 256, longest).tolist()
    made = []
    for _ in range(count):
        size = int(draw.choice([1, 7, 33, 40, longest]))
        tokens = stem[:size] if draw.integers(2) else draw.integers(1, 256, size).tolist()
        targets = int(draw.integers(1, size + 1))
        made.append(Question(tuple(tokens), (*tokens[size - targets + 1 :], int(draw.integers(256)))))
    return made


@pytest.mark.parametrize("batch", [64, 2048])
def test_equals_the_reference(subject, monkeypatch, batch):
    monkeypatch.setattr(likelihood, "BATCH_TOKENS", batch)
    asked = questions(60, subject.config.sequence)
    for question, found in zip(asked, answer(subject, asked), strict=True):
        expected = reference(subject, question)
        assert found.nats == pytest.approx(expected.nats, abs=1e-4)
        assert found.greedy == expected.greedy


def test_greedy_continuations_are_recognised(subject):
    tokens: tuple[int, ...] = (5, 9, 20)
    best = max(range(256), key=lambda token: reference(subject, Question(tokens, (token,))).nats)
    others = [Question(tokens, (token,)) for token in range(0, 256, 51) if token != best]
    assert [found.greedy for found in answer(subject, [Question(tokens, (best,)), *others])] == [True] + [False] * len(
        others
    )


def test_questions_that_share_an_input_share_a_row():
    asked = [Question((1, 2, 3), (4,)), Question((1, 2), (3,)), Question((1, 2, 3), (5,)), Question((2,), (1,))]
    rows, row_of = likelihood._rows(asked)
    assert sorted(rows) == [(1, 2, 3), (2,)]
    assert [rows[row] for row in row_of] == [(1, 2, 3), (1, 2, 3), (1, 2, 3), (2,)]


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=30))
def test_every_row_holds_its_questions(inputs):
    asked = [Question(tuple(tokens), (0,)) for tokens in inputs]
    rows, row_of = likelihood._rows(asked)
    assert all(
        rows[row][: len(question.tokens)] == question.tokens for question, row in zip(asked, row_of, strict=True)
    )
    assert not any(a is not b and b[: len(a)] == a for a in rows for b in rows)


@given(st.lists(st.integers(1, 64), max_size=300))
def test_batches_hold_every_row_once_and_fit(sizes):
    rows = [(0,) * size for size in sizes]
    batches = likelihood._batches(rows, 64)
    assert sorted(row for _, members in batches for row in members) == list(range(len(rows)))
    for length, members in batches:
        assert length in lengths(64)
        assert len(members) <= likelihood.BATCH_TOKENS // length
        assert all(len(rows[row]) <= length for row in members)


@given(TOKENS, TOKENS, st.integers(1, 70))
def test_windows_score_each_token_once(context, continuation, longest):
    found = windows(context, continuation, longest)
    assert [token for question in found for token in question.targets] == continuation
    every = context + continuation
    at = len(context)
    for question in found:
        at += len(question.targets)
        assert len(question.tokens) <= longest
        assert list(question.tokens) == every[at - 1 - len(question.tokens) : at - 1]
        assert len(question.tokens) == min(longest, at - 1)


@given(TOKENS, st.integers(1, 70))
def test_rolling_windows_are_those_of_lm_eval(text, longest):
    theirs = [make_disjoint_window(pair) for pair in get_rolling_token_windows(text, 0, longest, 1)]
    ours = windows([0], text, longest)
    assert [list(question.targets) for question in ours] == [targets for _, targets in theirs]
    # lm-eval's model sees context + targets without the last, cut to the longest input
    assert [list(question.tokens) for question in ours] == [
        (context + targets)[-(longest + 1) :][:-1] for context, targets in theirs
    ]


def test_lengths():
    assert lengths(128) == [32, 64, 96, 128]
    assert lengths(512) == [32, 64, 96, 128, 192, 256, 384, 512]
    assert lengths(20) == [20]


def test_a_question_that_does_not_fit_is_refused(subject):
    with pytest.raises(ValueError, match="at most 64 tokens"):
        answer(subject, [Question((1,) * 65, (1,))])
