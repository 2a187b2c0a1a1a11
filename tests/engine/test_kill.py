"""Killed at any moment, twenty times over, a study ends with the bytes of an undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leaven.ground.files import sha256_file

KILLS = 20


def results_of(runs: Path) -> dict[str, str]:
    return {
        f"{path.parent.name}/{path.name}": sha256_file(path)
        for path in (runs / "store" / "steps").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "leaven.cli", "run", "micro.yaml"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


def processes_of(scheduler: int) -> list[int]:
    """The scheduler, its nursery and the steps running now."""
    found = [scheduler]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(word) for word in task.read_text().split()]
            except OSError:
                continue
    return found


def forget_some_steps(folder: Path, draw: random.Random) -> None:
    steps = sorted((folder / "runs/store/steps").iterdir())
    for step in draw.sample(steps, len(steps) // 4):
        shutil.rmtree(step)


def wait_until_gone(process_ids: list[int]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(running(p) for p in process_ids):
            return
        time.sleep(0.02)
    raise AssertionError("processes outlived their scheduler")


def running(process_id: int) -> bool:
    """Whether a process is there and not a zombie waiting for somebody else's parent."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.long
def test_twenty_random_kills_change_nothing(study_text, tmp_path):
    text = study_text.replace("pretrain 5120", "pretrain 64K").replace("repeat: 40", "repeat: 400")
    for name in ("calm", "killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "micro.yaml").write_text(text, encoding="utf-8")
    began = time.monotonic()
    assert start(tmp_path / "calm").wait(900) == 0, (tmp_path / "calm/log").read_text()
    calm_seconds = time.monotonic() - began

    draw = random.Random(0)
    kills = 0
    while kills < KILLS:
        process = start(tmp_path / "killed")
        try:
            process.wait(draw.uniform(0.05, calm_seconds / 5))
            forget_some_steps(tmp_path / "killed", draw)  # it was faster than the killer: give it work again
            continue
        except subprocess.TimeoutExpired:
            family = processes_of(process.pid)
        victim = process.pid if kills % 2 == 0 or len(family) < 2 else draw.choice(family[1:])
        kills += 1
        os.kill(victim, signal.SIGKILL)
        if victim != process.pid:
            # The scheduler tells of a lost step and ends by itself once the rest is done: end it too, at a random time.
            time.sleep(draw.uniform(0, 1))
            process.kill()
        process.wait()
        wait_until_gone(family)
    assert start(tmp_path / "killed").wait(900) == 0, (tmp_path / "killed/log").read_text()
    assert results_of(tmp_path / "killed/runs") == results_of(tmp_path / "calm/runs")
