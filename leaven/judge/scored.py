"""The judge that needs no network: reference likelihood.

A reference model, trained in the same study on all sources, scores each completion given its prompt in bits
per byte; the lower one is preferred, and a difference within the tie band is a tie. It is no judge of
quality: it prefers text that is like the training sources, common over rare and dull over surprising, and is
called "reference-likelihood" wherever it appears. Each completion is scored by itself, so the order of the
two cannot matter: both orders are asked as of any judge, and the flip rate is zero by construction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leaven.ground.progress import Progress, silent
from leaven.judge.question import Choice, Question, Verdict

Scorer = Callable[[list[tuple[str, str]]], Sequence[tuple[float, int]]]
"""[(prompt, completion)] → [(bits of the completion given the prompt, its UTF-8 bytes)]. A scorer may count the white
space that a prompt ends with as the completion's, in bits and bytes alike: that is the same for both."""


@dataclass(frozen=True)
class ReferenceLikelihood:
    """Prefers the completion with fewer bits per byte under a reference model.

    Args:
        score: the reference model's likelihoods.
        tie: bits per byte within which (inclusive) two completions tie.
    """

    score: Scorer
    tie: float
    name: str = "reference-likelihood"
    scripted: bool = False

    @property
    def what(self) -> str:
        return (
            "prefers what a reference model trained on all sources finds likely (bits per byte, ties within "
            f"{self.tie:g}; each completion by itself, so that it never flips); it is not a judge of quality"
        )

    def compare(self, questions: Sequence[Question], progress: Progress = silent) -> list[Verdict]:
        """One verdict for each question. A likelihood that is not a number, or no bytes to divide by, is an
        error."""
        # What the models were given is what their completions are likely or unlikely after.
        pairs = [((q.given or q.prompt, q.first), (q.given or q.prompt, q.second)) for q in questions]
        # Scored once each, however often they are asked about: equal texts get equal scores in both orders.
        distinct = list(dict.fromkeys(text for pair in pairs for text in pair))
        progress(0, len(distinct), "completions scored by the reference model")
        scored = dict(zip(distinct, self.score(distinct), strict=True))
        progress(len(distinct), len(distinct), "completions scored by the reference model")
        return [self._verdict(scored[first], scored[second]) for first, second in pairs]

    def _verdict(self, first: tuple[float, int], second: tuple[float, int]) -> Verdict:
        if not (first[1] and second[1] and math.isfinite(first[0]) and math.isfinite(second[0])):
            return Verdict("error", reason="no likelihood")
        scores = (first[0] / first[1], second[0] / second[1])
        choice: Choice = "first" if scores[0] < scores[1] else "second"
        return Verdict("tie" if abs(scores[0] - scores[1]) <= self.tie else choice, scores)
