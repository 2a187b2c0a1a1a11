"""Signatures against twenty plain lines, and the error of their estimate against theory."""

from __future__ import annotations

import re
import string
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.dedup import minhash, shingles
from leaven.corpus.dedup.minhash import EMPTY, NOBODY, band_keys, permutations, resemblance, signatures
from leaven.corpus.dedup.near import Near, preset
from leaven.corpus.dedup.shingles import MIX, shingle_sets
from leaven.ground.canonical import key64

MASK = (1 << 64) - 1


def tokens_of(text: str, kind: str) -> list[str]:
    if kind == "starcoder1":
        return re.split("[^A-Za-z_0-9]", text)
    if kind == "stack2":
        return re.split(r"\W", text.lower())
    if kind == "words":
        return re.findall(r"\w+", text.lower())
    bare = text.lower().translate(str.maketrans("", "", string.punctuation))
    return list(re.sub(r"\s+", " ", bare.strip()))


def plain_shingles(text: str, near: Near) -> set[int]:
    """The definition: a polynomial of the joined tokens, mixed, 32 bits of it."""
    tokens = tokens_of(text, near.tokens)
    if len(tokens) < near.min_tokens:
        return set()
    base = key64("minhash/1", near.seed, "base") | 1
    found = set()
    for i in range(len(tokens) - near.ngram + 1):
        window = tokens[i : i + near.ngram]
        units = [ord(c) for c in window] if near.tokens == "slimpajama" else "\0".join(window).encode()
        value = sum(unit * pow(base, k + 1, 1 << 64) for k, unit in enumerate(units)) & MASK
        value = (value ^ value >> 32) * MIX & MASK
        value = (value ^ value >> 32) * MIX & MASK
        found.add(value >> 32)
    return found


def plain_signature(text: str, near: Near) -> list[int]:
    values = plain_shingles(text, near)
    pairs = zip(*(array.tolist() for array in permutations(near.seed, near.permutations)), strict=True)
    return [min(((a * x + b) % (1 << 32) for x in values), default=int(EMPTY)) for a, b in pairs]


SMALL = {
    kind: Near(kind, 3, 8, 2, 4, 0.5, 3, seed=seed)
    for seed, kind in enumerate(("starcoder1", "stack2", "slimpajama", "words"))
}
code = st.text(st.sampled_from("abAB_9 \n\t.,(="), max_size=60)
unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
awkward = st.text(st.sampled_from("aİßΣς ſK١²é\u0301\u00a0\u2028\u200b\x1c\x1f\x85\x0b字😀_-.\0?"), max_size=30)


@pytest.mark.parametrize("kind", SMALL)
@given(texts=st.lists(code | unicode_text | awkward, max_size=6))
@settings(max_examples=60, deadline=None)
def test_signatures_are_the_definition(kind, texts):
    near = SMALL[kind]
    assert signatures(texts, near).tolist() == [plain_signature(text, near) for text in texts]


@pytest.mark.parametrize("kind", SMALL)
def test_groups_blocks_and_batches_do_not_show(kind, monkeypatch):
    near = SMALL[kind]
    texts = [f"{'word ' * (n % 7)}{n} ends; é{n} " * (n % 5) for n in range(60)]
    whole = signatures(texts, near)
    monkeypatch.setattr(shingles, "GROUP", 90)
    monkeypatch.setattr(minhash, "BLOCK", 17)
    monkeypatch.setattr(minhash, "BATCH", 300)
    assert (signatures(texts, near) == whole).all()
    assert [plain_signature(text, near) for text in texts] == whole.tolist()


@pytest.mark.parametrize("kind", SMALL)
def test_sets_are_distinct_and_ascending(kind):
    values, starts = shingle_sets(["a b c d " * 50, "", "x y z"], SMALL[kind])
    for first, last in pairwise(starts):
        assert (np.diff(values[first:last].astype(np.int64)) > 0).all()
    assert len(starts) == 4


def test_no_texts():
    near = preset("starcoder1")
    assert signatures([], near).shape == (0, 256)
    assert band_keys(signatures([], near), near).shape == (0, 25)


def test_short_documents_are_kept_or_share_one_bucket():
    texts = ["a b", "c", "one two three four five six"]
    near = preset("starcoder1")
    signed = signatures(texts, near)
    assert (signed[:2] == EMPTY).all()
    keys = band_keys(signed, near)
    assert (keys[:2] == NOBODY).all()
    assert (keys[2] != NOBODY).all()
    faithful = band_keys(signed, preset("starcoder1", short="faithful"))
    assert (faithful[0] == faithful[1]).all()
    assert (faithful[0] != NOBODY).all()
    assert (faithful[0] != faithful[2]).all()


def test_band_keys_agree_where_bands_do():
    near = preset("starcoder1")
    signed = signatures(["a quick test of many words in one line"] * 2, near).copy()
    signed[1, 37] ^= 1
    signed[1, 251] ^= 1
    same = band_keys(signed, near)[0] == band_keys(signed, near)[1]
    assert np.flatnonzero(~same).tolist() == [3]


@pytest.mark.parametrize("size", [200, 2000])
def test_error_of_the_estimate_is_that_of_theory(size):
    near = preset("starcoder1", seed=3)
    pairs, known = [], []
    for number in range(245):
        shared = size * (number + 1) // 246
        words = [f"w{number}x{k}" for k in range(2 * size - shared)]
        one, other = words[:size], words[size - shared :]
        pairs += [" ".join(one), " ".join(other)]
        a = {tuple(one[i : i + 5]) for i in range(len(one) - 4)}
        b = {tuple(other[i : i + 5]) for i in range(len(other) - 4)}
        known.append(len(a & b) / len(a | b))
    signed = signatures(pairs, near)
    truth = np.array(known)
    error = resemblance(signed[::2], signed[1::2]) - truth
    theory = np.sqrt((truth * (1 - truth) / 256).mean())
    assert np.sqrt((error**2).mean()) < 1.15 * theory
    assert abs(error.mean()) < 3 * theory / np.sqrt(245)


def test_a_hostile_line_takes_no_longer_than_its_length():
    near = preset("starcoder1")
    texts = ["a" * 1_000_000, " " * 1_000_000, "é" * 500_000, "a b" * 300_000]
    for name in ("starcoder1", "stack2", "slimpajama", "datatrove"):
        assert signatures(texts, preset(name)).shape[0] == 4
    assert (signatures(texts[:1], near) == EMPTY).all()
