"""A transform for tests of shards, in a module that worker processes can import."""

from __future__ import annotations

from leaven.corpus.document import Dropped


def upper(text: str, language: str, name: str, *, without: str) -> str:
    assert language == "python"
    if name.endswith(without):
        raise Dropped("nothing is left")
    return text.upper()
