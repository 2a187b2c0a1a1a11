"""Reading ahead hands over the same results in order, tells what went wrong, and leaves no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.mixture.ahead import ReadAhead
from leaven.mixture.stream import StageStream

from .thousand import in_memory

SECONDS = 60
"""Long beyond doubt: reached only where a test would otherwise hang."""


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


@given(st.lists(st.integers(), max_size=20))
def test_every_item_is_handed_over_in_order(items):
    with ReadAhead(lambda item: -item, items) as ahead:
        got = [ahead.get() for _ in items]
        with pytest.raises(IndexError, match="every item"):
            ahead.get()
    assert [result for result, _ in got] == [-item for item in items]
    assert all(waited >= 0 for _, waited in got)


def test_the_tokens_are_those_read_without_it():
    stage = StageStream({"text": in_memory("text", 401, 0)}, {"text": 1}, 100, 8, 1)
    ranges = [(0, 32), (32, 64), (64, 96), (96, 100)]
    with ReadAhead(lambda edges: stage.batch(*edges), ranges) as ahead:
        joined = np.concatenate([ahead.get()[0] for _ in ranges])
    assert np.array_equal(joined, stage.batch(0, 100))


def test_the_next_item_is_read_before_it_is_asked_for_and_no_further():
    begun = [threading.Event() for _ in range(4)]
    with ReadAhead(lambda i: begun[i].set(), range(4)) as ahead:
        assert begun[0].wait(SECONDS)
        ahead.get()
        assert begun[1].wait(SECONDS)
        assert not begun[2].is_set()
        ahead.get()
        assert begun[2].wait(SECONDS)
        assert not begun[3].is_set()


def test_it_says_how_long_it_waited():
    """Item 1 is held back until the caller is known to wait for it; item 0 is ready before it is asked for."""
    ready, let_go = threading.Event(), threading.Event()

    def fetch(i: int) -> int:
        if i == 1:
            assert let_go.wait(SECONDS)
        ready.set()
        return i

    with ReadAhead(fetch, range(2)) as ahead:
        assert ready.wait(SECONDS)
        ahead.get()
        threading.Timer(0.05, let_go.set).start()
        result, waited = ahead.get()
    assert result == 1
    assert 0 < waited < SECONDS


@pytest.mark.parametrize("error", [OSError("the disk is gone"), MemoryError(), SystemExit(3)])
def test_what_fetch_raises_is_raised_by_get_and_nothing_more_is_read(error):
    read = []

    def fetch(i: int) -> int:
        read.append(i)
        if i == 2:
            raise error
        return i

    with ReadAhead(fetch, range(9)) as ahead:
        assert [ahead.get()[0] for _ in range(2)] == [0, 1]
        for _ in range(2):
            with pytest.raises(type(error)) as caught:
                ahead.get()
            assert caught.value is error
    assert read == [0, 1, 2]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), RuntimeError("the loss is not a number")])
def test_an_error_of_the_caller_ends_it(interrupt):
    ahead = ReadAhead(lambda i: i, iter(int, 1))

    def work() -> None:
        with ahead:
            ahead.get()
            raise interrupt

    with pytest.raises(type(interrupt)):
        work()
    with pytest.raises(ValueError, match="with block"):
        ahead.get()


def test_leaving_waits_for_the_one_fetch_under_way():
    inside, finished = threading.Event(), []

    def fetch(i: int) -> None:
        inside.set()
        threading.Event().wait(0.02)
        finished.append(i)

    with ReadAhead(fetch, range(5)):
        assert inside.wait(SECONDS)
    assert finished == [0]


def test_outside_its_block_it_reads_nothing():
    ahead = ReadAhead(lambda i: i, [1])
    with pytest.raises(ValueError, match="with block"):
        ahead.get()


def test_no_items_are_no_results():
    with ReadAhead(lambda i: i, []) as ahead, pytest.raises(IndexError):
        ahead.get()
