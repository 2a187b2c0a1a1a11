"""Whether a string looks like chance and not like words: entropy per character, and how English its letters follow.

A small stand-in for the gibberish model that StarCoder's redaction asks: no weights, one table of 180 pairs of letters.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import log2

from leaven.corpus.redact.table import TABLE

_LIMITS = TABLE["secrets"]
_BIGRAMS = frozenset(_LIMITS["bigrams"].split())
_HEX = re.compile(r"[0-9a-fA-F-]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEQUENCES = tuple(
    alphabet * 2
    for alphabet in ("0123456789", "abcdefghijklmnopqrstuvwxyz", "0123456789abcdef", "qwertyuiopasdfghjklzxcvbnm")
)


def looks_random(word: str) -> bool:
    """Whether a word of more than 8 characters is likely a key: mixed, of high entropy, no words, no sequence."""
    if len(word) <= 8 or _UUID.fullmatch(word) or sequential(word):
        return False
    digits = sum(map(str.isdigit, word))
    if _HEX.fullmatch(word):
        return 0 < digits < len(word) and bool(entropy(word) >= _LIMITS["min_hex_entropy"])
    if not digits and (word.islower() or word.isupper()):
        return False
    return bool(entropy(word) >= _LIMITS["min_entropy"] and english(word) <= _LIMITS["max_words"])


def entropy(word: str) -> float:
    """Shannon entropy of the characters, bits per character."""
    return sum(count / len(word) * log2(len(word) / count) for count in Counter(word).values())


def english(word: str) -> float:
    """The share of pairs of neighbouring letters that are common in English, 0 where there are no such pairs."""
    lower = word.lower()
    pairs = [pair for pair in map("".join, pairwise(lower)) if pair.isalpha()]
    return sum(pair in _BIGRAMS for pair in pairs) / len(pairs) if pairs else 0.0


def sequential(word: str) -> bool:
    """Whether a word is mostly one alphabet in its order: `0123456789abcdef`, `abcdefghijkl`."""
    lower = word.lower().replace("-", "").replace("_", "")
    return any(lower[:8] in each and lower[-8:] in each for each in _SEQUENCES)
