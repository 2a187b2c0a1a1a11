"""How a long verb tells how far it is, and what it measures on its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Row = Mapping[str, float | int | None]
"""What was measured at one moment, by name; None where there is no number. It is told, never kept in a result."""


class Progress(Protocol):
    """Called every so often with amounts in the verb's own unit (tokens, documents, items)."""

    def __call__(self, done: float, total: float, note: str = "", measured: Row | None = None) -> None: ...


def silent(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
    """Progress that nobody watches."""


def between(progress: Progress, first: float, last: float) -> Progress:
    """Progress of one part of a longer work: from the share `first` of the whole to the share `last`, in per cent."""

    def told(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
        progress(100 * (first + (last - first) * (done / total if total else 1.0)), 100, note, measured)

    return told
