"""Batched, merged, branched and padded likelihoods against one plain forward pass each."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from leaven.evaluate import forward
from leaven.evaluate.branches import rows_for
from leaven.evaluate.forward import ready
from leaven.evaluate.likelihood import answer, reference, windows
from leaven.evaluate.model import Question
from leaven.model.config import ModelConfig
from leaven.model.init import init

TOKENS = st.lists(st.integers(0, 255), min_size=1, max_size=300)


def group_of(draw: np.random.Generator, longest: int, vocab: int) -> list[Question]:
    """Questions of a few lengths, so that the reference compiles few programs: continuations of one context, and now
    and then something else."""
    stem = draw.integers(1, vocab, int(draw.choice([1, longest // 2, longest - 7]))).tolist()
    made = []
    for _ in range(int(draw.integers(1, 6))):
        tail = draw.integers(1, vocab, int(draw.choice([1, 7]))).tolist()
        tokens = [*stem, *tail] if draw.integers(6) else draw.integers(1, vocab, longest).tolist()
        targets = int(draw.integers(1, len(tail) + 2)) if draw.integers(3) else len(tokens)
        made.append(Question(tuple(tokens), (*tokens[len(tokens) - targets + 1 :], int(draw.integers(vocab)))))
    return made


def groups_of(count: int, longest: int, vocab: int = 256, seed: int = 0) -> list[list[Question]]:
    draw = np.random.default_rng(seed)
    return [group_of(draw, longest, vocab) for _ in range(count)]


CONFIGS = {
    "grouped heads": ModelConfig(width=32, layers=2, heads=4, kv_heads=2, ffn=48, vocab=64, sequence=96),
    "one key head": ModelConfig(width=32, layers=3, heads=4, kv_heads=1, ffn=48, vocab=64, sequence=50),
    "longer than a block": ModelConfig(width=16, layers=1, heads=2, ffn=32, vocab=64, sequence=200),
}


def sharp(config: ModelConfig) -> dict:
    """Weights whose attention looks hard at single keys, so that a wrong position or mask changes much."""
    params = init(config, 0)
    layers = {name: w * 4 if name in ("query", "key") else w for name, w in params["layers"].items()}
    return {**params, "layers": layers, "embedding": params["embedding"] * 4}


@pytest.mark.parametrize("name", CONFIGS)
def test_equals_the_reference(name):
    config = CONFIGS[name]
    params = sharp(config)
    model = ready(params, config)
    groups = groups_of(16, config.sequence, config.vocab)
    trunks = {row.branches.count(0) for group in groups for row in rows_for(group, config.sequence) if row.forked}
    assert {1, config.sequence // 2, config.sequence - 7} <= trunks
    for group, answers in zip(groups, answer(model, groups), strict=True):
        for question, found in zip(group, answers, strict=True):
            expected = reference(params, config, question)
            assert found.nats == pytest.approx(expected.nats, abs=1e-5 * len(question.targets), rel=1e-5)
            assert found.greedy == expected.greedy


def test_rows_without_branches_have_a_program_of_their_own_on_accelerators():
    config = CONFIGS["grouped heads"]
    params = init(config, 0)
    groups = groups_of(12, config.sequence, config.vocab)
    model = ready(params, config)
    apart = answer(replace(model, platform="tpu"), groups)
    for group, expected in zip(apart, answer(model, groups), strict=True):
        assert [found.nats for found in group] == pytest.approx([found.nats for found in expected], abs=1e-4)


@pytest.mark.parametrize("tokens", [64, 2048])
def test_more_asked_than_a_batch_has_positions(subject, monkeypatch, tokens):
    """Many targets at one position take several passes."""
    monkeypatch.setattr(forward, "CPU_TOKENS", tokens)
    asked = [Question((1, 2, 3, 4, 5), (2, 3, 4, 5, token)) for token in range(256)]
    model = ready(subject.params, subject.config)
    (answers,) = answer(model, [asked])
    for token in (0, 17, 255):
        assert answers[token].nats == pytest.approx(
            reference(subject.params, subject.config, asked[token]).nats, abs=1e-4
        )
    assert sum(found.greedy for found in answers) <= 1


def test_greedy_continuations_are_recognised(subject):
    tokens = (5, 9, 20)

    def nats(token: int) -> float:
        return reference(subject.params, subject.config, Question(tokens, (token,))).nats

    best = max(range(256), key=nats)
    others = [Question(tokens, (token,)) for token in range(0, 256, 51) if token != best]
    (answers,) = answer(ready(subject.params, subject.config), [[Question(tokens, (best,)), *others]])
    assert [found.greedy for found in answers] == [True] + [False] * len(others)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_group_is_answered_alike_to_the_last_bit_whatever_else_is_asked(name):
    config = CONFIGS[name]
    model = ready(init(config, 0), config)
    groups = groups_of(40, config.sequence, config.vocab)
    together = answer(model, groups)
    draw = np.random.default_rng(1)
    for _ in range(6):
        some = draw.permutation(len(groups))[: int(draw.integers(1, len(groups)))]
        assert answer(model, [groups[place] for place in some]) == [together[place] for place in some]


def test_nothing_asked(subject):
    model = ready(subject.params, subject.config)
    assert answer(model, []) == []
    assert answer(model, [[], [Question((1,), (2,))], []])[::2] == [[], []]


def test_answers_are_kept_as_they_are_found(subject, monkeypatch):
    monkeypatch.setattr(forward, "CPU_TOKENS", 64)
    groups = groups_of(20, subject.config.sequence)
    kept, told = {}, []

    def keep(places, answers):
        assert not set(kept) & set(places)
        kept.update(zip(places, answers, strict=True))

    found = answer(
        ready(subject.params, subject.config), groups, lambda done, total, _: told.append((done, total)), keep
    )
    assert [kept[place] for place in range(20)] == found
    assert len(told) > 5
    assert told[-1][0] == told[-1][1]
    assert told == sorted(told)


def test_few_programs_are_compiled():
    config = ModelConfig(width=16, layers=1, heads=2, ffn=16, vocab=32, sequence=128)
    model = ready(init(config, 0), config)
    before = forward.forward._cache_size()
    draw = np.random.default_rng(0)
    for size in (5, 33, 65, 128, 100, 7):
        stem = tuple(draw.integers(0, 32, size).tolist())
        answer(model, [[Question((*stem[:-1], i), (1,)) for i in range(3)], [Question(stem, stem)]] * 2)
    # 32, 64, 96, 128 and 192: with branches or without, full or not
    assert forward.forward._cache_size() - before <= 5


SPREAD = """
import sys, jax, numpy as np
sys.path.insert(0, {folder!r})
from test_likelihood import CONFIGS, groups_of
from leaven.evaluate import forward
from leaven.evaluate.forward import ready
from leaven.evaluate.likelihood import answer
from leaven.model.init import init
forward.CPU_TOKENS = 256
assert len(jax.devices()) == 8
for config in (CONFIGS['grouped heads'], CONFIGS['one key head']):
    params = init(config, 0)
    groups = groups_of(12, config.sequence, config.vocab)
    many, one = ready(params, config), ready(params, config, devices=jax.devices()[:1])
    assert (many.devices, one.devices) == (8, 1)
    flat = [[(a.nats, a.greedy) for group in answer(model, groups) for a in group] for model in (many, one)]
    for (nats, greedy), (expected, same) in zip(*flat, strict=True):
        assert abs(nats - expected) <= 1e-5 * max(1.0, abs(expected)), (nats, expected)
        assert greedy == same
