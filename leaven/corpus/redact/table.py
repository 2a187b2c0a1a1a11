"""What is looked for and what replaces it: `data/rules/secrets.toml`, read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from leaven.corpus.rules.tables import DATA

TABLE: dict[str, Any] = tomllib.loads((DATA / "secrets.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Something to be replaced.

    Attributes:
        start: first character.
        end: first character after it.
        tag: `EMAIL`, `KEY`, `PASSWORD` or `IP_ADDRESS`.
        replacement: what stands there instead.
    """

    start: int
    end: int
    tag: str
    replacement: str


def tagged(start: int, end: int, tag: str) -> Span:
    """A span that its tag replaces, as `<EMAIL>`."""
    return Span(start, end, tag, f"<{tag}>")
