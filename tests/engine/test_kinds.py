"""What a kind of step refuses before it computes."""

from __future__ import annotations

import pytest

from leaven.engine.kinds import _can_isolate
from leaven.engine.task import Task
from leaven.ground.errors import LeavenError
from leaven.ground.files import write_json
from leaven.ground.progress import silent
from leaven.sandbox.level import Level
from leaven.study.step import Step

NONE = Level("none", "no user namespaces")
TASKS = {"programs": {"needs": ["isolation"], "category": "code"}, "arc": {"needs": [], "category": "text"}}


@pytest.mark.parametrize(
    ("level", "without", "allowed", "refused"),
    [
        (NONE, [], False, True),
        (NONE, ["programs"], False, False),
        (NONE, ["code"], False, False),
        (NONE, [], True, False),
        (Level("bubblewrap", "it works here"), [], False, False),
    ],
)
def test_a_machine_that_cannot_isolate_does_not_leave_programs_out_silently(tmp_path, level, without, allowed, refused):
    write_json(tmp_path / "suite.json", {"tasks": TASKS})
    step = Step("evaluate", {"without": without}, {}, "a" * 32, ("evaluate",))
    task = Task(step, {"suite": tmp_path}, tmp_path, tmp_path, tmp_path, allowed, silent)
    if not refused:
        _can_isolate(task, level)
        return
    with pytest.raises(LeavenError, match="programs executes programs that a model wrote, and nothing isolates them"):
        _can_isolate(task, level)
