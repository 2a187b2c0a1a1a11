"""Bits per byte on a fixed few held-out windows of each source, measured while a stage trains.

Convention: the windows are the first rows of the held-out split (its documents are in keyed-hash order, so a prefix
is a fair sample). bits per byte = Σ −log2 p(token | its window so far) / Σ bytes of the token, over every token of a
window but its first, in float64. The end-of-document token has no bytes; its bits are not counted either. The bytes
of a byte-level token are known exactly, so no ratio of averages enters. These numbers follow a training; verdicts
come from whole documents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from leaven.ground.errors import BadInput
from leaven.ground.files import read_json
from leaven.mixture.shard import Shard
from leaven.model.config import ModelConfig
from leaven.model.execution import HERE, Execution
from leaven.model.init import Params
from leaven.model.loss import token_log_likelihoods
from leaven.train.mesh import batch_of

WINDOWS = 32
"""Short windows of one compiled call; fewer are filled up with zeros."""


@dataclass(frozen=True)
class Windows:
    """Tokens i32 [n, T + 1] of one source, and the bytes i64 [n, T] of each target."""

    tokens: npt.NDArray[np.int32]
    bytes: npt.NDArray[np.int64]


def token_bytes(tokenizer: Path) -> npt.NDArray[np.int64]:
    """Bytes of every token id of a byte-level BPE `tokenizer.json`: one character of its alphabet is one byte.

    Added tokens such as the end of a document have none. Raises BadInput for any other kind of tokenizer.
    """
    data = read_json(tokenizer / "tokenizer.json")
    if data["model"]["type"] != "BPE" or (data.get("decoder") or {}).get("type") != "ByteLevel":
        raise BadInput("bytes per token are known for byte-level BPE only", field="tokenizer")
    vocabulary: dict[str, int] = data["model"]["vocab"]
    added = {token["id"] for token in data.get("added_tokens", ())}
    lengths = np.zeros(max([*vocabulary.values(), *added]) + 1, np.int64)
    for text, token in vocabulary.items():
        lengths[token] = 0 if token in added else len(text)
    return lengths


def load_windows(folder: Path, rows: int, sequence: int, lengths: npt.NDArray[np.int64]) -> Windows | None:
    """The first `rows` held-out windows of a shards folder; None where it holds not one."""
    shard = Shard.open(folder, "heldout")
    count = min(rows, shard.rows(sequence))
    if count == 0:
        return None
    tokens = shard.windows(np.arange(count, dtype=np.int64), sequence).astype(np.int32)
    return Windows(tokens, lengths[tokens[:, 1:]])


@partial(jax.jit, static_argnums=(1, 2, 3))
def _scores(params: Params, config: ModelConfig, how: Execution, end: int | None, tokens_BT: Any) -> jax.Array:
    return how.place(token_log_likelihoods(params, config, tokens_BT, how, end), None, None)


def rows_at_once(sequence: int, how: Execution) -> int:
    """Windows of one compiled call, the same number for each device: about 32 short ones, long ones one by one."""
    short = max(1, WINDOWS // how.data_parts)
    return how.data_parts * (short if sequence <= 1024 else 1)


def bits_per_byte(
    params: Params,
    config: ModelConfig,
    validation: Mapping[str, Windows | None],
    how: Execution = HERE,
    end: int | None = None,
) -> dict[str, float | None]:
    """source → bits per byte; None where a source has no window. `end`: documents are masked as in training."""
    return {name: _one(params, config, windows, how, end) for name, windows in validation.items()}


def _one(params: Params, config: ModelConfig, windows: Windows | None, how: Execution, end: int | None) -> float | None:
    if windows is None:
        return None
    nats = 0.0
    count = rows_at_once(windows.tokens.shape[1] - 1, how)
    for start in range(0, len(windows.tokens), count):
        lengths = windows.bytes[start : start + count]
        tokens = np.zeros((count, windows.tokens.shape[1]), np.int32)
        tokens[: len(lengths)] = windows.tokens[start : start + count]
        scores = np.asarray(_scores(params, config, how, end, batch_of(tokens, how)), np.float64)[: len(lengths)]
        nats -= float(scores[lengths > 0].sum())
    return nats / math.log(2) / float(windows.bytes.sum())
