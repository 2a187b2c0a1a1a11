"""Where steps on the cluster say how far they are: one small actor that tasks tell and the driver asks.

What it holds may be lost with its machine: nothing but display depends on it. Ends travel as results of tasks.
"""

from __future__ import annotations

from typing import Any

Said = tuple[str, int, list[dict[str, Any]]]
"""The ticket of an attempt at a step (or gang), the number of the process in its gang, and its messages."""


class Board:
    """Messages of steps, and words that members of a gang leave for each other."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.words: dict[str, str] = {}

    def tell(self, ticket: str, process: int, messages: list[dict[str, Any]]) -> None:
        self.said.append((ticket, process, messages))

    def take(self) -> list[Said]:
        """What was told since the last time, in the order it came."""
        said, self.said = self.said, []
        return said

    def leave(self, ticket: str, word: str) -> None:
        self.words[ticket] = word

    def read(self, ticket: str) -> str | None:
        """None until somebody has left it."""
        return self.words.get(ticket)
