"""How a long verb tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called every so often with amounts in the verb's own unit (tokens, documents, items)."""

    def __call__(self, done: float, total: float, note: str = "") -> None: ...


def silent(done: float, total: float, note: str = "") -> None:
    """Progress that nobody watches."""


def between(progress: Progress, first: float, last: float) -> Progress:
    """Progress of one part of a longer work: from the share `first` of the whole to the share `last`, in per cent."""

    def told(done: float, total: float, note: str = "") -> None:
        progress(100 * (first + (last - first) * (done / total if total else 1.0)), 100, note)

    return told
