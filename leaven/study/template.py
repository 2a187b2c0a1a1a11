"""Mappings that many steps share, written down once: 100,000 steps have a few dozen kinds of fields and inputs.

Invariant: the text of a `Written` is `leaven.ground.canonical.text` of what it holds, so that an identity is the same
whichever way it was come by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from leaven.ground.canonical import text as text_of


class Written(NamedTuple):
    """A mapping and its canonical text. Steps share it: nobody changes it, or what is in it, any more."""

    held: dict[str, Any]
    text: str


def written(held: Mapping[str, Any]) -> Written:
    """A mapping with its canonical text."""
    kept = dict(held)
    return Written(kept, text_of(kept))


class Template:
    """A mapping in which some values are still open."""

    def __init__(self, held: Mapping[str, Any], *opened: str) -> None:
        if not opened or set(opened) & set(held):
            raise ValueError(f"open {opened} do not stand beside {sorted(held)}")
        self._held, self._opened = dict(held), opened
        self._pieces: list[tuple[str, int]] = []
        piece = "{"
        for place, key in enumerate(sorted([*held, *opened])):
            piece += f"{',' if place else ''}{text_of(key)}:"
            if key in held:
                piece += text_of(held[key])
            else:
                self._pieces.append((piece, opened.index(key)))
                piece = ""
        self._last = piece + "}"

    def filled(self, *values: Any) -> Written:
        """The mapping with these values of what was open, in the order in which it was named."""
        text = "".join([f"{piece}{_short(values[at])}" for piece, at in self._pieces])
        held = dict(self._held)
        for name, value in zip(self._opened, values, strict=True):
            held[name] = value
        return Written(held, text + self._last)


def _short(value: Any) -> str:
    """Canonical text; whole numbers, by far the most, are not worth an encoder."""
    return str(value) if type(value) is int else text_of(value)
