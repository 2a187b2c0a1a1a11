"""Folders of completions, and the built-in templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from leaven.judge.template import Template, template_of
from leaven.study.templates import FOLDER


@pytest.fixture
def complete_step(tmp_path) -> Callable[..., Path]:
    """`complete_step("a", {"1": "text"}, degenerate={"1"}, more={"1": {"category": "qa"}})`: the folder of a complete
    step."""

    def write(
        name: str,
        texts: Mapping[str, str],
        degenerate: frozenset[str] | set[str] = frozenset(),
        more: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        rows = [
            {"id": id, "prompt": f"prompt {id}", "completion": text, "degenerate": id in degenerate}
            | dict((more or {}).get(id, {}))
            for id, text in texts.items()
        ]
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / "completions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    return write


def _built_in(name: str) -> Template:
    return template_of(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def paper() -> Template:
    return _built_in("paper")


@pytest.fixture(scope="session")
def ties() -> Template:
    return _built_in("ties")
