"""Scenes: an empty folder of runs, and a study that trains."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.engine.watching.scene import Scene


@pytest.fixture
def scene(tmp_path) -> Iterator[Scene]:
    made = Scene(tmp_path / "runs")
    yield made
    made.held.close()


@pytest.fixture
def training(scene) -> Scene:
    """Two stages under way, one failed, the corpus done."""
    scene.plan()
    scene.hold()
    scene.done("corpus", "shards/text")
    scene.event("run_started", process=os.getpid(), host="here", where="this computer", steps=21, found=0)
    for tokens in range(100, 900, 100):
        scene.measured("text-only/seed-1/pretrain", tokens)
        scene.measured("code→text/seed-1/pretrain", tokens, after=0.0)
    note = "the loss is no number after step 12\n  A lower peak learning rate usually helps."
    scene.event("step_failed", "no-code/seed-1/pretrain", note=note, where="")
    scene.status(
        {"text-only/seed-1/pretrain": 0.4, "code→text/seed-1/pretrain": 0.4}, failed={"no-code/seed-1/pretrain": note}
    )
    return scene
