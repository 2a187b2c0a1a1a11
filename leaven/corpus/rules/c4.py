"""C4's scores for whole documents (arXiv 1910.10683, sec. 2.2): what its rules would take and what they would leave."""

from __future__ import annotations

import re

from leaven.corpus.rules.reading import Reading

TERMINAL = (".", "?", "!", '"')
LEAST_WORDS = 5
LONGEST_WORD = 1000
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_SENTENCE_END = re.compile(r"[.?!]+(?=[\"')\]]*+(?:\s|\Z))")


def curly_brackets(reading: Reading) -> float:
    """Opening curly brackets: where C4 finds one, the page is taken for code."""
    return float(reading.text.count("{"))


def lorem_ipsum(reading: Reading) -> float:
    """How often `lorem ipsum` occurs, in any case."""
    return float(reading.text.lower().count("lorem ipsum"))


def c4_sentences(reading: Reading) -> float:
    """Sentences in the lines C4 retains: runs of `.?!` before white space, closing marks aside; at least one a line."""
    return float(sum(max(1, len(_SENTENCE_END.findall(line))) for line in _retained(reading)))


def c4_retained(reading: Reading) -> float:
    """Share of the characters that stand in lines that C4 retains; 0 for an empty text."""
    return sum(map(len, _retained(reading))) / max(len(reading.text), 1)


def _retained(reading: Reading) -> list[str]:
    """The lines that end in a terminal mark but no ellipsis, have five words or more, none of them absurdly long, and
    speak of neither JavaScript nor a site's policies."""
    return [line for line in map(str.strip, reading.lines) if line.endswith(TERMINAL) and _is_retained(line)]


def _is_retained(line: str) -> bool:
    words = line.split()
    if line.endswith("...") or len(words) < LEAST_WORDS or max(map(len, words)) > LONGEST_WORD:
        return False
    lower = line.lower()
    return "javascript" not in lower and not any(phrase in lower for phrase in POLICY)
