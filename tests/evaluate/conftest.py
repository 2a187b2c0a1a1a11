"""A tokenizer of bytes, a tiny random model, and a corpus of a few hundred short documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from leaven.corpus import facts, synthetic
from leaven.corpus.document import Document, write_documents
from leaven.evaluate.made import SuitePlan
from leaven.evaluate.subject import Subject
from leaven.evaluate.suite import build_suite
from leaven.model.config import ModelConfig
from leaven.model.init import init

SEQUENCE = 64
WORDS = [first + middle + last for first in "bdfglmprst" for middle in ("a", "e", "o", "ai") for last in "nrstlk"]


@dataclass(frozen=True)
class Bytes:
    """Token = byte; 0 (which no text here holds) ends a text, so the vocabulary is exactly 256."""

    eot: int = 0
    size: int = 256

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids) -> str:
        return bytes(ids).decode(errors="replace")


@pytest.fixture(scope="session")
def subject() -> Subject:
    config = ModelConfig(width=16, layers=1, heads=2, ffn=32, vocab=256, sequence=SEQUENCE)
    return Subject(init(config, 0), config, Bytes())


@pytest.fixture(scope="session")
def uniform(subject) -> Subject:
    """Every token equally likely everywhere."""
    params = {**subject.params, "embedding": subject.params["embedding"] * 0}
    return Subject(params, subject.config, subject.tokenizer)


def prose(draw: np.random.Generator, words: int) -> str:
    chosen = [WORDS[i] for i in draw.integers(len(WORDS), size=words)]
    return "\n".join(" ".join(chosen[i : i + 12]) + "." for i in range(0, words, 12)) + "\n"


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """Prose and code in 12 groups, 40 generated problems, 20 facts planted in the training side."""
    folder = tmp_path_factory.mktemp("corpus")
    draw = np.random.default_rng(0)
    for side in ("train", "heldout"):
        (folder / side).mkdir()
        for source in ("text", "web_code"):
            documents = [
                Document(f"{source}-{side}-{i}", prose(draw, 160), f"{i}.txt", f"group {i % 12}") for i in range(36)
            ]
            write_documents(folder / side / f"{source}.parquet", documents)
    problems = [
        Document(problem.id, synthetic.document(problem), "p.py", problem.group)
        for problem in synthetic.problems(0, 40)
    ]
    write_documents(folder / "train" / "synthetic.parquet", problems[:20])
    write_documents(folder / "heldout" / "synthetic.parquet", problems[20:])
    said = [Document(name, text, "f.txt", group) for name, group, text in facts.documents(0, 20, 4)]
    write_documents(folder / "train" / "facts.parquet", said)
    write_documents(folder / "heldout" / "facts.parquet", [])
    return folder


PLAN = SuitePlan(
    sources={"text": "text", "web_code": "web_code", "synthetic": "synthetic", "facts": "facts"},
    items={
        "continue_text": 16,
        "continue_code": 16,
        "entity_tracking": 64,
        "boolean": 12,
        "arithmetic": 12,
        "brackets": 12,
        "indent": 12,
        "programs": 3,
    },
    passage_bytes=3000,
    prompts=5,
    facts={"source": "facts", "count": 20, "restatements": 4},
)


@pytest.fixture(scope="session")
def plan() -> SuitePlan:
    return PLAN


@pytest.fixture(scope="session")
def suite(corpus, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("suite")
    build_suite(PLAN, corpus, out)
    return out
