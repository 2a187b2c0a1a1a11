"""Threads that work through a list: everything once, and all of them gone at the end, however it ends."""

from __future__ import annotations

import threading

import pytest

from leaven.judge.workers import work_through


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("judge-")]


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_every_item_is_worked_on_once_and_told_in_the_callers_thread(at_once):
    told, here = [], threading.current_thread()

    def tell(item, result):
        assert threading.current_thread() is here
        told.append((item, result))

    work_through(range(20), lambda n: n * n, at_once, threading.Event(), tell)
    assert sorted(told) == [(n, n * n) for n in range(20)]
    assert names() == []


def test_nothing_to_do_is_done():
    work_through([], lambda n: n, 4, threading.Event(), lambda item, result: None)


def test_no_more_are_under_way_than_allowed():
    gate, under_way, most = threading.Semaphore(3), [0], [0]
    lock = threading.Lock()

    def work(n):
        assert gate.acquire(blocking=False)
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        threading.Event().wait(0.002)
        with lock:
            under_way[0] -= 1
        gate.release()

    work_through(range(30), work, 3, threading.Event(), lambda item, result: None)
    assert most[0] == 3


def test_the_first_error_stops_all_and_is_the_one_that_is_raised():
    begun, stopped = [], threading.Event()

    def work(n):
        begun.append(n)
        if n == 5:
            raise LookupError("the first")
        if n < 5:
            return
        stopped.wait()
        raise ValueError("because it was stopped")

    with pytest.raises(LookupError, match="the first"):
        work_through(range(1000), work, 4, stopped, lambda item, result: None)
    assert len(begun) < 12
    assert names() == []


def test_an_error_of_the_listener_stops_all():
    def tell(item, result):
        raise KeyboardInterrupt

    stopped = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        work_through(range(1000), lambda n: stopped.wait(0.01), 4, stopped, tell)
    assert stopped.is_set()
    assert names() == []
