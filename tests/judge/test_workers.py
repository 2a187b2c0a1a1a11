"""Threads that work through a list: everything once, and all of them gone at the end, however it ends."""

from __future__ import annotations

import signal
import threading

import pytest

from leaven.judge import workers
from leaven.judge.workers import work_through


def events() -> tuple[threading.Event, threading.Event]:
    return threading.Event(), threading.Event()


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("judge-")]


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_every_item_is_worked_on_once_and_told_in_the_callers_thread(at_once):
    told, here = [], threading.current_thread()

    def tell(item, result):
        assert threading.current_thread() is here
        told.append((item, result))

    work_through(range(20), lambda n: n * n, at_once, *events(), tell)
    assert sorted(told) == [(n, n * n) for n in range(20)]
    assert names() == []


def test_nothing_to_do_is_done():
    work_through([], lambda n: n, 4, *events(), lambda item, result: None)


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

    work_through(range(30), work, 3, *events(), lambda item, result: None)
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
        work_through(range(1000), work, 4, stopped, threading.Event(), lambda item, result: None)
    assert len(begun) < 12
    assert names() == []


def test_an_error_of_the_listener_stops_all():
    def tell(item, result):
        raise KeyboardInterrupt

    stopped = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        work_through(range(1000), lambda n: stopped.wait(0.01), 4, stopped, threading.Event(), tell)
    assert stopped.is_set()
    assert names() == []


def interrupted(work, times: int = 1):
    """Work on two items at once until the second has begun, and be interrupted then, and `times` in all."""
    stopped, left = events()
    begun, ended, at_work, here = [], [], threading.Barrier(3), threading.get_ident()

    def labour(n):
        begun.append(n)
        if n:
            at_work.wait()
            work(stopped, left)
        ended.append(n)

    def tell(item, result):
        at_work.wait()
        for n in range(1, times):
            threading.Timer(0.5 * n, signal.pthread_kill, [here, signal.SIGUSR1]).start()
        raise KeyboardInterrupt

    def strike(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, strike)
    try:
        with pytest.raises(KeyboardInterrupt):
            work_through(range(1000), labour, 2, stopped, left, tell)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert begun == [0, 1, 2]
    return ended, left


def test_an_interrupt_waits_for_what_is_under_way(capsys):
    def work(stopped, left):
        stopped.wait()
        left.wait(0.5)  # an answer that comes a while later

    ended, _ = interrupted(work)
    assert sorted(ended) == [0, 1, 2]
    assert capsys.readouterr().err == "\nwaiting for 2 answers that are under way; once more to leave them\n"
    assert names() == []


def test_what_ends_at_once_is_not_told_of(capsys):
    interrupted(lambda stopped, left: stopped.wait())
    assert capsys.readouterr().err == ""


def test_a_second_interrupt_leaves_what_is_under_way(monkeypatch, capsys):
    monkeypatch.setattr(workers, "DRAIN", 3600.0)
    _, left = interrupted(lambda stopped, left: left.wait(), times=2)
    assert left.is_set()
    assert capsys.readouterr().err.count("waiting for 2 answers") == 1
    assert names() == []


def test_what_takes_too_long_is_left(monkeypatch):
    monkeypatch.setattr(workers, "DRAIN", 0.5)
    ended, left = interrupted(lambda stopped, left: left.wait())
    assert sorted(ended) == [0, 1, 2]
    assert left.is_set()


def test_an_error_too_waits_for_what_is_under_way(capsys):
    stopped, left = events()
    both, ended = threading.Barrier(2), []

    def work(n):
        both.wait()
        if n == 0:
            raise LookupError("the first")
        stopped.wait()
        left.wait(0.4)
        ended.append(n)

    with pytest.raises(LookupError, match="the first"):
        work_through(range(1000), work, 2, stopped, left, lambda item, result: None)
    assert ended == [1]
    assert capsys.readouterr().err == ""
