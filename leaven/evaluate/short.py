"""Whether a short answer is one of the known ones: our rule, and lm-eval's beside it.

Ours (`exact_match`): the text up to its first newline, normalised as SQuAD does it (lower case, without punctuation and
articles, single spaces; Rajpurkar et al. 2016, arXiv 1606.05250), equals a known answer normalised alike. lm-eval's
`triviaqa` and `nq_open` also cut at "." and ",", so that an answer which holds one can never be right (8.8 % of the
questions of NQ-Open, EVALUATION.md §2.6). Their own rule, taken from their task files, is kept as
`exact_match_lm_eval`, so that a score can be held against published ones.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lm_eval.api.metrics import exact_match_hf_evaluate

ARTICLE = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no articles, single spaces."""
    return " ".join(ARTICLE.sub(" ", text.lower().translate(PUNCTUATION)).split())


def first_line(text: str) -> str:
    """What was written up to the first newline. A model that begins with one has answered nothing."""
    return text.partition("\n")[0]


def exact_match(text: str, known: Sequence[str]) -> bool:
    """Whether the first line, normalised, is a known answer. One that normalises to nothing never counts."""
    answer = normalise(first_line(text))
    return bool(answer) and any(normalise(alias) == answer for alias in known)


@dataclass(frozen=True)
class LmEvalRule:
    """How an lm-eval task decides on a greedy text.

    Args:
        until: its stop strings.
        options: of its metric `exact_match`: ignore_case, ignore_punctuation, regexes_to_ignore, …
    """

    until: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> LmEvalRule | None:
        """The rule in a task's settings ({lm_eval: {until, exact_match}}); None where it has none."""
        told = settings.get("lm_eval")
        return cls(tuple(told["until"]), told["exact_match"]) if told else None

    def match(self, text: str, known: Sequence[str]) -> bool:
        """What the task scores, by lm-eval's own function."""
        for stop in self.until:
            text = text.partition(stop)[0]
        # lm-eval's tasks filter white space around the answer out (`remove_whitespace`)
        found = exact_match_hf_evaluate([text.strip()] * len(known), list(known), **self.options)
        return bool(found["exact_match"] > 0)
