"""A corpus of the hub, built by the steps that studies have: streamed from it, or refused by name when offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CORPUS = """\
corpus: hubbed
sources:
  text: {kind: text, hub: {dataset: people/stories, files: [data/**]}, shape: slimpajama, max: 1MB}
tokenizer: {vocabulary: 300, sample: 100KB}
"""


@pytest.fixture
def folder(tmp_path: Path, fake) -> Path:
    for number in range(3):
        records = [
            {
                "text": f"story {number} {n} of a fox that went out to see what the others had seen " * 6,
                "meta": {"redpajama_set_name": "RedPajamaGithub" if n == 0 else "RedPajamaC4"},
            }
            for n in range(20)
        ]
        fake.files[f"data/{number}.jsonl"] = "".join(json.dumps(r) + "\n" for r in records).encode()
    (tmp_path / "hubbed.yaml").write_text(CORPUS)
    return tmp_path


def build(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leaven.cli", "corpus", "build", "hubbed.yaml", "--runs", "runs", "--json"]
    return subprocess.run(command, cwd=folder, env={**os.environ, **more}, capture_output=True, text=True, check=False)


def test_a_source_of_the_hub_is_streamed_by_its_step(folder: Path, fake) -> None:
    done = build(folder)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["sources"]["text"]
    assert told["train"]["documents"] + told["heldout"]["documents"] == 57
    assert fake.served
    again = len(fake.served)
    assert build(folder).returncode == 0
    assert len(fake.served) == again


def test_offline_without_a_snapshot_it_is_refused(folder: Path) -> None:
    done = build(folder, HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert "people/stories" in done.stderr
    assert "Traceback" not in done.stderr
