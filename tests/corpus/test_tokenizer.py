"""One vocabulary, two implementations, the same ids; and every text comes back."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as HubTokenizer

from leaven.corpus import tokenizer as module
from leaven.corpus.document import Document, read_documents, write_documents
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read.entries import find
from leaven.corpus.read.records import records
from leaven.corpus.read.units import units
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
    hub = HubTokenizer.from_file(str(trained / "tokenizer.json"))
    for name in ("wiki.heldout.jsonl.zst", "books.heldout.jsonl.zst"):
        [unit] = units(plan := SourcePlan("s", "text", "path", 1 << 30, shared_texts / name), find(plan, Counter()))
        for _, record in records(unit, Counter()):
            assert tokenizer.encode(record["text"]) == hub.encode(record["text"], add_special_tokens=False).ids


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


def test_a_real_shortfall_is_refused_with_what_was_reached(tmp_path: Path) -> None:
    """Five different words have few merges; nothing is written that could be taken for a tokenizer."""
    folder, out = tmp_path / "corpus", tmp_path / "out"
    out.mkdir()
    for side, texts in (("train", ["alpha beta gamma delta epsilon " * 50]), ("heldout", [])):
        (folder / side).mkdir(parents=True)
        write_documents(folder / side / "text.parquet", [Document("0", text, "p", "g") for text in texts])
    with pytest.raises(BadInput, match=r"the sample yields 2\d\d tokens, not 256000") as refusal:
        train_tokenizer(folder, out, vocab=256_000)
    assert "smaller vocabulary" in refusal.value.fix
    assert list(out.iterdir()) == []


def test_a_sample_whose_pairs_could_not_be_counted_is_refused(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_SAMPLE", 100_000)
    with pytest.raises(BadInput, match=r"too large: its pairs are counted in 32 bits") as refusal:
        train_tokenizer(corpus, tmp_path, vocab=300, sample_bytes=60_000)
    assert "50,000 bytes of each of the 2 sources" in refusal.value.fix
    for side in ("train", "heldout"):
        (tmp_path / "small" / side).mkdir(parents=True)
        for name in "abc":
            write_documents(
                tmp_path / "small" / side / f"{name}.parquet", [Document("0", "some words " * 200, "p", "g")]
            )
    train_tokenizer(tmp_path / "small", tmp_path, vocab=260, sample_bytes=60_000)


def test_a_folder_of_files_gives_the_same_tokenizer_as_one_file(corpus: Path, trained: Path, tmp_path: Path) -> None:
    for side in ("train", "heldout"):
        for name in ("code", "text"):
            documents = list(read_documents(corpus / side / f"{name}.parquet"))
            (tmp_path / "parts" / side / name).mkdir(parents=True)
            for number, begin in enumerate(range(0, len(documents), 7)):
                path = tmp_path / "parts" / side / name / f"{number:05d}.parquet"
                write_documents(path, documents[begin : begin + 7])
    (tmp_path / "out").mkdir()
    train_tokenizer(tmp_path / "parts", tmp_path / "out", vocab=1024, sample_bytes=300_000)
    for name in ("tokenizer.json", "report.json"):
        assert (tmp_path / "out" / name).read_bytes() == (trained / name).read_bytes()


def test_progress_says_how_much_is_read(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOLD", 100_000)
    told: list[tuple[float, float, str]] = []
    train_tokenizer(corpus, tmp_path, vocab=300, sample_bytes=300_000, progress=lambda *args: told.append(args))
    notes = [note for _, _, *rest in told for note in rest]
    assert "merging" in notes
    assert sum("of at most" in note for note in notes) >= 3
    assert told[0][:2] == (0, 300)
    assert told[-1] == (300, 300)


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
