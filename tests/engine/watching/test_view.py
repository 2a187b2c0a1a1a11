"""What is seen of a study: before its run, while it goes on, and after it ended in whatever way."""

from __future__ import annotations

import os

import pytest

from leaven.engine.store import Store
from leaven.engine.watching.follow import Follower
from leaven.engine.watching.outline import outline
from leaven.engine.watching.view import BLOCKED, DONE, FAILED, RUNNING, STOPPED, WAITING

TEXT = "text-only/seed-1/pretrain"
CODE = "code→text/seed-1/pretrain"
FAILING = "no-code/seed-1/pretrain"


def states(view) -> dict[str, str]:
    return {at.step.name: at.state for at in view.steps}


def test_before_it_began(scene):
    view = scene.look()
    assert (view.state, view.steps, view.elapsed) == ("waiting", (), None)
    scene.plan()
    assert set(states(scene.look()).values()) == {WAITING}


def test_while_it_goes_on(training):
    view = training.look()
    assert (view.state, view.process) == ("running", os.getpid())
    seen = states(view)
    assert seen["corpus"] == seen["shards/text"] == DONE
    assert seen[TEXT] == seen[CODE] == RUNNING
    assert seen[FAILING] == FAILED
    assert seen["no-code/seed-1/cooldown"] == seen["no-code/seed-1/evaluate"] == seen["verdict"] == BLOCKED
    assert seen["no-code/seed-2/pretrain"] == seen["text-only/seed-1/cooldown"] == WAITING
    assert view.elapsed == pytest.approx(75, abs=5)
    assert view.remaining == pytest.approx(125, abs=5)


def test_a_killed_run_is_not_running(training):
    training.let_go()
    view = training.look()
    assert (view.state, view.process, view.remaining) == ("killed", None, None)
    assert states(view)[TEXT] == STOPPED
    assert view.of(STOPPED)[0].share == 0.4


def test_a_run_whose_lock_cannot_be_looked_at_is_not_called_killed(training):
    elsewhere = Store(training.runs.parent / "elsewhere")
    view = Follower(training.folder, elsewhere).look()
    assert (view.state, view.process, view.remaining) == ("unknown", None, None)
    assert states(view)[TEXT] == RUNNING  # as it told last
    training.status({}, ended=True, failed={FAILING: "why"})
    assert Follower(training.folder, elsewhere).look().state == "stopped"


def test_the_lock_is_that_of_the_store_that_the_run_told_of(training):
    training.outline["store"] = {}
    training.plan()
    other = Store(training.runs.parent / "other")
    other.prepare()
    (other.root / "lock").touch()
    assert Follower(training.folder, other).look().state == "running"
    training.outline["store"] = {"root": str(training.runs.parent / "moved")}  # to where the command says
    training.plan()
    assert Follower(training.folder, training.store).look().state == "running"


def test_the_machine_of_the_process_is_named(training):
    assert training.look().host == "here"
    training.let_go()
    assert training.look().host == ""


def test_another_study_that_holds_the_store_is_not_this_one(training):
    training.status({TEXT: 0.4}, process=os.getpid() + 1)
    with (training.folder / "events.jsonl").open("w"):
        pass
    assert training.look().state == "killed"


def test_a_run_that_has_written_no_status_yet_is_running_without_that_of_the_one_before(training):
    training.status({TEXT: 0.4}, process=os.getpid() + 1, ended=True, failed={FAILING: "then"})
    training.event("run_started", process=os.getpid())
    view = training.look()
    assert view.state == "running"
    assert view.of(FAILED) == view.of(STOPPED) == []


def test_ends(training):
    training.let_go()
    training.status({}, ended=True, failed={FAILING: "why"})
    assert training.look().state == "stopped"
    kept = [step["names"][0] for step in training.outline["steps"]]
    blocked = {"no-code/seed-1/cooldown", "no-code/seed-1/evaluate", "verdict", FAILING, "corpus", "shards/text"}
    training.done(*(name for name in kept if name not in blocked))
    assert training.look().state == "failed"
    training.done(*(blocked - {"corpus", "shards/text"}))
    view = training.look()
    assert view.state == "done"
    assert set(states(view).values()) == {DONE}


def test_what_is_new_is_seen_at_the_next_look(training):
    follower = Follower(training.folder, training.store)
    assert len(follower.look().of(DONE)) == 2
    training.done(TEXT)
    assert states(follower.look())[TEXT] == RUNNING  # nobody told of it: the store is not asked at every look
    training.status({CODE: 0.5})
    assert states(follower.look())[TEXT] == DONE
    training.event("step_finished", CODE, seconds=3.0, where="")
    assert states(follower.look())[CODE] == DONE


def test_a_step_that_began_again(training):
    training.event("step_lost", TEXT, note="node gone", where="b")
    training.status({TEXT: 0.1}, where="Ray, 2 nodes")
    view = training.look()
    assert {at.step.name: at.lost for at in view.steps if at.lost} == {TEXT: 1}
    training.event("run_started", process=os.getpid())
    assert not any(at.lost for at in training.look().steps)


def test_hosts(training):
    training.status({TEXT: 0.5, CODE: 0.5}, "b")
    assert training.look().hosts == ["b"]


def test_speed_on_average_counts_what_this_run_trained(training):
    # Two stages at once, 100 tokens of each a second.
    assert training.look().speed[1] == pytest.approx(200)


def test_a_curve_told_late_is_no_speed(scene):
    scene.plan()
    scene.event("run_started", process=1)
    for tokens in (100, 200, 300):
        scene.measured(TEXT, tokens, speed=None, after=0.01)
    for tokens in (400, 500):
        scene.measured(TEXT, tokens, speed=50.0, after=2.0)
    assert scene.look().speed[1] == pytest.approx(50)


def test_events_that_make_no_sense_are_left_out(training):
    for fields in ({"tokens": None}, {"tokens": "many"}, {"tokens": float("nan")}, {"time": 3}):
        training.event("measured", TEXT, **fields)
    training.event("step_waved", TEXT)
    with (training.folder / "events.jsonl").open("a") as file:
        file.write('{"event": "step_finished", "identity": 5}\n[1]\nno json\n{"event": "step_fini')
    assert training.look().state == "running"


@pytest.mark.parametrize(
    "broken", [b"", b"[]", b'{"steps": []}', b'{"steps": [{}], "runs": []}', b"\xff", b'{"steps": 3, "runs": 4}']
)
def test_a_file_that_cannot_be_read_is_as_none(training, broken):
    (training.folder / "status.json").write_bytes(broken)
    (training.folder / "steps.json").write_bytes(broken)
    assert training.look().steps == ()


def test_an_outline_names_only_what_it_holds(scene):
    scene.outline["runs"][0]["stages"].append(99)
    with pytest.raises(ValueError, match="does not hold"):
        outline(scene.outline, scene.runs)
