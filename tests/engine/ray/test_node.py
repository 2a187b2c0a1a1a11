"""What a worker process of Ray does for a step, with a board that only remembers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from leaven.engine import sameness
from leaven.engine.ray import node


class Board:
    def __init__(self) -> None:
        self.told: list[tuple] = []
        self.tell = SimpleNamespace(remote=lambda *words: self.told.append(words))


class Nursery:
    """Says what it is given, batch by batch; an exception is raised."""

    def __init__(self, *batches) -> None:
        self.batches, self.orders = list(batches), []

    def start(self, order) -> None:
        self.orders.append(order)

    def messages(self, timeout: float):
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch

    def close(self) -> None: ...


ORDER = {"members": [{"identity": "one"}], "store": {"root": "/store"}, "gang": None, "fan": {}}


def attend(monkeypatch, *batches, board=None, order=ORDER):
    nursery = Nursery(*batches)
    monkeypatch.setattr(node, "_nursery", lambda where: nursery)
    monkeypatch.setattr(node, "placed", dict)
    return node.attend(order, "7", board or Board(), sameness.fingerprint())


def event(name: str, **rest):
    return {"identity": "one", "event": name, **rest}


def test_all_that_a_short_step_says_comes_with_its_end(monkeypatch):
    board = Board()
    result = attend(
        monkeypatch,
        [event("progress", done=1), event("progress", done=2)],
        [event("measured", row={}), event("exit", code=0)],
        board=board,
    )
    assert [message["event"] for message in result["messages"]] == ["where", "progress", "measured", "exit"]
    assert result["messages"][1]["done"] == 2
    assert result["told"] == 0
    assert board.told == []


def test_a_long_step_tells_the_board_and_keeps_its_end(monkeypatch):
    monkeypatch.setattr(node, "TELL_EVERY", 0.0)
    monkeypatch.setattr(node._Teller, "settled", lambda self: self.told)
    board = Board()
    result = attend(
        monkeypatch,
        [event("progress", done=1)],
        [],
        [event("failed", note="no", code=2), event("exit", code=2)],
        board=board,
    )
    assert [message["event"] for message in result["messages"]] == ["failed", "exit"]
    assert [(ticket, process, [m["event"] for m in said]) for ticket, process, said in board.told] == [
        ("7", 0, ["where", "progress"])
    ]
    assert result["told"] == 2


@pytest.mark.parametrize("end", [[event("exit", code=-9)], [event("exit", code=-15)], EOFError("gone")])
def test_what_was_killed_is_lost(monkeypatch, end):
    assert "killed" in attend(monkeypatch, end)["lost"]


def test_what_breaks_by_itself_is_not_lost(monkeypatch):
    assert attend(monkeypatch, [event("exit", code=-11)])["messages"][-1]["code"] == -11


def test_what_an_attempt_before_says_is_nothing_of_this_one(monkeypatch):
    stale = {"identity": "other", "event": "exit", "code": 1}
    result = attend(monkeypatch, [stale, event("failed", note="no", code=3)], [stale, event("exit", code=3)])
    assert [(message["identity"], message["event"]) for message in result["messages"]] == [
        ("one", "where"),
        ("one", "failed"),
        ("one", "exit"),
    ]


def test_steps_that_cannot_be_started_fail(monkeypatch):
    result = attend(monkeypatch, node.LeavenError("steps cannot be started: no room"))
    assert [message["event"] for message in result["messages"]] == ["where", "failed", "exit"]
    assert "no room" in result["messages"][1]["note"]


def test_other_code_computes_nothing(monkeypatch):
    monkeypatch.setattr(node, "_nursery", lambda where: pytest.fail("started"))
    result = node.attend(ORDER, "7", Board(), {**sameness.fingerprint(), "jax": "0.0.1"})
    assert "jax is" in result["unfit"]


def test_where_a_store_is(monkeypatch, tmp_path):
    monkeypatch.setenv("LEAVEN_SCRATCH", str(tmp_path))
    here = sameness.machine()
    assert node.placed({"root": "/store", "home": here}) == {"root": "/store"}
    away = node.placed({"root": "/store", "home": "elsewhere"})
    assert away["root"] == "/store"
    assert away["cache"].startswith(str(tmp_path))
    mirrored = node.placed({"root": "/runs/store", "url": "s3://bucket/a", "home": here})
    assert mirrored["url"] == "s3://bucket/a"
    assert mirrored["root"].startswith(str(tmp_path))


def test_a_nursery_is_born_without_what_ray_sets_for_threads(monkeypatch):
    import os

    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    born = []
    monkeypatch.setattr(node, "Nursery", lambda packages: born.append(os.environ.get("OMP_NUM_THREADS")))
    monkeypatch.setattr(node, "_nurseries", {})
    for devices in ("0", "0", "1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
        node._nursery({})
    assert born == [None, None]  # one for each set of devices
    assert os.environ["OMP_NUM_THREADS"] == "8"


def test_a_gang_meets_where_its_first_process_says(monkeypatch):
    pytest.importorskip("ray")
    words = {}
    board = SimpleNamespace(
        leave=SimpleNamespace(remote=words.__setitem__),
        read=SimpleNamespace(remote=words.get),
    )
    monkeypatch.setattr("ray.get", lambda word: word)
    first = node._met({"coordinator": None, "processes": 2, "process": 0}, "7", board)
    second = node._met({"coordinator": None, "processes": 2, "process": 1}, "7", board)
    assert first["coordinator"] == second["coordinator"] == words["7"]
    assert node._met(None, "7", board) is None
    monkeypatch.setattr(node, "MEETING", 0.0)
    with pytest.raises(node.LeavenError, match="first process of 2 did not say"):
        node._met({"coordinator": None, "processes": 2, "process": 1}, "8", board)
