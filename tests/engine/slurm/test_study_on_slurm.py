"""A whole study on Slurm whose driver is killed on the way ends with the bytes of a run on one computer."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leaven.ground.files import sha256_file

pytest.importorskip("submitit", reason="needs the extra cluster")
pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.usefixtures("slurm")]

PATIENCE = 900.0
OPTIONS = ["--set", "seeds=1", "--device", "cpu", "--allow-unisolated"]


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "leaven.cli", "run", "micro.yaml", *OPTIONS, *options]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


def results(runs: Path) -> dict[str, str]:
    return {
        f"{path.parent.name}/{path.name}": sha256_file(path)
        for path in (runs / "store" / "steps").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def executions(runs: Path) -> dict[str, int]:
    logs = (runs / "store" / "logs").glob("*.log")
    return {log.stem: len(re.findall("^— ", log.read_text(), re.MULTILINE)) for log in logs}


def test_a_study_whose_driver_is_killed_ends_with_the_bytes_of_a_local_run_and_nothing_done_twice(
    study_text, material, tmp_path
):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "micro.yaml").write_text(study_text, encoding="utf-8")
    here, there = tmp_path / "here", tmp_path / "there"
    assert start(here).wait(PATIENCE) == 0, (here / "log").read_text()[-3000:]
    on = ("--on", "slurm", "--shared", str(material))
    driver = start(there, *on)
    steps = there / "runs" / "store" / "steps"
    until = time.monotonic() + PATIENCE
    while not steps.is_dir() or len(list(steps.iterdir())) < 12:
        assert driver.poll() is None, (there / "log").read_text()[-3000:]
        assert time.monotonic() < until
        time.sleep(0.1)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert start(there, *on).wait(PATIENCE) == 0, (there / "log").read_text()[-3000:]
    assert results(there / "runs") == results(here / "runs")
    assert set(executions(there / "runs").values()) == {1}
    assert not list((there / "runs" / "store" / "slurm").iterdir())
