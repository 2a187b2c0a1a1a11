"""A corpus of several parts, killed at random moments and continued, has the bytes of one that was left alone."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CORPUS = """\
corpus: large
sources:
  text: {kind: text, path: docs, max: 1GB, rules: [gopher]}
decontaminate: {probe: probe.jsonl}
tokenizer: {vocabulary: 600, sample: 300KB}
"""


def make(folder: Path) -> None:
    """70 MB in twelve files, with exact and near copies."""
    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(4000)]
    (folder / "docs").mkdir()
    texts: list[str] = []
    for number in range(12):
        with (folder / "docs" / f"{number:02}.jsonl").open("w") as sink:
            for _ in range(1200):
                if texts and draw.random() < 0.1:
                    text = draw.choice(texts) + draw.choice(["", " and a few words more"])
                else:
                    text = " ".join(draw.choices(words, k=800))
                    texts.append(text)
                sink.write(json.dumps({"text": text}) + "\n")
    (folder / "probe.jsonl").write_text(json.dumps({"text": " ".join(texts[5].split()[:30])}) + "\n")
    (folder / "large.yaml").write_text(CORPUS)


def build(folder: Path, runs: str, jobs: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "leaven.cli", "corpus", "build", "large.yaml", "--runs", runs, "--jobs", jobs]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)


def listing(folder: Path) -> dict[str, str]:
    """Hashes of every result; manifests hold times, reports of nothing but what was found."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "store" / "steps").rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.mark.long
def test_killed_and_continued_with_another_number_of_workers(tmp_path: Path) -> None:
    make(tmp_path)
    begun = time.monotonic()
    assert build(tmp_path, "whole", "1").wait() == 0
    whole = time.monotonic() - begun
    expected = listing(tmp_path / "whole")
    assert len(expected) > 10
    draw = random.Random(11)
    for _ in range(6):
        process = build(tmp_path, "killed", draw.choice(["1", "2"]))
        time.sleep(draw.uniform(0.1, 0.6) * whole)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert build(tmp_path, "killed", "2").wait() == 0
    assert listing(tmp_path / "killed") == expected
