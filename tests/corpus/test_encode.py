"""Flat encoding: the ids of the hub library, whatever the text, and never slow."""

from __future__ import annotations

import inspect
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as HubTokenizer

from leaven.corpus import encode
from leaven.corpus.document import Document, write_documents
from leaven.corpus.encode import encode_flat
from leaven.corpus.tokenizer import Tokenizer, train_tokenizer

LIBRARY = Path(inspect.getfile(inspect)).parent
MB = 1_000_000

HOSTILE = {
    "nothing": "",
    "one letter": "a" * MB,
    "one space": " " * MB,
    "spaces, then a word": " " * MB + "end",
    "one tab": "\t" * MB,
    "line ends": "\n" * MB,
    "carriage returns": "\r\n" * (MB // 2),
    "one sign": "=" * MB,
    "digits": "7" * MB,
    "letters of four bytes": "\U00020000" * (MB // 4),
    "emoji with joiners": "👩\u200d👩\u200d👧\u200d👦🏽" * (MB // 30),
    "no spaces": "漢字仮名交じり文" * (MB // 24),
    "lone combining marks": "\u0301\u0323\u20dd" * (MB // 7),
    "one long line": "x = [" + "0x1f, " * (MB // 6) + "]",
    "the end of text, written out": "<|endoftext|>" * (MB // 13),
    "its beginnings": "<|endoftext" * (MB // 11),
    "strange spaces": "\u2003\u00a0\u3000\x1c\x85 " * (MB // 12),
    "right to left": "שלום עולם \u202eabc " * (MB // 26),
}


@pytest.fixture(scope="module")
def hub_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encode")
    texts = [path.read_text(encoding="utf-8") for path in sorted(LIBRARY.glob("[a-b]*.py"))]
    texts += ["漢字仮名交じり文 👩\u200d👧 שלום عربي наука \u0301\u0323 " * 20, " " * 500 + "=" * 500 + "a" * 500]
    for side, documents in (("train", texts), ("heldout", [])):
        (folder / side).mkdir()
        write_documents(
            folder / side / "code.parquet", [Document(str(n), t, "p", "g") for n, t in enumerate(documents)]
        )
    train_tokenizer(folder, folder, vocab=1500, sample_bytes=400_000)
    return folder / "tokenizer.json"


@pytest.fixture(scope="module")
def tokenizer(hub_file: Path) -> Tokenizer:
    return Tokenizer.load(hub_file)


@pytest.fixture(scope="module")
def hub(hub_file: Path) -> HubTokenizer:
    hub = HubTokenizer.from_file(str(hub_file))
    hub.encode_special_tokens = True  # as ordinary text: by default it cuts documents where they write one out
    return hub


def reference(hub: HubTokenizer, texts: list[str]) -> tuple[list[int], list[int]]:
    """Ids, each document ended by 0, and the ends, as the hub library makes them."""
    ids: list[int] = []
    ends = []
    for encoding in hub.encode_batch(texts, add_special_tokens=False):
        ids += [*encoding.ids, 0]
        ends.append(len(ids))
    return ids, ends


def test_real_files_in_any_number_of_threads(
    tokenizer: Tokenizer, hub: HubTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "PORTION", 10_000)
    texts = [path.read_text(encoding="utf-8") for path in sorted(LIBRARY.glob("[c-f]*.py"))]
    ids, ends = reference(hub, texts)
    for threads in (1, 2, 5):
        for dtype in ("<u2", "<u4"):
            found = encode_flat(tokenizer, texts, dtype, threads)
            assert found.ids.dtype == np.dtype(dtype)
            assert found.ends.tolist() == ends
            assert found.ids.tolist() == ids


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_has_the_same_ids_and_is_not_slow(tokenizer: Tokenizer, hub: HubTokenizer, name: str) -> None:
    text = HOSTILE[name]
    begin = time.process_time()
    found = encode_flat(tokenizer, [text])
    took = time.process_time() - begin
    assert took < 5, f"{took:.1f} s for {len(text.encode()):,} bytes"
    assert tokenizer.decode(found.ids[:-1].tolist()) == text
    short = text[:50_000]
    assert encode_flat(tokenizer, [short]).ids[:-1].tolist() == hub.encode(short, add_special_tokens=False).ids


def test_a_special_token_written_out_is_ordinary_text(tokenizer: Tokenizer) -> None:
    found = encode_flat(tokenizer, ["a<|endoftext|>b", "<|endoftext|>"])
    assert np.flatnonzero(found.ids == tokenizer.eot).tolist() == [end - 1 for end in found.ends.tolist()]


def test_lone_surrogates_become_replacement_characters(tokenizer: Tokenizer) -> None:
    assert encode_flat(tokenizer, ["a\ud800b"]).ids.tolist() == encode_flat(tokenizer, ["a\ufffdb"]).ids.tolist()


def test_nothing(tokenizer: Tokenizer) -> None:
    assert encode_flat(tokenizer, []).ids.tolist() == encode_flat(tokenizer, []).ends.tolist() == []
    found = encode_flat(tokenizer, ["", ""])
    assert (found.ids.tolist(), found.ends.tolist()) == ([0, 0], [1, 2])


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80), max_size=6))
def test_any_unicode(tokenizer: Tokenizer, hub: HubTokenizer, texts: list[str]) -> None:
    found = encode_flat(tokenizer, texts, threads=2)
    assert (found.ids.tolist(), found.ends.tolist()) == reference(hub, texts)


@settings(deadline=None)
@given(st.text(st.sampled_from("aZ1٣ \t\n\r\u2003'sS.=_é漢\u0301\u200d👩\U00020000"), max_size=200))
def test_any_boundary(tokenizer: Tokenizer, hub: HubTokenizer, text: str) -> None:
    assert encode_flat(tokenizer, [text]).ids[:-1].tolist() == hub.encode(text, add_special_tokens=False).ids
