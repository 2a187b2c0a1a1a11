"""Content keys against the plain definition."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.dedup import exact
from leaven.corpus.dedup.exact import content_key, content_keys


def plain(text: str) -> bytes:
    return hashlib.sha256(" ".join(text.split()).encode()).digest()[:16]


spaced = st.text(st.sampled_from("ab é\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\xa0"), max_size=30)


@given(st.lists(spaced | st.text(st.characters(exclude_categories=["Cs"])) | st.text(st.sampled_from("x \n\x1f"))))
def test_keys_are_the_definition(texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "LONG", 1)
        assert [content_key(text) for text in texts] == [plain(text) for text in texts]
        assert content_keys(texts).astype("<u8").tobytes() == b"".join(map(plain, texts))


def test_long_texts():
    texts = ["def f():\n    return 1\n" * 200, " " * 5000, "é " * 3000]
    assert [content_key(text) for text in texts] == [plain(text) for text in texts]
    assert content_keys([]).shape == (0, 2)
    assert content_keys(texts).dtype == np.uint64
    assert content_key("a  b\n") == content_key("a b")
