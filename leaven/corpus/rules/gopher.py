"""Gopher's scores of text (arXiv 2112.11446): quality rules of App. A.1.1, repetition rules of table A1.

A word is what stands between white space. A repetition is every occurrence after the first; its share is counted in
characters of words, none twice, as the paper asks for overlapping n-grams.
"""

from __future__ import annotations

from math import nan

import numpy as np

from leaven.corpus.rules.reading import Reading

STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
BULLETS = ("•", "‣", "◦", "▪", "●", "■", "-", "*")
TOP = (2, 3, 4)
DUPLICATE = (5, 6, 7, 8, 9, 10)


def words(reading: Reading) -> float:
    """Words."""
    return float(len(reading.words))


def mean_word(reading: Reading) -> float:
    """Mean characters of a word; nan for a text without words."""
    return sum(map(len, reading.words)) / len(reading.words) if reading.words else nan


def hashes(reading: Reading) -> float:
    """Hash signs per word; nan for a text without words."""
    return reading.text.count("#") / len(reading.words) if reading.words else nan


def ellipses(reading: Reading) -> float:
    """Ellipses, as three dots or one character, per word; nan for a text without words."""
    dots = reading.text.count("...") + reading.text.count("…")
    return dots / len(reading.words) if reading.words else nan


def bullet_lines(reading: Reading) -> float:
    """Share of the lines that are not blank that start with a bullet point; nan where all are."""
    lines = _lines(reading)
    return sum(line.startswith(BULLETS) for line in lines) / len(lines) if lines else nan


def ellipsis_lines(reading: Reading) -> float:
    """Share of the lines that are not blank that end with an ellipsis; nan where all are."""
    lines = _lines(reading)
    return sum(line.endswith(("...", "…")) for line in lines) / len(lines) if lines else nan


def alphabetic_words(reading: Reading) -> float:
    """Share of words with a letter in them; nan for a text without words."""
    if not reading.words:
        return nan
    return sum(word[0].isalpha() or any(map(str.isalpha, word)) for word in reading.words) / len(reading.words)


def stop_words(reading: Reading) -> float:
    """How many of Gopher's eight stop words occur, in any case."""
    return float(len(STOP_WORDS.intersection(reading.text.lower().split())))


def repetition(reading: Reading) -> dict[str, float]:
    """Every score of table A1 by its name."""
    lines, paragraphs = _lines(reading), _paragraphs(reading)
    scores = {
        "duplicate_lines": _repeated(lines, [1] * len(lines)),
        "duplicate_paragraphs": _repeated(paragraphs, [1] * len(paragraphs)),
        "duplicate_line_characters": _repeated(lines, list(map(len, lines))),
        "duplicate_paragraph_characters": _repeated(paragraphs, list(map(len, paragraphs))),
    }
    return scores | n_grams(reading.words)


def n_grams(words: list[str]) -> dict[str, float]:
    """`top_2gram` … `top_4gram`: the share of characters in the most frequent n-gram, the longest one of several.
    `duplicate_5gram` … `duplicate_10gram`: the share of characters in n-grams that stood before. 0 where there is none.

    An n-gram can occur twice only where both (n-1)-grams in it do, so each n looks at few places only.
    """
    names = [f"top_{n}gram" for n in TOP] + [f"duplicate_{n}gram" for n in DUPLICATE]
    scores = dict.fromkeys(names, 0.0)
    if not words:
        return scores
    numbers: dict[str, int] = {}
    ids = np.fromiter((numbers.setdefault(word, len(numbers)) for word in words), np.int64, len(words))
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    ends = np.concatenate(([0], np.cumsum(lengths)))
    starts, classes = np.arange(len(words)), ids
    for n in range(2, DUPLICATE[-1] + 1):
        if n == 2:
            starts = starts[:-1]
            pairs = classes[:-1] * len(words) + ids[1:]
        else:
            follows = (np.diff(starts) == 1) & (starts[:-1] + n <= len(words))
            pairs = (classes[:-1] * len(words) + classes[1:])[follows]
            starts = starts[:-1][follows]
        if not len(starts):
            break
        _, first, classes, counts = np.unique(pairs, return_index=True, return_inverse=True, return_counts=True)
        if n in TOP:
            characters = ends[starts[first] + n] - ends[starts[first]]
            most = counts == counts.max()
            scores[f"top_{n}gram"] = (
                float(characters[most].max() * counts.max() / ends[-1]) if counts.max() > 1 else 0.0
            )
        if n in DUPLICATE:
            later = np.ones(len(starts), bool)
            later[first] = False
            scores[f"duplicate_{n}gram"] = _within(starts[later], n, lengths) / float(ends[-1])
        again = counts[classes] > 1
        starts, classes = starts[again], classes[again]
    return scores


def _within(starts: np.ndarray, n: int, lengths: np.ndarray) -> float:
    """Characters of the words in n-grams at `starts`, each once."""
    marks = np.zeros(len(lengths) + 1, np.int64)
    np.add.at(marks, starts, 1)
    np.add.at(marks, starts + n, -1)
    return float(lengths[np.cumsum(marks[:-1]) > 0].sum())


def _repeated(parts: list[str], weights: list[int]) -> float:
    """The weight of parts that stood before, by the weight of all; 0 where there are none."""
    total = sum(weights)
    if not total or len(set(parts)) == len(parts):
        return 0.0
    first = {part: number for number, part in reversed(list(enumerate(parts)))}
    return sum(weight for number, weight in enumerate(weights) if first[parts[number]] != number) / total


def _lines(reading: Reading) -> list[str]:
    return [line for line in map(str.strip, reading.lines) if line]


def _paragraphs(reading: Reading) -> list[str]:
    return [paragraph for paragraph in map(str.strip, reading.text.split("\n\n")) if paragraph]
