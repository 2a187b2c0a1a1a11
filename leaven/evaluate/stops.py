"""Where a continuation ends in its text, found while the text still grows.

Invariant: whether a text is looked at once or after every few tokens, it is cut at the same place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HALF = "\ufffd"
"""What bytes decode to that are not, or not yet, a character."""


def first_stop(text: str, stops: Sequence[str], pattern: re.Pattern[str] | None = None) -> int | None:
    """Where the first of the stops, or the first match of the pattern, begins. An empty stop is none."""
    found = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    match = pattern.search(text) if pattern else None
    return min([*found, match.start()] if match else found, default=None)


def settled(text: str, stops: Sequence[str], pattern: re.Pattern[str] | None = None) -> bool:
    """Whether a text that goes on has a first stop which nothing that follows can change.

    Bytes at the end that are no character may become one, so they are not looked at. A stop that has begun further in
    front is waited for. A match of the pattern counts once a character follows it: the pattern must be one whose first
    match then stays the first.
    """
    text = text.rstrip(HALF)
    first = first_stop(text, stops, pattern)
    if first is None:
        return False
    match = pattern.search(text) if pattern else None
    if match and match.start() == first and match.end() == len(text) and first != first_stop(text, stops):
        return False
    longest = max((len(stop) for stop in stops), default=0)
    begun = range(max(0, len(text) - longest + 1), first)
    return not any(stop.startswith(text[place:]) for place in begun for stop in stops)


def cut(text: str, stops: Sequence[str], pattern: re.Pattern[str] | None = None) -> str:
    """The text before its first stop, without the bytes of a character that the last token began."""
    return text[: first_stop(text, stops, pattern)].rstrip(HALF)
