"""The GPU benchmark goes through all its motions on a processor, tiny; its searches, on rows that are made up."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "training"
SPEED = {
    "attention": "cudnn",
    "remat": "none",
    "accumulate": 8,
    "tile": 8192,
    "batch": 64,
    "tokens_per_second": 1000.0,
    "slowest": 900.0,
    "fastest": 1100.0,
    "mfu": 0.5,
    "program_bytes": 10**9,
    "peak_bytes": 10**9,
    "compile_seconds": 3.0,
    "input_wait": 0.0,
    "flops_formula": "a",
    "flops_numbers": "1",
    "flops_per_token": 1.0,
}


@pytest.fixture
def h200(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("h200")


def notebook(h200: Any, path: Path, minutes: float = 9.0) -> Any:
    return h200.Notebook(path, time.monotonic() + 60 * minutes)


def option(words: list[str], name: str) -> str | None:
    return words[words.index(f"--{name}") + 1] if f"--{name}" in words else None


def given(words: list[str]) -> dict[str, Any]:
    """A made-up row: micro-batches of four are fastest and of 16 do not fit; tiles of 4096 help, `blocked` does not."""
    micro = int(option(words, "batch") or 0) // int(option(words, "accumulate") or 8)
    if micro == 16:
        return {"command": " ".join(words), "failed": "leaven: 64 sequences do not fit\n  Try less."}
    attention, tile = option(words, "attention") or "cudnn", int(option(words, "tile") or 8192)
    rate = 1000.0 + 100 * (micro == 4) + 10 * (tile == 4096) - 500 * (attention == "blocked")
    found = {"remat": option(words, "remat") or "none", "batch": int(option(words, "batch") or 0)}
    chosen = {"attention": attention, "tile": tile, "accumulate": int(option(words, "accumulate") or 8)}
    return {"command": " ".join(words), "speed": {**SPEED, **found, **chosen, "tokens_per_second": rate}}


def test_the_search_goes_on_from_the_best_and_over_what_does_not_fit(
    h200: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(h200, "bench", lambda words: asked.append(words) or given(words))
    book = notebook(h200, tmp_path / "mfu.json")
    h200.mfu(book, argparse.Namespace(dry=False, sizes="470m", full=True, out=tmp_path))
    assert asked[0] == ["bench", "470m", "--batch", "64", "--calls", "3", "--json"]
    ways = [(int(option(words, "accumulate") or 0), option(words, "remat")) for words in asked[1:5]]
    assert ways == [(8, "none"), (4, "none"), (16, "none"), (4, "block")]
    assert [option(words, "tile") for words in asked[5:7]] == ["4096", "16384"]
    assert all(option(words, "accumulate") == "16" for words in asked[5:7])
    alone, blocked, full = asked[7:]
    assert (option(alone, "batch"), option(alone, "accumulate"), option(alone, "tile")) == ("4", "1", "4096")
    assert (option(blocked, "attention"), option(blocked, "tile")) == ("blocked", "4096")
    assert (option(full, "batch"), option(full, "accumulate"), option(full, "calls")) == ("512", "128", "1")
    kept = json.loads((tmp_path / "mfu.json").read_text())["rows"]
    assert [row["size"] for row in kept] == ["470m"] * len(asked)
    assert sum("failed" in row for row in kept) == 2
    # Another size, later, leaves these rows; and what there was no time for is listed.
    book = notebook(h200, tmp_path / "mfu.json", minutes=-1)
    h200.mfu(book, argparse.Namespace(dry=False, sizes="2.8b", full=False, out=tmp_path))
    kept = json.loads((tmp_path / "mfu.json").read_text())["rows"]
    assert [row["size"] for row in kept[: len(asked)]] == ["470m"] * len(asked)
    assert {row["failed"] for row in kept if row["size"] == "2.8b"} == {"not reached"}
    lines = h200.report(tmp_path)
    assert any("| 1,110 (900–1,100) | 50.0% |" in line for line in lines)
    assert any("64 sequences do not fit |" in line for line in lines)
    columns = {line.count("|") for line in lines if line.startswith("|") and "remat" not in line}
    assert len(columns) == 1


def test_a_row_says_why_it_failed(h200: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = argparse.Namespace(returncode=2, stdout="", stderr="leaven: it does not fit\n  Try less.\n")
    monkeypatch.setattr(h200.subprocess, "run", lambda *_, **__: said)
    assert h200.bench(["bench", "1m"]) == {"command": "leaven bench 1m", "failed": said.stderr.strip()}
    said = argparse.Namespace(returncode=0, stdout=json.dumps({**SPEED, "kernels": ["__cublas$gemm"]}), stderr="")
    assert "no call of cuDNN's attention" in h200.bench(["bench", "1m"])["failed"]
    said.stdout = json.dumps({**SPEED, "kernels": ["__cudnn$fmhaSoftmax"]})
    assert h200.bench(["bench", "1m"])["speed"]["attention"] == "cudnn"

    def late(*_: Any, **__: Any) -> Any:
        raise subprocess.TimeoutExpired("leaven", 1)

    monkeypatch.setattr(h200.subprocess, "run", late)
    assert "longer than" in h200.bench(["bench", "1m"])["failed"]


def test_packs_are_compared_in_turns_as_they_are_fastest(
    h200: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def measured(wanted: Any) -> dict[str, Any]:
        asked.append(wanted)
        if wanted.models == 128:
            return {"failed": "it does not fit\n  Try less."}
        rate = 100.0 * wanted.models * (2 if wanted.fixed.get("tile") == 1024 else 1)
        tile = wanted.fixed.get("tile", 128)
        return {"speed": {**SPEED, "attention": "blocked", "tile": tile, "tokens_per_second": rate}}

    monkeypatch.setattr(h200, "_measured", measured)
    monkeypatch.setattr("leaven.train.wanted._check_memory", lambda *_: None)
    h200.packs(notebook(h200, tmp_path / "packs.json"), argparse.Namespace(dry=False))
    turns = [one.models for one in asked if one.precision == "float32"]
    assert turns[:5] == [1, 1, 64, 64, 64]
    assert turns[5:9] == [1, 64, 1, 64]
    assert {one.fixed["tile"] for one in asked if one.models == 32} == {1024}
    lines = h200.report(tmp_path)
    assert any("| float32 | 64 | 12,800 | 100 | 128.0 |" in line for line in lines)
    assert any("| float32 | 128 | it does not fit |" in line for line in lines)


def test_its_checks_hold_here(h200: Any, tmp_path: Path) -> None:
    h200.checks(notebook(h200, tmp_path / "checks.json"), argparse.Namespace(dry=True))
    kept = json.loads((tmp_path / "checks.json").read_text())["rows"]
    assert len(kept) == 12
    assert all(row["ok"] for row in kept)
    assert sum("gradients" in row["check"] for row in kept) == 4


def test_without_an_accelerator_it_says_so(
    h200: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    monkeypatch.setattr("sys.argv", ["h200.py", str(tmp_path)])
    for found in ("cpu", ""):
        monkeypatch.setattr(h200, "_platform", lambda found=found: found)
        assert h200.main() == 2
        assert "no accelerator" in capsys.readouterr().err


@pytest.mark.long
def test_the_whole_command(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "h200.py"), str(tmp_path), "--dry"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "h200.md").read_text()
    assert all(title in page for title in ("## Checks", "## MFU", "## Models in one program"))
    for section in ("mfu", "packs"):
        assert all("speed" in row for row in json.loads((tmp_path / f"{section}.json").read_text())["rows"])
