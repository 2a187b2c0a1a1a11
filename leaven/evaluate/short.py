"""Whether a short answer is one of the known ones: our rule, and lm-eval's beside it.

Ours (`exact_match`): the text up to its first newline, normalised as SQuAD does it (lower case, without punctuation and
articles, single spaces; Rajpurkar et al. 2016, arXiv 1606.05250), equals a known answer normalised alike. lm-eval's
`triviaqa` and `nq_open` also cut at "." and ",", so that an answer which holds one can never be right; their own rule,
taken from their task files, is kept as `exact_match_lm_eval`, so that a score can be held against published ones.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
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


def exact_match_lm_eval(text: str, known: Sequence[str], until: Sequence[str], options: Mapping[str, Any]) -> bool:
    """What lm-eval's task scores for the same greedy text.

    Args:
        until: the task's stop strings.
        options: of its metric `exact_match`: ignore_case, ignore_punctuation, regexes_to_ignore, …
    """
    for stop in until:
        text = text.partition(stop)[0]
    # its filter remove_whitespace
    answer = text.strip()
    found = exact_match_hf_evaluate(predictions=[answer] * len(known), references=list(known), **options)
    return bool(found["exact_match"] > 0)
