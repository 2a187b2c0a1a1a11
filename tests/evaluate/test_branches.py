"""Rows with branches: the same answers as a row for each input, in the fewest padded tokens."""

from __future__ import annotations

from itertools import combinations, pairwise

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.branches import distinct, rows_for
from leaven.evaluate.model import Question
from leaven.evaluate.rows import WIDEST, batches, fill, lengths, padded
from leaven.model.branches import branched_attention, branched_attention_reference, prepare, states
from leaven.model.config import ModelConfig
from leaven.model.execution import HERE, Execution
from leaven.model.init import init
from leaven.model.transformer import hidden

LONGEST = 64
INPUT = st.lists(st.integers(0, 2), min_size=1, max_size=LONGEST).map(tuple)


@st.composite
def groups(draw) -> list[Question]:
    """Inputs of a small alphabet, many with a common beginning, each asked for its last tokens."""
    stem = draw(INPUT)
    made = []
    for _ in range(draw(st.integers(1, 7))):
        own = draw(INPUT)
        tokens = (stem[: draw(st.integers(0, len(stem)))] + own)[:LONGEST]
        made.append(Question(tokens, (1,) * draw(st.integers(1, len(tokens)))))
    return made


def text_at(row, column: int) -> tuple[int, ...]:
    """What a column of a row stands for: the trunk and its own branch, up to itself."""
    mine = row.branches[column]
    return tuple(row.tokens[i] for i in range(column + 1) if row.branches[i] in (0, mine))


@given(groups())
def test_every_target_is_asked_for_after_its_own_text(group):
    rows = rows_for(group, LONGEST)
    asked = [(row, asked) for row in rows for asked in row.asked]
    assert sorted(asked.question for _, asked in asked) == list(range(len(group)))
    for row, one in asked:
        question = group[one.question]
        assert one.targets == question.targets
        for back, column in enumerate(reversed(one.at)):
            assert text_at(row, column) == question.tokens[: len(question.tokens) - back]
            assert row.positions[column] == len(question.tokens) - back - 1
    for row in rows:
        assert len(row.tokens) == len(row.positions) == len(row.branches) <= WIDEST * LONGEST
        assert max(row.positions) < LONGEST


@given(groups())
def test_sharing_never_takes_more_padded_tokens(group):
    inputs, _ = distinct([question.tokens for question in group])
    apart = sum(padded(len(tokens), LONGEST) for tokens in inputs)
    assert sum(padded(len(row.tokens), LONGEST) for row in rows_for(group, LONGEST)) <= apart


@given(st.lists(INPUT, min_size=1, max_size=5))
def test_no_cut_of_neighbours_is_cheaper(inputs):
    group = [Question(tokens, (1,)) for tokens in inputs]
    kept, _ = distinct(inputs)

    def cost(start: int, end: int) -> float:
        part = kept[start:end]
        trunk = 0 if len(part) > 1 else len(part[0])
        while len(part) > 1 and len({tokens[: trunk + 1] for tokens in part}) == 1:
            trunk += 1
        total = trunk + sum(len(tokens) - trunk for tokens in part)
        return padded(total, LONGEST) if total <= WIDEST * LONGEST else np.inf

    borders = range(1, len(kept))
    cuts = [[0, *inner, len(kept)] for n in range(len(kept)) for inner in combinations(borders, n)]
    least = min(sum(cost(a, b) for a, b in pairwise(cut)) for cut in cuts)
    assert sum(padded(len(row.tokens), LONGEST) for row in rows_for(group, LONGEST)) == least


def test_four_continuations_take_one_row():
    context = tuple(range(40))
    group = [Question(context + (50 + i,) * 5, (1,) * 6) for i in range(4)]
    (row,) = rows_for(group, LONGEST)
    assert len(row.tokens) == 60
    assert row.forked
    assert row.asked[0].at[0] == 39  # the first target of every continuation stands after the context


def test_questions_that_share_an_input_share_a_row():
    group = [Question((1, 2, 3), (4,)), Question((1, 2), (3,)), Question((1, 2, 3), (5,)), Question((2,), (1,))]
    inputs, input_of = distinct([question.tokens for question in group])
    assert sorted(inputs) == [(1, 2, 3), (2,)]
    assert [inputs[place] for place in input_of] == [(1, 2, 3), (1, 2, 3), (1, 2, 3), (2,)]
    row = next(row for row in rows_for(group[:3], LONGEST))
    assert not row.forked


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6).map(tuple), min_size=1, max_size=30))
def test_every_kept_input_holds_its_questions(inputs):
    kept, place_of = distinct(inputs)
    assert all(kept[place][: len(tokens)] == tokens for tokens, place in zip(inputs, place_of, strict=True))
    assert not any(a is not b and b[: len(a)] == a for a in kept for b in kept)


