"""Folders of results as lm-eval writes them, and the published tables."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

Results = Callable[..., Path]


@pytest.fixture
def harness(tmp_path: Path) -> Results:
    """A folder of lm-eval's results: {model: {task: items [I]}}, with samples unless told otherwise."""

    def made(
        models: Mapping[str, Mapping[str, np.ndarray]], *, samples: bool = True, time: str = "2026-01-02T03-04-05.6"
    ) -> Path:
        for model, tasks in models.items():
            folder = tmp_path / "results" / model.replace("/", "__")
            folder.mkdir(parents=True, exist_ok=True)
            results = {}
            for task, items in tasks.items():
                mean = float(items.mean())
                error = float(items.std(ddof=1) / np.sqrt(len(items)))
                results[task] = {"alias": task, "acc,none": mean, "acc_stderr,none": error, "sample_len": len(items)}
                if samples:
                    lines = [
                        json.dumps(
                            {"doc_id": i, "doc": {"q": f"{task} {i}"}, "filter": "none", "metrics": ["acc"]}
                            | {"doc_hash": f"{task}{i:08d}hash", "acc": float(value)}
                        )
                        for i, value in enumerate(items)
                    ]
                    (folder / f"samples_{task}_{time}.jsonl").write_text("\n".join(lines) + "\n")
            content = {
                "results": results,
                "n-shot": dict.fromkeys(tasks, 0),
                "versions": dict.fromkeys(tasks, 1.0),
                "higher_is_better": {task: {"acc": True} for task in tasks},
                "n-samples": {task: {"original": len(v), "effective": len(v)} for task, v in tasks.items()},
                "config": {"model": "hf", "model_args": f"pretrained={model}"},
                "model_name": model,
            }
            (folder / f"results_{time}.json").write_text(json.dumps(content))
        return tmp_path / "results"

    return made


@pytest.fixture(scope="session")
def published() -> Path:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "published"
    if not folder.is_dir():
        pytest.skip("no published results: published is not beside the checkout and LEAVEN_SHARED does not name it")
    return folder
