"""What one machine lends another while a step runs."""

from __future__ import annotations

import json

import pytest

from leaven.ground.errors import LeavenError


def test_a_folder_and_a_file_travel(machine, step):
    one, other = machine("one"), machine("other")
    identity = step().identity
    folder, file = one.work / identity / "out" / "parts" / "7", one.work / identity / "state" / "plan.json"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "x").write_bytes(b"x")
    (folder / "y").write_bytes(b"")
    file.parent.mkdir()
    file.write_bytes(b"{}")
    for path in (folder, file):
        one.lend(path)
        there = other.root / path.relative_to(one.root)
        other.borrow(there)
        other.borrow(there)
    assert (other.work / identity / "out/parts/7/deep/x").read_bytes() == b"x"
    assert (other.work / identity / "out/parts/7/y").read_bytes() == b""
    assert (other.work / identity / "state/plan.json").read_bytes() == b"{}"


def test_nothing_is_lent_twice_unless_it_changed(machine, step, monkeypatch):
    one = machine("one")
    path = one.work / step().identity / "file"
    path.parent.mkdir()
    path.write_bytes(b"a")
    sent = []
    send = one.remote.send
    monkeypatch.setattr(one.remote, "send", lambda source, name: sent.append(name) or send(source, name))
    one.lend(path)
    one.lend(path)
    assert len(sent) == 1
    path.write_bytes(b"ab")
    one.lend(path)
    assert len(sent) == 2


def test_what_nobody_lent_is_not_here(machine, step):
    one = machine("one")
    path = one.work / step().identity / "file"
    one.lend(path)
    one.borrow(path)
    assert not path.exists()


def test_loans_end_when_the_step_is_published(machine, make, step):
    one = machine("one")
    path = one.work / step().identity / "state" / "part"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a")
    one.lend(path)
    make(one)
    assert not one.remote.files("work")


def test_no_loan_leads_out_of_its_folder(machine, step):
    one, other = machine("one"), machine("other")
    identity = step().identity
    one.remote.write(
        f"work/{identity}/lent/part.json", json.dumps({"folder": True, "files": {"../../x": "0" * 64}}).encode()
    )
    with pytest.raises(LeavenError, match="not inside"):
        other.borrow(other.work / identity / "part")
    with pytest.raises(ValueError, match="nothing of a step"):
        one.lend(one.work)