@given(st.lists(groups(), max_size=12), st.integers(1, 4), st.booleans())
def test_batches_hold_every_row_once_in_the_shape_it_always_has(made, devices, one_program):
    rows = [row for group in made for row in rows_for(group, LONGEST)]
    cut = batches(rows, LONGEST, 256, devices, one_program)
    assert sorted(row for _, members in cut for row in members) == list(range(len(rows)))
    for shape, members in cut:
        size = max(1, 256 // shape.length) * devices
        assert shape.length in lengths(LONGEST)
        assert len(members) <= size
        assert all(padded(len(rows[row].tokens), LONGEST) == shape.length for row in members)
        assert all(shape.forked == (one_program or rows[row].forked) for row in members)
        assert fill([rows[row] for row in members], shape.length, size).shape == (3, size, shape.length)


def test_lengths():
    assert lengths(128) == (32, 64, 96, 128, 192, 256)
    assert lengths(100) == (32, 64, 96, 100, 128, 192, 200)
    assert lengths(20) == (20, 32, 40)
    assert padded(33, 128) == 64
    assert padded(20, 20) == 20


CONFIGS = [
    ModelConfig(width=32, layers=2, heads=4, kv_heads=2, ffn=48, vocab=64, sequence=96),
    ModelConfig(width=32, layers=5, heads=4, kv_heads=1, ffn=48, vocab=64, sequence=300),
    ModelConfig(width=24, layers=1, heads=2, ffn=32, vocab=64, sequence=20),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_states_are_those_of_each_branch_alone(config):
    draw = np.random.default_rng(0)
    params = init(config, 0)
    prepared = jax.jit(prepare, static_argnums=(1, 2))(params, config, HERE)
    forked, plain = jax.jit(states, static_argnums=(1, 3)), jax.jit(hidden, static_argnums=1)
    sequence = config.sequence
    for trunk, tails in (
        (sequence // 2, (3, sequence // 4, sequence // 2)),
        (sequence - 1, (1, 1)),
        (0, (7, sequence)),
    ):
        stem = tuple(draw.integers(0, 64, trunk).tolist())
        # every tail begins with a token of its own, so that the trunk is what was meant
        inputs = [(*stem, i, *draw.integers(3, 64, size - 1).tolist()) for i, size in enumerate(tails)]
        group = [Question(tokens, (1,)) for tokens in inputs]
        parts = [group] if trunk + sum(tails) <= WIDEST * sequence else [group[:2], group[2:]]
        for part in parts:
            for row in rows_for(part, sequence):
                length = padded(len(row.tokens), sequence)
                found = np.asarray(forked(prepared, config, *_split(fill([row], length, 2), HERE)))[0]
                for asked in row.asked:
                    tokens = part[asked.question].tokens
                    columns = [i for i in range(len(row.tokens)) if row.branches[i] in (0, row.branches[asked.at[0]])]
                    expected = np.asarray(plain(params, config, np.array([tokens], np.int32)))[0]
                    np.testing.assert_allclose(found[columns][: len(tokens)], expected, atol=1e-5)


def _split(filled, how):
    tokens, positions, branches = filled
    return tokens, how, positions, branches


@pytest.mark.parametrize(("T", "heads", "keys"), [(8, 2, 2), (130, 4, 2), (512, 2, 1), (640, 2, 1)])
def test_attention_equals_its_reference(T, heads, keys):
    draw = np.random.default_rng(T)
    q = draw.standard_normal((2, heads, T, 8), np.float32)
    k, v = (draw.standard_normal((2, keys, T, 8), np.float32) for _ in range(2))
    branches = np.stack([np.repeat([0, 1, 2, 3], T // 4 + 1)[:T], np.zeros(T, int)]).astype(np.int32)
    found, expected = branched_attention(q, k, v, branches), branched_attention_reference(q, k, v, branches)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # a branch that is not there changes nothing
    np.testing.assert_allclose(
        branched_attention_reference(q[:, :, : T // 2], k[:, :, : T // 2], v[:, :, : T // 2], branches[:, : T // 2]),
        np.asarray(expected)[:, :, : T // 2],
        atol=1e-6,
    )


def test_bfloat16_is_near_float32():
    config = CONFIGS[0]
    params = init(config, 0)
    row = rows_for([Question((1, 2, 3, 4), (5,)), Question((1, 2, 6), (7,))], config.sequence)[0]
    found = []
    for how in (HERE, Execution(compute="bfloat16")):
        prepared = prepare(params, config, how)
        found.append(np.asarray(states(prepared, config, *_split(fill([row], 32, 1), how)), np.float32)[0, :5])
    assert found[0] == pytest.approx(found[1], abs=0.1)
    assert (found[0] != found[1]).any()
