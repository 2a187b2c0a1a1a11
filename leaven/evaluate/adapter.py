"""The language model lm-eval talks to.

Conventions, all lm-eval's own unless marked:

* trailing white space of a context belongs to the continuation (`_encode_pair`); the pair is encoded as one
  string and cut where the encoded context ends; the bytes of a score are those of the tokens actually scored;
* contexts are cut from the left to the model's sequence length, and kept in `truncated`;
* every context starts with the end-of-text token (ours: in training each document follows one; lm-eval does
  so for empty contexts and leaves the rest to the model);
* a cut inside a token, where the encoded context is no prefix of the encoded whole, is scored and kept in
  `uneven`; a continuation swallowed whole by such a token is scored by that token (ours: lm-eval would score
  nothing).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import LM

from leaven.evaluate.generate import Ask, generate
from leaven.evaluate.likelihood import Answer, Question, answer, windows
from leaven.evaluate.subject import Subject
from leaven.ground.progress import Progress, silent

GENERATE_TOKENS = 64
"""Tokens generated where a task does not say."""


class JaxLM(LM):  # type: ignore[misc]
    """A subject as an lm-eval model."""

    def __init__(self, subject: Subject, progress: Progress = silent) -> None:
        super().__init__()
        self.subject = subject
        self.progress = progress
        self.truncated: set[tuple[str, str]] = set()
        self.uneven: dict[tuple[str, str], int] = {}

    def scored_bytes(self, context: str, continuation: str) -> int:
        """UTF-8 bytes of what was scored of a pair: the continuation and the white space its context ended with; less
        (or more) where one token held the end of one and the beginning of the other."""
        even = len(continuation.encode()) + len(context[len(context.rstrip()) :].encode())
        return self.uneven.get((context, continuation), even)

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """[(log-likelihood in nats, greedy)] of each request's (context, continuation)."""
        texts = [request.args for request in requests]
        pairs = self._encode(texts)
        longest = self.subject.config.sequence
        for text, (context, target) in zip(texts, pairs, strict=True):
            if len(context) + len(target) - 1 > longest:
                self.truncated.add(text)
        answers = self._ask([windows(context, target, longest) for context, target in pairs])
        return [(found.nats, found.greedy) for found in answers]

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        """Log-likelihood in nats of each request's (text,) after the end-of-text token."""
        tokenizer = self.subject.tokenizer
        texts = [tokenizer.encode(request.args[0]) for request in requests]
        longest = self.subject.config.sequence
        return [found.nats for found in self._ask([windows([tokenizer.eot], text, longest) for text in texts])]

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """The continuation of each request's (context, {"until", "max_gen_toks"}): greedy, cut before the
        first stop.
        """
        asks = []
        for request in requests:
            context, settings = request.args
            until = settings.get("until") or []
            stops = (until,) if isinstance(until, str) else tuple(until)
            asks.append(Ask(context, settings.get("max_gen_toks", GENERATE_TOKENS), stops))
        return generate(self.subject, asks, progress=self.progress)

    def _encode(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        """Tokens of context (with end-of-text in front) and continuation of each pair."""
        tokenizer = self.subject.tokenizer
        heads = [context.rstrip() for context, _ in pairs]
        unique = list(dict.fromkeys(heads))
        encoded = {head: tokenizer.encode(head) for head in unique}
        # one by one: encoding a batch starts a thread's task for each text, which costs more than the text
        wholes = [tokenizer.encode(context + continuation) for context, continuation in pairs]
        cut = []
        for pair, head, whole in zip(pairs, heads, wholes, strict=True):
            context = encoded[head]
            size = min(len(context), len(whole) - 1)
            if whole[: len(context)] != context or size < len(context):
                self.uneven[pair] = tokenizer.count_bytes(whole[size:])
            cut.append(([tokenizer.eot, *whole[:size]], whole[size:]))
        return cut

    def _ask(self, asked: Sequence[list[Question]]) -> list[Answer]:
        """The sum over each request's questions."""
        answers = iter(answer(self.subject, [question for questions in asked for question in questions], self.progress))
        sums = []
        for questions in asked:
            parts = [next(answers) for _ in questions]
            sums.append(Answer(math.fsum(part.nats for part in parts), all(part.greedy for part in parts)))
        return sums


def score_completions(
    subject: Subject, pairs: Sequence[tuple[str, str]], progress: Progress = silent
) -> list[tuple[float, int]]:
    """(bits, bytes) of each completion given its prompt. An empty completion costs 0 bits for 0 bytes."""
    asked = [(place, pair) for place, pair in enumerate(pairs) if pair[1]]
    lm = JaxLM(subject, progress)
    longest = subject.config.sequence
    found = lm._ask([windows(context, target, longest) for context, target in lm._encode([pair for _, pair in asked])])
    scores = [(0.0, 0)] * len(pairs)
    for (place, pair), part in zip(asked, found, strict=True):
        scores[place] = (-part.nats / math.log(2), lm.scored_bytes(*pair))
    return scores
