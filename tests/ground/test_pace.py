"""A pace that threads share: bounds, order, rests and stops, on a clock that only the test moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from leaven.ground.pace import Pace, Stopped


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Starts:
    """When each of some threads began its turn, on a clock; they go on when they are let go."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self.pace, self.clock = pace, clock
        self.stopped = threading.Event()
        self.began: list[tuple[str, float]] = []
        self.refused: list[str] = []
        self.go_on = threading.Semaphore(0)
        self.threads: list[threading.Thread] = []

    def begin(self, name: str) -> None:
        def work() -> None:
            try:
                with self.pace.turn(self.stopped):
                    self.began.append((name, self.clock()))
                    self.go_on.acquire()
            except Stopped:
                self.refused.append(name)

        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()
        # In line before the next one comes.
        time.sleep(0.01)

    def wait_for(self, count: int) -> list[str]:
        until(lambda: len(self.began) >= count)
        time.sleep(0.02)
        return [name for name, _ in self.began]

    def end(self) -> None:
        self.go_on.release(len(self.threads))
        for thread in self.threads:
            thread.join()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert true()


def test_no_more_than_agreed_are_under_way_and_the_others_come_in_their_order():
    clock = Clock()
    starts = Starts(Pace(2, clock=clock), clock)
    for name in "abcde":
        starts.begin(name)
    assert starts.wait_for(2) == ["a", "b"]
    for count, expected in ((3, "abc"), (4, "abcd"), (5, "abcde")):
        starts.go_on.release()
        assert "".join(starts.wait_for(count)) == expected
    starts.end()


def test_requests_begin_evenly_spaced_through_the_minute():
    clock = Clock()
    starts = Starts(Pace(9, per_minute=30, clock=clock), clock)
    for name in "abc":
        starts.begin(name)
    assert starts.wait_for(1) == ["a"]
    clock.now += 1.9
    time.sleep(0.15)
    assert starts.wait_for(1) == ["a"]
    clock.now += 0.2
    assert starts.wait_for(2) == ["a", "b"]
    clock.now += 60
    starts.wait_for(3)
    # A pause is not made up for.
    starts.begin("d")
    assert starts.wait_for(3) == ["a", "b", "c"]
    clock.now += 2.1
    starts.wait_for(4)
    starts.end()


def test_a_rest_holds_everybody_back_and_the_longest_counts():
    clock = Clock()
    pace = Pace(9, clock=clock)
    starts = Starts(pace, clock)
    pace.rest(600)
    pace.rest(5)
    for name in "ab":
        starts.begin(name)
    clock.now += 599
    time.sleep(0.15)
    assert starts.wait_for(0) == []
    clock.now += 1.5
    assert starts.wait_for(2) == ["a", "b"]
    starts.end()


def room(pace: Pace) -> int:
    """How many can be under way now."""
    stopped, turns = threading.Event(), []
    timer = threading.Timer(0.15, stopped.set)
    timer.start()
    try:
        while True:
            turn = pace.turn(stopped)
            turn.__enter__()
            turns.append(turn)
    except Stopped:
        pass
    finally:
        timer.join()
    # As rests while these were under way would, this keeps their end from counting as a success.
    count = len(turns)
    pace._rests += 1
    for turn in turns:
        turn.__exit__(None, None, None)
    return count


def test_an_endpoint_that_wants_rest_is_asked_less_at_a_time_and_then_slowly_more():
    clock = Clock()
    pace = Pace(8, clock=clock)
    assert room(pace) == 8
    for _ in range(3):
        # Told three times at once: one demand.
        pace.rest(1)
    clock.now += 2
    assert room(pace) == 4
    pace.rest(1)
    clock.now += 2
    assert room(pace) == 2
    for _ in range(40):
        with pace.turn():
            pass
    assert room(pace) == 8
    for _ in range(3):
        # Who was told so meanwhile was no success.
        with pace.turn():
            pace.rest(1)
        clock.now += 2
    assert room(pace) == 1


def test_a_stop_ends_every_wait():
    clock = Clock()
    pace = Pace(1, clock=clock)
    starts = Starts(pace, clock)
    starts.begin("a")
    starts.wait_for(1)
    for name in "bc":
        starts.begin(name)
    starts.stopped.set()
    until(lambda: len(starts.refused) == 2)
    starts.end()
    assert sorted(starts.refused) == ["b", "c"]
    # Those who left are not waited for.
    with pace.turn():
        pass
    pace.rest(600)
    with pytest.raises(Stopped), pace.turn(starts.stopped):
        raise AssertionError("no turn was due")


def test_trouble_in_a_turn_ends_the_turn():
    pace = Pace(1)
    for _ in range(3):
        with pytest.raises(KeyError), pace.turn():
            raise KeyError
    with pace.turn():
        pass


@pytest.mark.parametrize(("at_once", "per_minute"), [(0, None), (1, 0), (1, -3), (1, float("nan"))])
def test_a_pace_that_lets_nothing_through_is_none(at_once, per_minute):
    with pytest.raises(ValueError, match="lets at least something through"):
        Pace(at_once, per_minute)


def test_many_threads_all_get_their_turn():
    pace, lock, under_way, most, done = Pace(3), threading.Lock(), 0, 0, []

    def work(number: int) -> None:
        nonlocal under_way, most
        for _ in range(20):
            with pace.turn():
                with lock:
                    under_way += 1
                    most = max(most, under_way)
                time.sleep(0.0005)
                with lock:
                    under_way -= 1
            if number == 0:
                pace.rest(0.001)
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(12))
    assert most <= 3
