"""Blocks, calls and hosts change nothing: every way of asking for a sample gives the one that the plain way gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaven.mixture import stream
from leaven.mixture.shard import Shard
from leaven.mixture.stream import StageStream

from .thousand import in_memory

T = 8
N = 100

thorough = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(scope="module")
def shards() -> dict[str, Shard]:
    """Sources of 50, 20 and 5 rows, of which no two share a token."""
    return {n: in_memory(n, r * T + 1, f) for n, r, f in (("text", 50, 0), ("code", 20, 1000), ("markup", 5, 2000))}


def stage_of(shards: dict[str, Shard]) -> StageStream:
    return StageStream(shards, {"text": 0.6, "code": 0.3, "markup": 0.1}, N, T, 1, {"code": 15})


@pytest.fixture(scope="module")
def plain(shards) -> np.ndarray:
    """The whole stage, sample by sample, each by itself: places without blocks, windows one at a time."""
    stage = stage_of(shards)
    tokens = np.empty((N, T + 1), np.int32)
    for i in range(N):
        source, _, row = stage._compute(i, i + 1)
        tokens[i] = shards[sorted(shards)[int(source[0])]].windows(row, T)[0]
    return tokens


@pytest.fixture(params=[(1, 1), (7, 3), (32, 10**9), (1 << 14, 8)], ids=str)
def stage(request, monkeypatch, shards) -> StageStream:
    """A stage that computes its places in blocks of the one size and gathers sources from the other number of rows."""
    monkeypatch.setattr(stream, "BLOCK", request.param[0])
    monkeypatch.setattr(stream, "MANY", request.param[1])
    return stage_of(shards)


@thorough
@given(start=st.integers(0, N), length=st.integers(0, N))
def test_any_range_is_the_plain_one(stage, plain, start, length):
    stop = min(N, start + length)
    assert np.array_equal(stage.batch(start, stop), plain[start:stop])


@thorough
@given(samples=st.lists(st.integers(0, N - 1), max_size=40))
def test_any_samples_in_any_order_are_the_plain_ones(stage, plain, samples):
    read = stage.rows(samples)
    assert read.dtype == np.int32
    assert np.array_equal(read, plain[samples].reshape(-1, T + 1))


@thorough
@given(
    begin=st.integers(0, N // 2),
    hosts_of=st.lists(st.integers(0, 7), min_size=1, max_size=N // 2),
)
def test_hosts_that_each_read_their_part_read_the_batch(stage, plain, begin, hosts_of):
    """Any partition of a batch over hosts, even or not: rows are put where their host has them."""
    mine = {h: begin + np.flatnonzero(np.array(hosts_of) == h) for h in range(8)}
    union = np.full((len(hosts_of), T + 1), -1, np.int32)
    for samples in mine.values():
        union[samples - begin] = stage.rows(samples)
    assert np.array_equal(union, plain[begin : begin + len(hosts_of)])


@thorough
@given(cuts=st.lists(st.integers(0, 24), max_size=5), steps=st.integers(1, 4))
def test_hosts_with_a_stretch_of_every_step(stage, plain, cuts, steps):
    """The rows of a mesh: batches of 24, of which each host has the same stretch in every step of a chunk."""
    chunk = np.arange(steps * 24).reshape(steps, 24)
    parts = [
        stage.rows(chunk[:, a:b].ravel()).reshape(steps, b - a, T + 1) for a, b in pairwise([0, *sorted(cuts), 24])
    ]
    assert np.array_equal(np.concatenate(parts, axis=1).reshape(-1, T + 1), plain[: steps * 24])


def test_threads_may_read_at_the_same_time(stage, plain):
    rng = np.random.default_rng(5)
    edges = [sorted(rng.integers(0, N, 2).tolist()) for _ in range(200)]
    with ThreadPoolExecutor(4) as pool:
        for (start, stop), read in zip(edges, pool.map(lambda e: stage.batch(*e), edges), strict=True):
            assert np.array_equal(read, plain[start:stop])


def test_places_that_are_kept_cannot_be_written_to(stage):
    source, epoch, row = stage.positions(0, 1)
    for array in (source, epoch, row):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize("samples", [[-1], [N], [3, N, 4]])
def test_rows_beyond_the_stage_are_refused(stage, samples):
    with pytest.raises(ValueError, match=f"of a stage of {N}"):
        stage.rows(samples)


def test_no_rows_are_no_tokens(stage):
    assert stage.rows([]).shape == (0, T + 1)
