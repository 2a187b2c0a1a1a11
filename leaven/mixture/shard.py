"""The tokens of one source as a memory map, read in windows.

A shards folder holds, for each split, `SPLIT.bin` (flat little-endian token ids, each document followed by
the end token) and `SPLIT.idx` (u64 end of each document, in tokens), and one `shards.json`. Nothing in them
knows a sequence length. Row r for sequence length T is the window [rT, rT + T + 1): T inputs and, one
further, T targets. So rows share only the token at their border, and every token but the first is a target
exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json

DTYPES = {"uint16": "<u2", "uint32": "<u4"}


@dataclass(frozen=True)
class Shard:
    """One split of one source: `tokens` u16|u32 [tokens], `ends` u64 [documents], both memory maps.

    `bytes` is the length of the split's text in UTF-8, without end tokens.
    """

    source: str
    split: str
    tokens: npt.NDArray[Any]
    ends: npt.NDArray[np.uint64]
    bytes: int

    @staticmethod
    def open(folder: Path, split: str) -> Shard:
        """Open a shards folder. Raises LeavenError where a file is missing, damaged or of a wrong length."""
        try:
            about = read_json(folder / "shards.json")
            counts = about["splits"][split]
            dtype = DTYPES[about["dtype"]]
            tokens = _map(folder / f"{split}.bin", dtype, counts["tokens"])
            ends = _map(folder / f"{split}.idx", "<u8", counts["documents"])
            return Shard(about["source"], split, tokens, ends, counts["bytes"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise LeavenError(f"cannot read the {split} tokens in {folder.name}\n  {reason}") from error

    def rows(self, sequence: int) -> int:
        """How many windows of `sequence` targets the split holds."""
        return max(0, (len(self.tokens) - 1) // sequence)

    def windows(self, rows: npt.NDArray[np.int64], sequence: int) -> npt.NDArray[Any]:
        """Copies of the windows `rows` i64[n]: tokens u16|u32 [n, sequence + 1]. Raises IndexError beyond."""
        total = self.rows(sequence)
        if len(rows) and (rows.min() < 0 or rows.max() >= total):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of {total} in {self.source}")
        return self.overlapping(sequence)[rows]

    def overlapping(self, sequence: int) -> npt.NDArray[Any]:
        """All windows [rows, sequence + 1] as a read-only view: nothing is copied, neighbours share a token."""
        step = self.tokens.strides[0]
        shape, strides = (self.rows(sequence), sequence + 1), (sequence * step, step)
        return np.lib.stride_tricks.as_strided(self.tokens, shape, strides, writeable=False)


def _map(path: Path, dtype: str, count: int) -> npt.NDArray[Any]:
    expected = count * np.dtype(dtype).itemsize
    if path.stat().st_size != expected:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, its shards.json says {expected}")
    # An empty file cannot be mapped.
    return np.asarray(np.memmap(path, dtype, "r", shape=(count,))) if count else np.empty(0, dtype)
