from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from leaven.engine.metrics import notify
from leaven.engine.metrics.notify import Notifier, parse
from leaven.ground.errors import BadInput

KEEPS = """
import json, os, sys
event = json.load(sys.stdin)
with open(sys.argv[1], "a") as file:
    file.write(json.dumps([os.environ["LEAVEN_EVENT"], os.environ["LEAVEN_STUDY"], event]) + "\\n")
"""


@pytest.fixture
def said() -> list[str]:
    return []


def python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


def heard(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_command_is_told_of_failures_and_the_end_in_order(tmp_path: Path, said: list[str]) -> None:
    kept = tmp_path / "kept"
    notifier = Notifier(python(KEEPS, str(kept)), "micro", said.append)
    for event in ("run_started", "measured", "step_failed", "step_finished", "run_finished"):
        notifier.tell({"event": event, "note": "→ \udc80"})
    notifier.close()
    assert [(event, study) for event, study, _ in heard(kept)] == [("step_failed", "micro"), ("run_finished", "micro")]
    assert heard(kept)[0][2]["study"] == "micro"
    assert said == []


def test_a_command_that_fails_is_a_warning(said: list[str]) -> None:
    notifier = Notifier(python("import sys; print('no mail', file=sys.stderr); sys.exit(4)"), "micro", said.append)
    notifier.tell({"event": "interrupted"})
    notifier.close()
    assert said == ["the command of --notify ended with code 4: no mail"]


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path, said: list[str]) -> None:
    kept = tmp_path / "kept"
    child = f"import time; time.sleep(3); open({str(kept)!r}, 'w')"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    began = time.monotonic()
    notifier = Notifier(python(code), "micro", said.append, limit=1.0)
    notifier.tell({"event": "run_finished"})
    notifier.close()
    assert time.monotonic() - began < 20
    assert said == ["the command of --notify took longer than 1 s and was ended"]
    time.sleep(max(0.0, 4 - (time.monotonic() - began)))
    assert not kept.exists()


def test_what_a_command_leaves_in_the_background_is_not_waited_for(tmp_path: Path, said: list[str]) -> None:
    kept = tmp_path / "kept"
    began = time.monotonic()
    notifier = Notifier(["/bin/sh", "-c", f"(sleep 6; : > {kept}) & exit 0"], "micro", said.append, limit=5.0)
    notifier.tell({"event": "run_finished"})
    notifier.close()
    assert time.monotonic() - began < 5
    assert said == []
    while not kept.exists():  # and goes on
        assert time.monotonic() - began < 30
        time.sleep(0.1)


def test_the_end_of_the_run_is_told_however_many_failures_wait(tmp_path: Path, said: list[str]) -> None:
    kept = tmp_path / "kept"
    command = f'cat >/dev/null; sleep 1; echo "\\"$LEAVEN_EVENT\\"" >> {kept}'
    notifier = Notifier(["/bin/sh", "-c", command], "m", said.append, limit=4.0)
    for _ in range(9):
        notifier.tell({"event": "step_failed"})
    notifier.tell({"event": "run_finished"})
    notifier.close()
    *before, last = heard(kept)
    assert last == "run_finished"
    assert set(before) <= {"step_failed"}
    assert len(before) < 9
    left = 9 - len(before)
    assert said == [f"the command of --notify was too slow: failures that it was not told of one by one: {left}"]


def test_the_end_of_the_run_is_told_after_a_command_that_hangs(tmp_path: Path, said: list[str]) -> None:
    kept = tmp_path / "kept"
    command = f'[ $LEAVEN_EVENT = step_failed ] && sleep 60; sleep 1; echo "\\"$LEAVEN_EVENT\\"" >> {kept}'
    notifier = Notifier(["/bin/sh", "-c", command], "m", said.append, limit=3.0)
    notifier.tell({"event": "step_failed"})
    time.sleep(0.5)
    notifier.tell({"event": "run_finished"})
    notifier.close()
    assert heard(kept) == ["run_finished"]
    assert said == ["the command of --notify took longer than 3 s and was ended"]


def test_a_program_that_went_away_is_a_warning(tmp_path: Path, said: list[str]) -> None:
    notifier = Notifier([str(tmp_path / "gone")], "micro", said.append)
    notifier.tell({"event": "run_finished"})
    notifier.close()
    assert len(said) == 1


def test_one_by_one_so_many_failures_and_then_the_end(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "MOST", 2)
    kept = tmp_path / "kept"
    notifier = Notifier(["/bin/sh", "-c", f'cat >/dev/null; echo "\\"$LEAVEN_EVENT\\"" >> {kept}'], "m", said.append)
    for _ in range(5):
        notifier.tell({"event": "step_failed"})
    notifier.tell({"event": "run_finished"})
    notifier.close()
    assert heard(kept) == ["step_failed", "step_failed", "run_finished"]


def test_without_a_command_nothing_runs(said: list[str]) -> None:
    notifier = Notifier(parse(""), "micro", said.append)
    notifier.tell({"event": "run_finished"})
    notifier.close()
    assert said == []


def test_words_of_a_command() -> None:
    assert parse("sh -c 'echo a b'") == ["sh", "-c", "echo a b"]
    for wrong in ("sh 'open", "no-such-program-anywhere x"):
        with pytest.raises(BadInput) as error:
            parse(wrong)
        assert error.value.field == "--notify"
