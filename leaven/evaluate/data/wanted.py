"""What a task asks for, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wanted:
    """What a task needs, in lm-eval's own terms.

    Args:
        task: the suite's name of the task.
        dataset: hub id; None where the task's file has local data of its own.
        config: lm-eval's `dataset_name`.
        split: the split that is scored.
        also: other names of the same task that a mapping may have it under.
    """

    task: str
    dataset: str | None
    config: str | None
    split: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A task's documents.

    Args:
        rows: in the fields that the task's lm-eval template expects.
        sha256: of the bytes they were read from; of several files, of the sorted list of their hashes.
        origin: {"file" or "dataset", "config", "split", "revision", "rows", "layout", "cut", "licence", "source",
        "notes"}; no paths of this computer.
        overrides: fields of lm-eval's task that must change for these rows; None takes one away.
    """

    rows: tuple[dict[str, Any], ...]
    sha256: str
    origin: dict[str, Any]
    overrides: dict[str, Any]


@dataclass(frozen=True)
class Missing:
    """Nothing was found.

    Args:
        reason: one sentence: what was looked for where.
        fix: where one gets it.
    """

    reason: str
    fix: str
