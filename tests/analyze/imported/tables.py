"""Tables of runs whose truth is known, and the verdict on them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leaven.analyze.imported.bring import Verdict, bring
from leaven.analyze.imported.mapping import Mapping as MappingFile
from leaven.analyze.imported.take import take

TRUTH = {"no-code": (1.000, 0.60), "code-25": (0.950, 0.602), "code-90": (1.080, 0.50)}
"""Bits per byte and accuracy of each variant."""


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def long_rows(seeds: int = 5, *, noise: float = 0.002, se: bool = False) -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    rows = []
    for seed in range(1, seeds + 1):
        shared = rng.normal(0, noise)
        for variant, (bpb, accuracy) in TRUTH.items():
            for metric, level in (("val_bpb", bpb), ("acc", accuracy)):
                value = level * (1 + shared + rng.normal(0, noise))
                rows.append(
                    {"variant": variant, "seed": seed, "metric": metric, "value": round(value, 6)}
                    | ({"stderr": 0.01 if metric == "acc" else 0.002} if se else {})
                )
    return rows


def judge(*paths: Path, **mapping: Any) -> Verdict:
    """The verdict on files under a mapping."""
    taken = take(paths, MappingFile.model_validate(mapping))
    return bring(taken.readings, taken.mapping)


def verdicts(made: Verdict) -> dict[tuple[str, str], str]:
    return {(row["variant"], row["measure"]): row["verdict"] for row in made.data["comparisons"]}
