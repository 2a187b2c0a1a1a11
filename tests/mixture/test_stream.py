"""A stage's samples: exact, random access, reshuffled each epoch, carried across stages by declaration."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaven.ground.errors import BadInput, LeavenError
from leaven.mixture.stream import StageStream

T = 8


@pytest.fixture
def stream(shard):
    """A mixed stage over text (50 rows), code (20 rows) and markup (5 rows), with other fields at will."""
    shards = {
        "text": shard("text", 401),
        "code": shard("code", 161, first=1000),
        "markup": shard("markup", 41, first=2000),
    }

    def make(weights=None, samples=100, seed=1, cursor=None) -> StageStream:
        weights = weights or {"text": 0.6, "code": 0.3, "markup": 0.1}
        return StageStream(shards, weights, samples, T, seed, cursor or {})

    return make


def test_the_tokens_are_those_of_the_located_rows(stream):
    stage = stream()
    batch = stage.batch(0, 100)
    assert batch.dtype == np.int32
    assert batch.shape == (100, T + 1)
    first_token = {"text": 0, "code": 1000, "markup": 2000}
    for i in range(100):
        source, _, row = stage.locate(i)
        assert batch[i].tolist() == list(range(first_token[source] + row * T, first_token[source] + row * T + T + 1))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.lists(st.integers(0, 100), max_size=6))
def test_any_chunking_gives_the_same_samples(stream, cuts):
    stage = stream()
    edges = [0, *sorted(cuts), 100]
    joined = np.concatenate([stage.batch(a, b) for a, b in pairwise(edges)])
    assert np.array_equal(joined, stage.batch(0, 100))


def test_hosts_that_each_read_a_slice_read_the_batch(stream):
    batch = stream().batch(32, 64)
    for hosts in (1, 2, 4, 8):
        each = 32 // hosts
        slices = [stream().batch(32 + h * each, 32 + (h + 1) * each) for h in range(hosts)]
        assert np.array_equal(np.concatenate(slices), batch)


def test_an_epoch_is_every_row_once_and_the_next_has_another_order(stream):
    stage = stream({"code": 1}, samples=60)
    where = [stage.locate(i) for i in range(60)]
    epochs = [[row for _, epoch, row in where if epoch == e] for e in range(3)]
    assert [sorted(rows) for rows in epochs] == [list(range(20))] * 3
    assert len({tuple(rows) for rows in epochs}) == 3
    assert tuple(range(20)) not in {tuple(rows) for rows in epochs}


def test_another_seed_is_another_order_of_the_same_rows(stream):
    one, two = stream(seed=1), stream(seed=2)
    assert not np.array_equal(one.batch(0, 100), two.batch(0, 100))
    assert [one.locate(i)[0] for i in range(100)] == [two.locate(i)[0] for i in range(100)]


def test_equal_sources_are_not_shuffled_alike(shard):
    shards = {"a": shard("a", 401), "b": shard("b", 401)}
    stage = StageStream(shards, {"a": 1, "b": 1}, 100, T, 1)
    rows = {name: [stage.locate(i)[2] for i in range(100) if stage.locate(i)[0] == name] for name in "ab"}
    assert sorted(rows["a"]) == sorted(rows["b"])
    assert rows["a"] != rows["b"]


def test_a_child_that_continues_goes_on_where_its_parent_stopped(stream):
    parent = stream({"text": 0.8, "code": 0.2}, samples=50)
    assert parent.cursor_after() == {"code": 10, "text": 40}
    child = stream({"text": 0.5, "code": 0.5}, samples=20, cursor=parent.cursor_after())
    whole = Counter(parent.locate(i) for i in range(50)) + Counter(child.locate(i) for i in range(20))
    assert max(whole.values()) == 1
    assert {row for source, epoch, row in whole if source == "text" and epoch == 0} == set(range(50))
    assert child.cursor_after() == {"code": 20, "text": 50}


def test_two_halves_of_one_mixture_are_the_whole_of_it(stream):
    """The comparison that found the off-by-a-step of levanter#876: split in two, the same rows."""
    whole = stream(samples=100)
    first = stream(samples=50)
    second = stream(samples=50, cursor=first.cursor_after())
    halves = [first.locate(i) for i in range(50)] + [second.locate(i) for i in range(50)]
    assert Counter(halves) == Counter(whole.locate(i) for i in range(100))


