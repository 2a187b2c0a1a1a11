"""Which document a token of the shards is from, and the text around it as a model sees it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from leaven.corpus.look.steps import Steps
from leaven.corpus.provenance import which
from leaven.corpus.tokenizer import Tokenizer
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json

AROUND = 60
"""Tokens of the same document that are shown on either side."""


def at_token(steps: Steps, split: str, token: int) -> dict[str, Any]:
    """The origin of one token of a source's shards.

    Returns:
        The fields of `provenance.Origin`, and `token` (its number), `place` (in its document), `id_of_token`, `before`,
        `here` and `after`: decoded text of the same document. The end of text is shown as nothing.

    Raises:
        BadInput: no such split, or the shard has not so many tokens.
    """
    if steps.shards is None or steps.tokenizer is None:
        raise ValueError(f"source {steps.name} has no shards")
    told = read_json(steps.shards / "shards.json")
    if split not in told["splits"]:
        raise BadInput(f'no split "{split}"', field="--split", fix=f"Splits: {', '.join(told['splits'])}.")
    tokens = told["splits"][split]["tokens"]
    if not 0 <= token < tokens:
        raise BadInput(f"{split} of source {steps.name} has tokens 0 to {tokens - 1:,}", field="--token")
    origin = which(steps.shards, split, token, token + 1)[0]
    ids = np.memmap(steps.shards / f"{split}.bin", np.dtype(told["dtype"]).newbyteorder("<"), mode="r")
    tokenizer = Tokenizer.load(steps.tokenizer / "tokenizer.json")

    def text(first: int, end: int) -> str:
        kept = ids[max(first, origin.first) : min(end, origin.end)].tolist()
        return tokenizer.decode([number for number in kept if number != tokenizer.eot])

    return {
        **asdict(origin),
        "split": split,
        "token": token,
        "place": token - origin.first,
        "id_of_token": int(ids[token]),
        "before": text(token - AROUND, token),
        "here": text(token, token + 1),
        "after": text(token + 1, token + 1 + AROUND),
    }
