"""Shards folders made of numbers, so that a test can tell every token's source and place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from leaven.ground.files import write_json
from leaven.mixture.shard import Shard


def write_shards(folder: Path, source: str, tokens: np.ndarray, ends: list[int]) -> Path:
    """A shards folder whose train split is `tokens` and whose held-out split is empty."""
    folder.mkdir(parents=True)
    tokens.astype(tokens.dtype.newbyteorder("<")).tofile(folder / "train.bin")
    np.array(ends, "<u8").tofile(folder / "train.idx")
    (folder / "heldout.bin").touch()
    (folder / "heldout.idx").touch()
    splits = {
        "train": {"tokens": len(tokens), "documents": len(ends), "bytes": 3 * len(tokens)},
        "heldout": {"tokens": 0, "documents": 0, "bytes": 0},
    }
    write_json(folder / "shards.json", {"source": source, "dtype": tokens.dtype.name, "splits": splits})
    return folder


@pytest.fixture
def shard(tmp_path) -> Callable[..., Shard]:
    """`shard("text", 1000, first=0)`: the train split with tokens first, first + 1, …"""

    def make(source: str, tokens: int, first: int = 0, dtype: str = "uint16") -> Shard:
        numbers = np.arange(first, first + tokens).astype(dtype)
        return Shard.open(write_shards(tmp_path / source, source, numbers, [tokens]), "train")

    return make
