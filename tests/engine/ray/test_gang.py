"""How a stage on several machines ends, with a Ray that only places."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from leaven.engine.ray import gang
from leaven.engine.ray.fleet import Berth

DONE = {"messages": [{"identity": "one", "event": "exit", "code": 0}]}
BAD = {"messages": [{"identity": "one", "event": "failed", "code": 1}, {"identity": "one", "event": "exit", "code": 1}]}


@pytest.fixture
def made():
    asked, cancelled = [], []
    ray = SimpleNamespace(
        cancel=lambda ref, force: cancelled.append(ref),
        exceptions=SimpleNamespace(RayError=RuntimeError),
        util=SimpleNamespace(
            placement_group=lambda bundles, strategy, bundle_label_selector: asked.append(
                (bundles, strategy, bundle_label_selector)
            ),
            remove_placement_group=lambda group: None,
        ),
    )
    one = gang.Gang(ray, Berth(-1, 10, True, 8, 4, 3), {"num_gpus": 4, "accelerator_type": "A"}, {"node": "!in(x)"})
    one.refs = ["a", "b", "c"]
    one.asked, one.cancelled = asked, cancelled
    return one


def test_a_machine_each_and_none_that_was_left_out(made):
    bundle = {"CPU": 8, "memory": 10, "GPU": 4, "accelerator_type:A": 0.001}
    assert made.asked == [([bundle] * 3, "STRICT_SPREAD", [{"node": "!in(x)"}] * 3)]


def test_it_ends_when_all_have(made):
    made.end(1, DONE)
    made.end(2, DONE)
    assert made.over() is None
    first = {"messages": [*DONE["messages"]]}
    made.end(0, first)
    assert made.over() is first


def test_it_is_lost_when_one_is_though_another_failed_before(made):
    made.end(1, BAD)
    assert made.over() is None
    made.end(2, {"lost": "its machine went away"})
    assert made.over() == {"lost": "its machine went away"}
    made.close()
    assert made.cancelled == ["a"]


def test_a_failure_is_final_when_the_others_do_not_end(made, monkeypatch):
    made.end(1, BAD)
    assert made.over() is None
    monkeypatch.setattr(gang, "GRACE", -1.0)
    assert made.over() is BAD
    made.close()
    assert made.cancelled == ["a", "c"]


def test_what_breaks_in_the_task_itself_is_told(made):
    for process in range(3):
        made.end(process, {"failed": "ValueError"} if process == 1 else DONE)
    assert made.over() == {"failed": "ValueError"}