def test_a_child_that_restarts_sees_its_parents_rows_again(stream):
    parent, child = stream(samples=30), stream(samples=30)
    assert np.array_equal(parent.batch(0, 30), child.batch(0, 30))


def test_a_cursor_of_a_source_not_drawn_here_is_carried_on(stream):
    stage = stream({"text": 1, "code": 0}, samples=5, cursor={"code": 3, "markup": 2})
    assert stage.cursor_after() == {"code": 3, "markup": 2, "text": 5}


def test_the_ledger_is_the_plan_and_counts_passes_over_the_chain(stream):
    stage = stream(cursor={"code": 15})
    stage.audit()
    assert stage.planned() == {"code": 30 * T, "markup": 10 * T, "text": 60 * T}
    assert stage.ledger() == {
        "code": {"rows": 30, "tokens": 30 * T, "epochs_begun": 3},
        "markup": {"rows": 10, "tokens": 10 * T, "epochs_begun": 2},
        "text": {"rows": 60, "tokens": 60 * T, "epochs_begun": 2},
    }


def test_the_ledger_of_a_beginning_counts_what_was_drawn(stream):
    stage = stream({"text": 0.6, "code": 0.4, "markup": 0})
    drawn = Counter(stage.locate(i)[0] for i in range(37))
    ledger = stage.ledger(37)
    assert {name: entry["rows"] for name, entry in ledger.items()} == {**drawn, "markup": 0}
    assert ledger["markup"] == {"rows": 0, "tokens": 0, "epochs_begun": 0}


def test_an_order_that_broke_its_promise_is_caught(stream):
    stage = stream()
    object.__setattr__(stage, "quotas", {**stage.quotas, "text": 61})
    vars(stage)["_quotas"] = np.array([30, 10, 60])
    with pytest.raises(LeavenError, match="were apportioned"):
        stage.audit()


def test_no_samples_is_a_stage_too(stream):
    stage = stream(samples=0)
    assert stage.batch(0, 0).shape == (0, T + 1)
    assert stage.ledger()["text"]["rows"] == 0
    stage.audit()


def test_an_unknown_source_gets_a_suggestion(stream):
    with pytest.raises(BadInput, match='unknown source "txet"; did you mean "text"'):
        stream({"txet": 1})


def test_a_source_below_one_window_is_refused_only_where_it_is_drawn(shard):
    shards = {"text": shard("text", 401), "tiny": shard("tiny", T)}
    with pytest.raises(BadInput, match="source tiny has 8 tokens, fewer than one window of 9"):
        StageStream(shards, {"text": 1, "tiny": 1}, 10, T, 1)
    assert StageStream(shards, {"text": 1, "tiny": 0}, 10, T, 1).quotas == {"text": 10, "tiny": 0}


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (99, 101), (5, 4)])
def test_samples_beyond_the_stage_are_refused(stream, start, stop):
    with pytest.raises(ValueError, match="of a stage of 100"):
        stream().batch(start, stop)


def test_golden_samples(stream):
    """Changing this is changing the data of every run: it needs a new `order/` version."""
    stage = stream(cursor={"code": 15})
    assert [stage.locate(i) for i in range(4)] == GOLDEN_START
    assert hashlib.sha256(stage.batch(0, 100).astype("<i4").tobytes()).hexdigest() == GOLDEN_HASH


GOLDEN_START = [("text", 0, 22), ("code", 0, 16), ("text", 0, 1), ("text", 0, 29)]
GOLDEN_HASH = "a39e798fa70b489cf398b21a37aa3a50c4d5c9525ad5914f0405fadf449ad44e"
