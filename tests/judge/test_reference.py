"""The reference-likelihood judge over a real model: what the evaluation room scores is what the judge compares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from leaven.evaluate.adapter import score_completions
from leaven.evaluate.subject import Subject
from leaven.judge.protocol import Completion, judge_both_orders
from leaven.judge.scored import ReferenceLikelihood
from leaven.model.config import ModelConfig
from leaven.model.init import init
from leaven.model.transformer import hidden, logits


@dataclass(frozen=True)
class Letters:
    """One token a byte, after the end token."""

    eot: int = 0
    size: int = 257

    def encode(self, text: str) -> list[int]:
        return [byte + 1 for byte in text.encode()]

    def encode_many(self, texts: list[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def decode(self, tokens: list[int]) -> str:
        return bytes(token - 1 for token in tokens if token).decode("utf-8", "replace")


@pytest.fixture(scope="module")
def subject() -> Subject:
    config = ModelConfig(width=16, layers=1, heads=2, kv_heads=2, ffn=32, vocab=257, sequence=32)
    return Subject(init(config, 1), config, Letters())


def plain_bits(subject: Subject, prompt: str, completion: str) -> float:
    tokens = [subject.tokenizer.eot, *subject.tokenizer.encode(prompt + completion)]
    at = hidden(subject.params, subject.config, np.array([tokens[:-1]], np.int32))
    scores = np.asarray(logits(subject.params, subject.config, at))[0].astype(np.float64)
    likelihoods = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    first = len(tokens) - len(completion.encode())
    return -sum(likelihoods[i - 1, tokens[i]] for i in range(first, len(tokens))) / math.log(2)


def test_the_scores_are_bits_per_byte_of_the_completion_given_its_prompt(subject):
    texts = [" the end", " a ñandú", "zzzzzzz"]
    completions = [Completion(str(i), "Once:", text, False) for i, text in enumerate(texts)]
    judge = ReferenceLikelihood(partial(score_completions, subject), 0.0)
    votes = judge_both_orders([(completions[0], other) for other in completions[1:]], judge)
    for vote in votes:
        for completion, score in zip((vote.a, vote.b), vote.scores, strict=True):
            expected = plain_bits(subject, completion.prompt, completion.text) / len(completion.text.encode())
            assert score == pytest.approx(expected, rel=1e-3)
        assert vote.outcome == ("win" if vote.scores[0] < vote.scores[1] else "lose")
        assert not vote.flipped


def test_a_text_against_itself_is_a_tie_even_without_a_band(subject):
    same = Completion("1", "Once:", " the end", False)
    (vote,) = judge_both_orders([(same, same)], ReferenceLikelihood(partial(score_completions, subject), 0.0))
    assert vote.outcome == "tie"
