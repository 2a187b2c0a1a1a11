"""Killed at fifty random moments, a stage ends with the bytes of an undisturbed one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("killed_stage.py")
KILLS = 50


def train(corpus: Path, place: Path, kills: int) -> tuple[int, int]:
    command = [sys.executable, "-W", "ignore", str(PROGRAM), str(corpus), str(place), str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    killed, begun = done.stdout.split()[-2:]
    return int(killed), int(begun)


@pytest.mark.long
def test_fifty_random_kills_change_nothing(corpus: Path, tmp_path: Path) -> None:
    assert train(corpus, tmp_path / "calm", 0) == (0, 0)
    killed, begun = train(corpus, tmp_path / "killed", KILLS)
    assert killed == KILLS
    assert begun >= KILLS // 2, "most kills have to fall into training"
    calm = tmp_path / "calm" / "round-0" / "out"
    names = sorted(path.name for path in calm.iterdir())
    assert names == ["curve.parquet", "model.safetensors", "optimizer.safetensors", "stage.json"]
    rounds = sorted((tmp_path / "killed").glob("round-*/out"))
    assert rounds
    for disturbed in rounds:
        for name in names:
            assert (calm / name).read_bytes() == (disturbed / name).read_bytes(), f"{disturbed.parent.name}/{name}"