print("equal")
"""


def test_several_devices_share_the_rows(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
    folder = __file__.rpartition("/")[0]
    found = subprocess.run([sys.executable, "-c", SPREAD.format(folder=folder)], capture_output=True, text=True)
    assert found.stdout == "equal\n", found.stderr


def test_batches_of_accelerators_follow_from_the_shape():
    small = ModelConfig(width=64, layers=2, heads=2, ffn=64, vocab=64, sequence=64)
    large = ModelConfig(width=2560, layers=2, heads=20, ffn=7296, vocab=64, sequence=64)
    assert forward._batch_tokens(small, "gpu") == forward.MOST_TOKENS
    assert forward._batch_tokens(large, "gpu") == 8192
    assert forward._batch_tokens(large, "cpu") == forward.CPU_TOKENS


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
@settings(deadline=None)
def test_rolling_windows_are_those_of_lm_eval(text, longest):
    theirs = [make_disjoint_window(pair) for pair in get_rolling_token_windows(text, 0, longest, 1)]
    ours = windows([0], text, longest)
    assert [list(question.targets) for question in ours] == [targets for _, targets in theirs]
    # lm-eval's model sees context + targets without the last, cut to the longest input
    assert [list(question.tokens) for question in ours] == [
        (context + targets)[-(longest + 1) :][:-1] for context, targets in theirs
    ]


@pytest.mark.parametrize("question", [Question((1,) * 65, (1,)), Question((1, 2), ()), Question((1,), (1, 2))])
def test_a_question_that_means_nothing_is_refused(subject, question):
    with pytest.raises(ValueError, match="at most 64 tokens"):
        answer(ready(subject.params, subject.config), [[question]])
