"""Rules for text: Gopher, C4 and SlimPajama, on documents just within and just beyond their thresholds."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.rules.c4 import c4_retained, c4_sentences
from leaven.corpus.rules.gopher import DUPLICATE, TOP, alphabetic_words, n_grams, repetition
from leaven.corpus.rules.reading import Reading


def prose(words: int, filler: str = "") -> str:
    """Words that are all different, ten in a line, with two stop words among them."""
    letters = ("abcdefghijklmnopqrstuvwxyz"[n // 26 % 26] + "abcdefghijklmnopqrstuvwxyz"[n % 26] for n in range(words))
    all_words = ["the", "of", *(f"{pair}{filler}wo" for pair in letters)][:words]
    return "\n".join(" ".join(all_words[n : n + 10]) for n in range(0, words, 10))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (prose(50), ""),
        (prose(49), "gopher: few words"),
        ("of the " + "abc " * 2, "gopher: few words"),
        ("of to\n" + prose(60).replace("wo", "")[7:], "gopher: short words"),
        (prose(60, "lengthened"), "gopher: long words"),
        (prose(60) + "\n" + "# " * 6, ""),
        (prose(60) + " #######", "gopher: hashes"),
        (prose(60) + "...…..." + " ", ""),
        (prose(60) + "......" + "……" * 3, "gopher: ellipses"),
        ("\n".join("- " + line for line in prose(90).split("\n")) + "\nplain line", ""),
        ("\n".join("- " + line for line in prose(100).split("\n")), "gopher: bullet lines"),
        ("\n".join(line + ("…" if n < 3 else "") for n, line in enumerate(prose(100).split("\n"))), ""),
        (
            "\n".join(line + ("…" if n < 4 else "") for n, line in enumerate(prose(100).split("\n"))),
            "gopher: ellipsis lines",
        ),
        (prose(80) + "".join(f" {n}" for n in range(100, 120)), ""),
        (prose(80) + "".join(f" {n}" for n in range(100, 121)), "gopher: words without letters"),
        (prose(60).replace("of ", "on "), "gopher: stop words"),
        (prose(60).replace("of ", "The "), "gopher: stop words"),
    ],
)
def test_gopher_quality(judge, text: str, reason: str) -> None:
    assert judge(text, "", "", "gopher") == reason


def test_gopher_bounds_of_words(judge) -> None:
    distinct = " ".join(f"{n:05x}g" for n in range(99_998))
    off = dict.fromkeys(("gopher__min_alphabetic_words",), 0.0)
    assert judge("the of " + distinct, "", "", "gopher", **off) == ""
    assert judge("the of and " + distinct, "", "", "gopher", **off) == "gopher: many words"


@pytest.mark.parametrize(
    ("text", "name", "share"),
    [
        ("a\nb\na\na\n\nc\n", "duplicate_lines", 2 / 5),
        ("ab\nb\nab\nab\n\nc\n", "duplicate_line_characters", 4 / 8),
        ("a\nb\n\nc\n\na\nb\n\n\n\na\nb", "duplicate_paragraphs", 2 / 4),
        ("a\nb\n\nc\n\na\nb", "duplicate_paragraph_characters", 3 / 7),
        ("aa b c aa b d e", "top_2gram", 6 / 9),
        ("a b c d", "top_2gram", 0.0),
        ("a b a b a bb c d a bb c d", "top_4gram", 10 / 14),
        ("a b c d e f a b c d e g", "duplicate_5gram", 5 / 12),
        ("a b c d e f a b c d e f", "duplicate_5gram", 6 / 12),
        ("a b c d e f a b c d e f", "duplicate_6gram", 6 / 12),
        ("a b c d e f a b c d e f", "duplicate_7gram", 0.0),
        ("a a a a a a a a", "duplicate_5gram", 7 / 8),
    ],
)
def test_repetition(text: str, name: str, share: float) -> None:
    assert repetition(Reading(text, "", ""))[name] == pytest.approx(share)


def plain_n_grams(words: list[str]) -> dict[str, float]:
    """The definitions, word by word."""
    scores, total = {}, max(sum(map(len, words)), 1)
    for n in range(2, 11):
        grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
        if n in TOP:
            counts = Counter(grams)
            most = max(counts.values(), default=0)
            longest = max((sum(map(len, gram)) for gram, count in counts.items() if count == most), default=0)
            scores[f"top_{n}gram"] = longest * most / total if most > 1 else 0.0
        if n in DUPLICATE:
            seen, again = set(), set()
            for at, gram in enumerate(grams):
                if gram in seen:
                    again.update(range(at, at + n))
                seen.add(gram)
            scores[f"duplicate_{n}gram"] = sum(len(words[at]) for at in again) / total
    return scores


@given(
    st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), max_size=60)
    | st.lists(st.sampled_from(["x", "yy"]), max_size=60)
)
def test_n_grams_are_as_defined(words: list[str]) -> None:
    assert n_grams(words) == pytest.approx(plain_n_grams(words))


def test_repetition_drops(judge) -> None:
    lines = prose(100).split("\n")
    repeated = "\n".join([*lines[:6], *lines[:3]])
    assert judge(repeated, "", "", "gopher") == "gopher: duplicate lines"
    assert judge(" ".join(chain(*[lines[:5]] * 2)), "", "", "gopher") == "gopher: duplicate 5-grams"
    assert judge(prose(50) + " ab cd" * 20, "", "", "gopher") == "gopher: top 2-gram"


@pytest.mark.parametrize("word", ["été", "1a", "1", "-", "ア"])
def test_alphabetic_words(word: str) -> None:
    assert alphabetic_words(Reading(word, "", "")) == any(map(str.isalpha, word))


SENTENCE = "This line has more than five words in it."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{SENTENCE}\n{SENTENCE} And more?\n", ""),
        (f"{SENTENCE}\n{SENTENCE}\n", "c4: few sentences"),
        (f"{SENTENCE}\n{SENTENCE}\nToo short.\n", "c4: few sentences"),
        (f"{SENTENCE}\n{SENTENCE}\nThis line has no terminal mark at all\n", "c4: few sentences"),
        (f"{SENTENCE}\n{SENTENCE}\nThis line breaks off before it is over...\n", "c4: few sentences"),
        (f"{SENTENCE}\n{SENTENCE}\nPlease turn on JavaScript to read this page.\n", "c4: few sentences"),
        (f"{SENTENCE}\n{SENTENCE}\nThe terms of use of this page are here.\n", "c4: few sentences"),
        (f"{SENTENCE}\n{SENTENCE}\n{'a' * 1001} is in this line of words.\n", "c4: few sentences"),
        (f"{SENTENCE}\n{SENTENCE} {SENTENCE} A bracket {{ in it.\n", "c4: curly bracket"),
        (f"{SENTENCE}\n{SENTENCE} {SENTENCE} Lorem Ipsum dolor.\n", "c4: lorem ipsum"),
    ],
)
def test_c4(judge, text: str, reason: str) -> None:
    assert judge(text, "", "", "c4") == reason


def test_c4_scores() -> None:
    reading = Reading(f'{SENTENCE}\n{SENTENCE[:-1]} 3.5! "Is it so?" he said it once more.\nno', "", "")
    assert c4_sentences(reading) == 4
    assert c4_retained(reading) == pytest.approx((len(reading.text) - 4) / len(reading.text))
    assert c4_retained(Reading("", "", "")) == 0


def test_slimpajama(judge) -> None:
    assert judge("a, " * 199 + "!\n\t", "", "", "slimpajama") == "slimpajama: too short"
    assert judge("a, " * 200, "", "", "slimpajama") == ""
    assert judge("é, " * 200, "", "", "slimpajama") == ""
    assert judge("\u00a0é" * 199, "", "", "slimpajama") == "slimpajama: too short"
