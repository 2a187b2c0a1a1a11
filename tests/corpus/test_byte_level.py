"""A tokenizer that is given encodes as its own library does, or is refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from leaven.corpus.byte_level import check_given, difference, read_byte_level
from leaven.corpus.tokenizer import PATTERN, give_tokenizer
from leaven.corpus.tokenizer import Tokenizer as Ours
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, sha256_file

TEXT = ["the cat's house of 1234 cats, isn't it?", "def f(x):\n    return x + 10\n", "  two  spaces 7 8  9\n\n"] * 20

CUTS = {
    "gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "digits": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    ),
    "leaven": pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    ),
}


def train(path: Path, cut: str = "gpt-2", end: str = "<|endoftext|>", size: int = 300) -> Path:
    """A tokenizer.json that was not trained by leaven: special tokens stand where their trainer puts them."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = CUTS[cut]
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<PAD>", end]
    made.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False),
    )
    made.save(str(path))
    return path


@pytest.fixture(scope="module", params=CUTS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ours, Tokenizer]:
    path = train(tmp_path_factory.mktemp("given") / "tokenizer.json", request.param)
    return Ours(check_given(path)), Tokenizer.from_file(str(path))


@settings(max_examples=200, deadline=None)
@given(st.text() | st.text(alphabet=" \n\t'1٣½asx.é\u0301ST-", max_size=30))
def test_both_libraries_give_the_same_numbers(pair: tuple[Ours, Tokenizer], text: str) -> None:
    ours, theirs = pair
    ids = ours.encode(text)
    assert ids == theirs.encode(text, add_special_tokens=False).ids
    assert ours.decode(ids) == text


def test_what_is_read_off_a_given_tokenizer(tmp_path: Path) -> None:
    found = check_given(train(tmp_path / "t.json", end="<EOS_TOKEN>"))
    assert (found.end, found.size, found.special) == (1, 300, {"<PAD>": 0, "<EOS_TOKEN>": 1})
    ours = Ours(found)
    assert (ours.eot, ours.size) == (1, 300)
    assert ours.eot not in ours.encode("a<EOS_TOKEN>b")


def test_a_given_tokenizer_is_taken_byte_for_byte(tmp_path: Path) -> None:
    path = train(tmp_path / "t.json")
    (tmp_path / "out").mkdir()
    give_tokenizer(path, tmp_path / "out", expected=sha256_file(path))
    assert (tmp_path / "out/tokenizer.json").read_bytes() == path.read_bytes()
    assert read_json(tmp_path / "out/report.json") == {"vocab": 300, "given": True}
    assert Ours.load(tmp_path / "out/tokenizer.json").size == 300
    with pytest.raises(LeavenError, match="has changed since"):
        give_tokenizer(path, tmp_path / "out", expected="0" * 64)


def changed(data: dict[str, Any], **model: Any) -> dict[str, Any]:
    return {**data, "model": {**data["model"], **model}}


def swapped(data: dict[str, Any]) -> dict[str, Any]:
    merges = list(data["model"]["merges"])
    return changed(data, merges=[merges[1], merges[0], *merges[2:]])


def renamed(data: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    added = [{**token, "content": token["content"].replace(old, new)} for token in data["added_tokens"]]
    vocabulary = {token.replace(old, new): number for token, number in data["model"]["vocab"].items()}
    return changed({**data, "added_tokens": added}, vocab=vocabulary)


def digit_groups(data: dict[str, Any]) -> dict[str, Any]:
    parts = [{"type": "Digits", "individual_digits": False}, data["pre_tokenizer"]]
    return {**data, "pre_tokenizer": {"type": "Sequence", "pretokenizers": parts}}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: changed(d, type="Unigram"), "of type Unigram, not BPE"),
        (lambda d: {**d, "normalizer": {"type": "NFC"}}, r"its normalizer \(NFC\) changes texts"),
        (lambda d: {**d, "pre_tokenizer": {"type": "Metaspace"}}, "not ByteLevel"),
        (lambda d: {**d, "pre_tokenizer": {**d["pre_tokenizer"], "add_prefix_space": True}}, "a space put in front"),
        (digit_groups, r"not known here \(Digits, ByteLevel\)"),
        (lambda d: changed(d, dropout=0.1), "has a dropout"),
        (lambda d: renamed(d, "<|endoftext|>", "<stop>"), "no token that ends a document"),
        (swapped, "not in the order of their tokens' numbers"),
        (lambda d: changed(d, merges=d["model"]["merges"][:-1]), "nothing merges to its token"),
        (lambda d: changed(d, vocab={**d["model"]["vocab"], "的": 300}), "is not made of bytes"),
        (lambda d: changed(d, vocab={**d["model"]["vocab"], "zz": 301}), "stand for no token"),
        (lambda d: changed(d, vocab={t: n for t, n in d["model"]["vocab"].items() if t != "Q"}), "not all 256 bytes"),
        (lambda d: {"model": 3}, "not a tokenizer"),
    ],
)
def test_what_would_be_encoded_otherwise_is_refused(tmp_path: Path, change: Any, why: str) -> None:
    data = read_json(train(tmp_path / "t.json"))
    (tmp_path / "t.json").write_text(json.dumps(change(data)), encoding="utf-8")
    with pytest.raises(BadInput, match=why) as caught:
        check_given(tmp_path / "t.json")
    assert str(tmp_path / "t.json") in str(caught.value)


def test_a_word_that_is_cut_out_of_text_is_refused(tmp_path: Path) -> None:
    theirs = Tokenizer.from_file(str(train(tmp_path / "t.json")))
    theirs.add_tokens([AddedToken("indent", normalized=False)])
    theirs.save(str(tmp_path / "t.json"))
    with pytest.raises(BadInput, match="'indent' is not special and would be cut out"):
        check_given(tmp_path / "t.json")


def test_a_pattern_that_loses_text_is_found_out(tmp_path: Path) -> None:
    data = read_json(train(tmp_path / "t.json", "leaven"))
    data["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"\p{L}+| +"
    (tmp_path / "t.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BadInput, match="encoded otherwise than by its own library"):
        give_tokenizer(tmp_path / "t.json", tmp_path)


def test_what_tells_two_tokenizers_apart(tmp_path: Path) -> None:
    one = read_byte_level(train(tmp_path / "a.json"))
    data = read_json(tmp_path / "a.json")

    def told(other: dict[str, Any]) -> str:
        (tmp_path / "b.json").write_text(json.dumps(other, indent=1, sort_keys=True), encoding="utf-8")
        return difference(one, read_byte_level(tmp_path / "b.json"))

    assert told(data) == ""
    assert told(read_json(train(tmp_path / "c.json", size=301))) == "300 tokens against 301"
    digits = [{"type": "Digits", "individual_digits": True}, data["pre_tokenizer"]]
    cut = {**data, "pre_tokenizer": {"type": "Sequence", "pretokenizers": digits}}
    assert told(cut) == "they cut text in different places before merging"
    names = {"a": "b", "b": "a"}
    vocabulary = {names.get(token, token): number for token, number in data["model"]["vocab"].items()}
    assert told(changed(data, vocab=vocabulary)).startswith('2 tokens differ, the first of them "')
    assert told(renamed(renamed(data, "<|endoftext|>", "<x>"), "<PAD>", "</s>")) == (
        "a document ends with token 1 in one and 0 in the other"
    )
