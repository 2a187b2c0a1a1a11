"""A toy corpus on disk: two sources of short phrases over a byte-level vocabulary, and a tokenizer file for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leaven.ground.files import write_json
from leaven.model.config import ModelConfig
from leaven.train.stage import StagePlan

VOCAB = 24
MODEL = ModelConfig(width=16, layers=2, heads=2, ffn=24, vocab=VOCAB, sequence=16)


def write_source(folder: Path, name: str, first: int, documents: int) -> None:
    """Documents that count upwards in steps of `first`: easy to learn, different by source."""
    draw = np.random.default_rng(first)
    folder.mkdir(parents=True)
    splits = {}
    for split, count in (("train", documents), ("heldout", documents // 4)):
        texts = [
            np.append(1 + (draw.integers(0, VOCAB - 1) + first * np.arange(draw.integers(5, 40))) % (VOCAB - 1), 0)
            for _ in range(count)
        ]
        tokens = np.concatenate(texts).astype("<u2")
        tokens.tofile(folder / f"{split}.bin")
        np.cumsum([len(text) for text in texts]).astype("<u8").tofile(folder / f"{split}.idx")
        splits[split] = {"tokens": len(tokens), "documents": count, "bytes": 2 * (len(tokens) - count)}
    write_json(folder / "shards.json", {"source": name, "dtype": "uint16", "splits": splits})


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `text`, `code` (shards) and `tokenizer`; every token but the end has two bytes."""
    folder = tmp_path_factory.mktemp("corpus")
    write_source(folder / "text", "text", 1, 200)
    write_source(folder / "code", "code", 5, 200)
    (folder / "tokenizer").mkdir()
    vocabulary = {"<|endoftext|>": 0, **{f"{chr(97 + i)}Ġ": i for i in range(1, VOCAB)}}
    write_json(
        folder / "tokenizer" / "tokenizer.json",
        {
            "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
            "decoder": {"type": "ByteLevel"},
            "added_tokens": [{"id": 0, "content": "<|endoftext|>"}],
        },
    )
    return folder


@pytest.fixture
def plan(corpus: Path) -> Callable[..., StagePlan]:
    """`plan(steps=30, …)`: a small stage on the toy corpus."""

    def make(**fields: Any) -> StagePlan:
        usual = {
            "model": MODEL,
            "seed": 1,
            "kind": "pretrain",
            "mixture": {"text": 0.75, "code": 0.25},
            "shards": {"text": corpus / "text", "code": corpus / "code"},
            "steps": 30,
            "batch": 4,
            "sequence": 16,
            "schedule": {"kind": "cosine", "peak": 1e-2, "final": 1e-3, "warmup": 3},
            "validation": {"text": 5, "code": 5},
            "eval_every": 7,
            "tokenizer": corpus / "tokenizer",
        }
        return StagePlan(**{**usual, **fields})

    return make
