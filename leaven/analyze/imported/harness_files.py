"""Results files of lm-eval as they lie on disk: whose results they are, and what each says of a task.

Read in the source of lm-eval 0.4.13: `loggers/evaluation_tracker.py`, `result_schema.py`, `evaluator.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 1 << 29
"""Bytes of a results file; samples have no limit."""
HUGE = 10**300
"""From here on a whole number may be no floating-point number."""
NONE = "none"


@dataclass(frozen=True)
class Result:
    """One results file."""

    path: Path
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def model(self) -> str:
        """The model's name, with what tells two checkpoints of one repository apart: `org/model@step1000`."""
        config = self.content.get("config")
        config = config if isinstance(config, dict) else {}
        named = self.content.get("model_name")
        if not named:
            return str(config.get("model_args") or config.get("model") or self.path.parent.name)
        given = _arguments(config.get("model_args"))
        inside = "".join(f"/{given[key]}" for key in ("subfolder", "peft") if given.get(key))
        revision = given.get("revision") or ""
        return f"{named}{inside}{f'@{revision}' if revision not in ('', 'main', 'None') else ''}"

    @property
    def time(self) -> str:
        return self.path.stem.rpartition("_")[2]

    def part(self, key: str, task: str) -> Any:
        found = self.content.get(key)
        return found.get(task) if isinstance(found, dict) else None

    def effective(self, task: str) -> Any:
        """Items of a task that were asked."""
        counts = self.part("n-samples", task)
        return counts.get("effective") if isinstance(counts, dict) else None

    def samples(self, task: str) -> Path:
        return self.path.with_name(f"samples_{task}_{self.time}.jsonl")


def _arguments(given: Any) -> dict[str, str]:
    """Arguments of a model, which lm-eval keeps as a mapping or as `pretrained=…,revision=…`."""
    if isinstance(given, dict):
        return {str(key): str(value) for key, value in given.items() if value is not None}
    pairs = (part.partition("=") for part in str(given or "").split(","))
    return {key.strip(): value.strip() for key, _, value in pairs}


def results_in(path: Path) -> list[Result]:
    """Results of lm-eval in a folder and those below it, or the file if it is one."""
    if path.is_dir():
        found = [each for each in sorted(path.rglob("*.json")) if each.name.startswith("results")]
    else:
        found = [path] if path.suffix == ".json" else []
    return [Result(each, content) for each in found if (content := _content(each)) is not None]


def _content(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > LARGEST:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        return None
    return content if all(isinstance(row, dict) for row in content["results"].values()) else None
