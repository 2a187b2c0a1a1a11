"""Folders of completions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest


@pytest.fixture
def complete_step(tmp_path) -> Callable[..., Path]:
    """`complete_step("a", {"1": "text"}, degenerate={"1"})`: the folder of a complete step."""

    def write(name: str, texts: Mapping[str, str], degenerate: frozenset[str] | set[str] = frozenset()) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        rows = [
            {"id": id, "prompt": f"prompt {id}", "completion": text, "degenerate": id in degenerate}
            for id, text in texts.items()
        ]
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / "completions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    return write
