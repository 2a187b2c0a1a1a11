"""Checkpoints and logs of a step that moves from machine to machine."""

from __future__ import annotations

import time

import pytest

from leaven.engine.depot.keeper import Keeper
from leaven.engine.depot.saved import fetch_newest, log_name, merged, send_newest, state_name
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file
from leaven.train import kept


def checkpoint(state, number: int, data: bytes = b"arrays") -> None:
    path = state / kept.array_files(number, None)[0]
    path.write_bytes(data * number)
    kept.write_note(state, {"step": number, "state": {"n": number}, "sha256": sha256_file(path)})


@pytest.fixture
def begun(machine, step):
    """A step begun on a machine: its store and its folder of checkpoints."""

    def on(name: str):
        store = machine(name)
        return store, store.begin(step().identity)[1]

    return on


def test_another_machine_goes_on_from_the_newest(begun, step):
    one, state = begun("one")
    checkpoint(state, 5)
    checkpoint(state, 9)
    assert send_newest(one.remote, step().identity, state, -1) == 9
    _, theirs = begun("other")
    assert kept.steps(theirs) == [9]
    assert kept.read_note(theirs, 9)["state"] == {"n": 9}
    assert (theirs / kept.array_files(9, None)[0]).read_bytes() == b"arrays" * 9


def test_older_ones_go_and_nothing_is_sent_twice(begun, step, monkeypatch):
    one, state = begun("one")
    identity = step().identity
    checkpoint(state, 5)
    sent = send_newest(one.remote, identity, state, -1)
    checkpoint(state, 9)
    sent = send_newest(one.remote, identity, state, sent)
    assert sorted(one.remote.files(state_name(identity))) == ["step-000000009.json", "step-000000009.safetensors"]
    monkeypatch.setattr(one.remote, "send", lambda *_: pytest.fail("sent again"))
    assert send_newest(one.remote, identity, state, sent) == 9


def test_a_torn_one_is_neither_sent_nor_used(begun, step):
    one, state = begun("one")
    identity = step().identity
    checkpoint(state, 5)
    checkpoint(state, 9)
    (state / kept.array_files(9, None)[0]).write_bytes(b"torn")
    assert send_newest(one.remote, identity, state, -1) == 5
    checkpoint(state, 12)
    one.remote.write(f"{state_name(identity)}/{kept.array_files(12, None)[0]}", b"torn")
    one.remote.write(f"{state_name(identity)}/step-000000012.json", kept.note_path(state, 12).read_bytes())
    _, theirs = begun("other")
    assert kept.steps(theirs) == [5]
    assert sorted(path.name for path in theirs.iterdir()) == ["step-000000005.json", "step-000000005.safetensors"]


def test_the_one_here_stays_if_it_is_newer(begun, step):
    one, state = begun("one")
    checkpoint(state, 5)
    send_newest(one.remote, step().identity, state, -1)
    other, theirs = begun("other")
    checkpoint(theirs, 7)
    assert fetch_newest(other.remote, step().identity, theirs) == -1
    (theirs / kept.array_files(7, None)[0]).write_bytes(b"torn")
    checkpoint(state, 6)
    send_newest(one.remote, step().identity, state, 5)
    assert fetch_newest(other.remote, step().identity, theirs) == 6


def test_checkpoints_and_log_are_sent_while_the_step_runs_and_go_when_it_is_published(machine, step, monkeypatch):
    monkeypatch.setenv("LEAVEN_SYNC", "0.05")
    one, made = machine("one"), step()
    out, state = one.begin(made.identity)
    (out / "result").write_bytes(b"right")
    with one.keeping(made.identity):
        one.log(made.identity).write_text("— one, process 1\n")
        checkpoint(state, 3)
        deadline = time.monotonic() + 10
        while len(one.remote.files(state_name(made.identity))) < 2 or not one.remote.exists(log_name(made.identity)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        one.publish(made, {"seconds": 1.0, "finished": "2026-01-01T00:00:00Z"})
        with one.log(made.identity).open("a") as log:
            log.write("done\n")
    assert not one.remote.files(f"work/{made.identity}")
    assert machine("other").log_of(made.identity).read_text() == "— one, process 1\ndone\n"


def test_what_a_step_had_when_it_failed_is_sent(machine, step):
    one, made = machine("one"), step()
    _, state = one.begin(made.identity)

    def fail():
        with one.keeping(made.identity):
            checkpoint(state, 4)
            one.log(made.identity).write_text("— one, process 1\nit broke\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    other = machine("other")
    assert kept.steps(other.begin(made.identity)[1]) == [4]
    assert "broke" in other.log_of(made.identity).read_text()


def test_a_log_holds_executions_everywhere_once(machine, step):
    identity = step().identity
    one, other = machine("one"), machine("other")
    for store, words in ((one, "— a\nfirst\n"), (other, "— b\nsecond\n"), (one, "— c\nthird\n"), (one, "— d\n")):
        with store.keeping(identity), store.log(identity).open("a") as log:
            log.write(words)
    expected = "— a\nfirst\n— b\nsecond\n— c\nthird\n— d\n"
    assert machine("third").log_of(identity).read_text() == expected
    assert other.log_of(identity).read_text() == expected


@pytest.mark.parametrize(
    ("there", "here", "both"),
    [
        ("", "— a\n", "— a\n"),
        ("— a\nx\n", "— a\nx\n— b\n", "— a\nx\n— b\n"),
        ("— a\nx\n— b\n", "— b\ny\n— c\n", "— a\nx\n— b\ny\n— c\n"),
        ("— a\nx\n— b\ny\n", "— a\nx\n— c\n", "— a\nx\n— b\ny\n— c\n"),
        ("— a\nx\n", "— b\n", "— a\nx\n— b\n"),
        ("— a\nx\n", "", "— a\nx\n"),
        ("— a\n", "— a\n— a\n", "— a\n— a\n"),
    ],
)
def test_logs_of_several_machines_are_one(there, here, both):
    assert merged(there.encode(), here.encode()).decode() == both
    assert merged(both.encode(), here.encode()).decode() == both


def test_no_log_is_no_error(machine, step):
    store = machine("one")
    assert store.log_of(step().identity) == store.log(step().identity)


def test_refusal_is_said_once_and_stops_nothing(machine, step, monkeypatch):
    store, made = machine("one"), step()
    _, state = store.begin(made.identity)
    checkpoint(state, 1)
    log = store.log(made.identity)
    log.write_text("— one\n")
    keeper = Keeper(store.remote, made.identity, state, log, 30)

    def refuse(*_):
        raise BadInput("access is refused")

    monkeypatch.setattr(type(store.remote), "send", refuse)
    keeper.send()
    keeper.send()
    assert log.read_text().count("access is refused") == 1


def test_seconds_must_be_seconds(machine, monkeypatch):
    monkeypatch.setenv("LEAVEN_SYNC", "often")
    with pytest.raises(BadInput, match="LEAVEN_SYNC"):
        machine("one")
