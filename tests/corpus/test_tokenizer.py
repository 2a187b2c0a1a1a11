"""One vocabulary, two implementations, the same ids; and every text comes back."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as HubTokenizer

from leaven.corpus.document import Document, write_documents
from leaven.corpus.tokenizer import Tokenizer, train_tokenizer
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json

LIBRARY = Path(inspect.getfile(inspect)).parent


def files(pattern: str) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(LIBRARY.glob(pattern))]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for side, pattern in (("train", "[a-c]*.py"), ("heldout", "d*.py")):
        (folder / side).mkdir()
        for name, texts in (("code", files(pattern)), ("text", [text.replace("_", " ") for text in files(pattern)])):
            documents = [Document(str(n), text, "p", str(n)) for n, text in enumerate(texts)]
            write_documents(folder / side / f"{name}.parquet", documents)
    return folder


@pytest.fixture(scope="module")
def trained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(corpus, out, vocab=1024, sample_bytes=300_000)
    return out


@pytest.fixture(scope="module")
def tokenizer(trained: Path) -> Tokenizer:
    return Tokenizer.load(trained / "tokenizer.json")


def test_report_and_size(trained: Path, tokenizer: Tokenizer) -> None:
    report = read_json(trained / "report.json")
    assert report["vocab"] == report["requested"] == tokenizer.size == 1024
    assert 1.5 < report["bytes_per_token"]["code"] < 6
    assert tokenizer.eot == 0


def test_trained_twice_gives_equal_bytes(corpus: Path, trained: Path, tmp_path: Path) -> None:
    train_tokenizer(corpus, tmp_path, vocab=1024, sample_bytes=300_000)
    for name in ("tokenizer.json", "report.json"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_same_ids_as_the_hub_library_on_real_files(trained: Path, tokenizer: Tokenizer) -> None:
    hub = HubTokenizer.from_file(str(trained / "tokenizer.json"))
    texts = files("[a-h]*.py")
    assert tokenizer.encode_many(texts) == [
        encoding.ids for encoding in hub.encode_batch(texts, add_special_tokens=False)
    ]


def test_same_ids_as_the_hub_library_on_shared_texts(trained: Path, tokenizer: Tokenizer, shared_texts: Path) -> None:
    from leaven.corpus.document import Tally
    from leaven.corpus.plan import SourcePlan
    from leaven.corpus.readers import find, read

    hub = HubTokenizer.from_file(str(trained / "tokenizer.json"))
    tally = Tally()
    for name in ("wiki.heldout.jsonl.zst", "books.heldout.jsonl.zst"):
        [entry] = find(SourcePlan("s", "text", "path", 1, shared_texts / name), tally.skipped)
        for document in read(entry, "text", tally):
            assert tokenizer.encode(document.text) == hub.encode(document.text, add_special_tokens=False).ids


@settings(deadline=None)
@given(st.text())
def test_every_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.eot not in ids
    assert tokenizer.encode_many([text, text]) == [ids, ids]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 \n\t\r'.,=é漢\u0301\u00a0\x1c🎉"), max_size=60))
def test_same_ids_as_the_hub_library_on_odd_text(trained: Path, tokenizer: Tokenizer, text: str) -> None:
    hub = HubTokenizer.from_file(str(trained / "tokenizer.json"))
    assert tokenizer.encode(text) == hub.encode(text, add_special_tokens=False).ids


def test_the_end_of_text_is_ordinary_text_when_written_out(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a<|endoftext|>b")
    assert tokenizer.eot not in ids
    assert tokenizer.decode(ids) == "a<|endoftext|>b"
    assert tokenizer.decode([tokenizer.eot]) == "<|endoftext|>"


def test_long_runs_stay_fast_and_digits_are_cut_by_three(tokenizer: Tokenizer) -> None:
    for run in ("a" * 200_000, " " * 200_000, "\n" * 200_000, "=" * 200_000):
        assert tokenizer.decode(tokenizer.encode(run)) == run
    assert len(tokenizer.encode("1234567")) >= 3


def test_broken_bytes_are_replaced_and_unknown_ids_refused(tokenizer: Tokenizer) -> None:
    first = tokenizer.encode("é")[0]
    assert "\ufffd" in tokenizer.decode([first]) or tokenizer.decode([first]) == "é"
    with pytest.raises(LeavenError, match="not in this vocabulary"):
        tokenizer.decode([5000])


def test_lone_surrogates_do_not_stop_encoding(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"


def test_refusals(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 257"):
        train_tokenizer(corpus, tmp_path, vocab=100)
    with pytest.raises(BadInput, match="the sample yields"):
        train_tokenizer(corpus, tmp_path, vocab=60_000, sample_bytes=20_000)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": 1}))
    with pytest.raises(BadInput, match="not a tokenizer"):
        Tokenizer.load(tmp_path / "tokenizer.json")
    with pytest.raises(BadInput, match="No such file"):
        Tokenizer.load(tmp_path / "none.json")
