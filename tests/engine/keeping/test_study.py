"""A real study: run, kept, collected around, taken to another machine, where nothing is left to compute."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

LEAVEN = [sys.executable, "-m", "leaven.cli"]
pytestmark = pytest.mark.long


def leaven(*words, cwd):
    done = subprocess.run([*LEAVEN, *words], cwd=cwd, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_study_moves_and_is_done_there(study_text, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "micro.yaml").write_text(study_text, encoding="utf-8")
    leaven("run", "micro.yaml", cwd=here)
    changed = ["micro.yaml", "--set", "question=Again?", "--set", "judge.kind=none"]
    leaven("run", *changed, cwd=here)
    used = json.loads(leaven("store", "du", "--json", cwd=here))
    assert [row["study"] for row in used["studies"]] == ["micro", "micro"]
    assert not json.loads(leaven("store", "gc", "--json", cwd=here))["leaving"]
    older, newer = (f"micro@{row['set']}" for row in used["studies"])
    went = json.loads(leaven("store", "gc", "--forget", newer, "--yes", "--json", cwd=here))
    assert {each["kind"] for each in went["leaving"] if each["what"] == "step"} == {"verdict"}
    assert "everything is done" in leaven("run", "micro.yaml", cwd=here)
    assert leaven("store", "verify", cwd=here).startswith("whole")
    leaven("store", "export", older, str(tmp_path / "micro.tar.zst"), cwd=here)
    leaven("store", "import", str(tmp_path / "micro.tar.zst"), cwd=there)
    assert leaven("verdict", "micro.yaml", "--json", cwd=there) == leaven("verdict", "micro.yaml", "--json", cwd=here)
    assert leaven("report", "micro.yaml", cwd=there) == "runs/micro/report.html\n"
    assert "everything is done" in leaven("run", "micro.yaml", cwd=there)
    victim = next((there / "runs/store/steps").glob("*/verdict.json"))
    victim.write_text("{}")
    damaged = subprocess.run([*LEAVEN, "store", "verify", "--repair"], cwd=there, capture_output=True, text=True)
    assert (damaged.returncode, "verdict.json was changed" in damaged.stdout) == (1, True)
    leaven("run", "micro.yaml", cwd=there)
    assert not (there / "runs/store/work" / victim.parent.name).exists()
    assert not json.loads(leaven("store", "verify", "--json", cwd=there))["damage"]
    shutil.rmtree(tmp_path / "there" / "runs" / "micro")
    leaven("store", "import", str(tmp_path / "micro.tar.zst"), cwd=there)
    assert (there / "runs/micro/report.html").is_file()
