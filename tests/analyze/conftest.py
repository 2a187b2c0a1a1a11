"""Evaluation and judgement folders made of numbers, in the shape the evaluate and judge steps write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from leaven.ground.tables import write_table

ITEMS = pa.schema(
    {"task": pa.string(), "item": pa.string(), "measure": pa.string(), "value": pa.float64(), "group": pa.string()}
)
VOTES = pa.schema(
    {"id": pa.string(), "prompt": pa.string(), "outcome": pa.string()}
    | {"degenerate_a": pa.bool_(), "degenerate_b": pa.bool_()}
)


def write_evaluation(
    folder: Path,
    values: Mapping[tuple[str, str], np.ndarray],
    *,
    groups: Mapping[str, list[str]] | None = None,
    scores: Mapping[str, Any] | None = None,
    items: Mapping[str, list[str]] | None = None,
) -> Path:
    """`values`: (task, measure) -> [I]. Items are named 000, 001, … unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[Any]] = {name: [] for name in ITEMS.names}
    for (task, measure), column in values.items():
        names = (items or {}).get(task) or [f"{i:05d}" for i in range(len(column))]
        rows["task"] += [task] * len(column)
        rows["item"] += names
        rows["measure"] += [measure] * len(column)
        rows["value"] += [float(value) for value in column]
        rows["group"] += (groups or {}).get(task) or [""] * len(column)
    write_table(folder / "items.parquet", rows, ITEMS)
    (folder / "scores.json").write_text(json.dumps(scores or {}))
    return folder


def write_votes(folder: Path, outcomes: list[str], flips: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    n = len(outcomes)
    columns = {
        "id": [f"{i:04d}" for i in range(n)],
        "prompt": ["say"] * n,
        "outcome": outcomes,
        "degenerate_a": [i == 0 for i in range(n)],
        "degenerate_b": [False] * n,
    }
    write_table(folder / "votes.parquet", columns, VOTES)
    (folder / "judge.json").write_text(json.dumps({"judge": "coin", "what": "A coin.", "flips": flips}))
    return folder


STUDY = {
    # (mean bits-per-byte of prose, of code, accuracy of facts, of boolean)
    "text-only": (2.23, 2.89, 0.60, 0.50),
    "balanced→text": (2.23, 1.70, 0.42, 0.51),
    "code→text": (2.40, 1.66, 0.40, 0.52),
}
MEASURES = [
    {"name": "prose bits-per-byte", "tasks": ["bpb_text"], "statistic": "bits_per_byte", "better": "lower"}
    | {"effect": "relative", "margin": 1.0, "primary": True},
    {"name": "code bits-per-byte", "tasks": ["bpb_code"], "statistic": "bits_per_byte", "better": "lower"}
    | {"effect": "relative", "margin": 1.0, "primary": True},
    {"name": "fact recall", "tasks": ["facts"], "statistic": "accuracy", "better": "higher"}
    | {"effect": "points", "margin": 5.0, "primary": True},
    {"name": "reasoning probes", "tasks": ["boolean", "programs"], "statistic": "accuracy", "better": "higher"}
    | {"effect": "points", "margin": 5.0, "primary": False},
]


def synthetic_study(root: Path, seeds: int = 5, items: int = 240) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """A study whose truth is STUDY: seed sd 0.2 % of bits-per-byte, items paired, groups of four documents."""
    rng = np.random.default_rng(7)
    sizes = rng.integers(500, 3000, size=items).astype(float)
    hard = rng.normal(1, 0.15, size=items).clip(0.5)
    ease = rng.normal(0, 0.15, size=(2, items))
    groups = [f"g{i // 4}" for i in range(items)]
    evaluations, judgements = [], []
    for s in range(seeds):
        shared = rng.normal(0, 0.01)
        for variant, (prose, code, facts, boolean) in STUDY.items():
            own = 1 + shared + rng.normal(0, 0.002)
            values = {}
            for task, level in (("bpb_text", prose), ("bpb_code", code)):
                values[task, "bits"] = level * own * hard * sizes * (1 + rng.normal(0, 0.002, items))
                values[task, "bytes"] = sizes
            for row, (task, level) in enumerate((("facts", facts), ("boolean", boolean))):
                chance = (level + (ease[row] if task == "facts" else 0)).clip(0, 1) if task == "facts" else level
                values[task, "correct"] = (rng.random(items) < chance).astype(float)
            scores = {
                "facts": {"chance": 0.25, "constant": 0.25, "majority": 0.26},
                "boolean": {"chance": 0.5, "constant": None, "majority": 0.5},
                "programs": {"left_out": "nothing here isolates model-written programs"},
            }
            for point in ("final", "before cooldown"):
                folder = write_evaluation(
                    root / f"{variant}-{s}-{point}",
                    values,
                    groups={"bpb_text": groups, "bpb_code": groups},
                    scores=scores,
                )
                evaluations.append({"variant": variant, "seed": s, "point": point, "folder": folder})
            if variant != "text-only":
                outcomes = rng.choice(["win", "lose", "tie", "error"], p=[0.3, 0.2, 0.45, 0.05], size=60)
                folder = write_votes(root / f"votes-{variant}-{s}", [str(o) for o in outcomes], flips=3)
                judgements.append({"variant": variant, "baseline": "text-only", "seed": s, "folder": folder})
    request = {
        "study": "pocket",
        "question": "Does a little code leaven a small language model?",
        "baseline": "text-only",
        "variants": list(STUDY),
        "seeds": list(range(seeds)),
        "measures": MEASURES,
        "alpha": 0.05,
        "draws": 200,
        "seed": 0,
        "proxy": True,
    }
    return request, evaluations, judgements


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[Any], list[Any]]:
    return synthetic_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def evaluation_writer() -> Any:
    return write_evaluation


@pytest.fixture(scope="session")
def votes_writer() -> Any:
    return write_votes
