"""Which files of its inputs a step reads, where it does not read them all.

A stage leaves the weights and twice as much of moments of the optimizer; only the stages that go on from it read those,
and a verdict reads neither. Where results lie elsewhere, no more is fetched than is read.
"""

from __future__ import annotations

from pathlib import Path

from leaven.engine.store import Store

MODEL = ("model.safetensors", "stage.json")
NEEDED: dict[tuple[str, str], tuple[str, ...]] = {
    ("evaluate", "stage"): MODEL,
    ("complete", "stage"): MODEL,
    ("judge", "reference"): MODEL,
    ("verdict", "stage"): ("stage.json", "curve.parquet"),
    ("verdict", "shards"): ("shards.json",),
}
"""(kind of the step, role of the input up to its first `:` or `@`) → files."""


def folder_of(store: Store, kind: str, role: str, parent: str) -> Path:
    """The folder of an input as a step of this kind reads it."""
    names = NEEDED.get((kind, role.partition(":")[0].partition("@")[0]))
    return store.folder(parent) if names is None else store.part(parent, names)
