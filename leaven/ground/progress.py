"""How a long verb tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called every so often with amounts in the verb's own unit (tokens, documents, items)."""

    def __call__(self, done: float, total: float, note: str = "") -> None: ...


def silent(done: float, total: float, note: str = "") -> None:
    """Progress that nobody watches."""
