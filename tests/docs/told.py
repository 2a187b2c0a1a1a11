"""Whether a command printed what its page shows: the shown lines in their order, figures apart."""

from __future__ import annotations

import re
from collections.abc import Iterable

FIGURE = re.compile(r"[+−-]?\d+(?:,\d{3}(?!\d))*(?:\.\d+)*(?:e[+−-]?\d+)?[KMBGT]?(?=[^A-Za-z_\d]|$)|\d")


def alike(text: str) -> str:
    """A line without its figures, its runs of spaces, dashes of bars and colons of times."""
    return re.sub(r"\s+", " ", FIGURE.sub("#", text)).replace("#:#", "#").strip()


def unsaid(shown: Iterable[str], printed: str) -> str | None:
    """The first shown line that was not printed after those before it; None where all were.

    `…` stands for anything in a line, and alone for any lines.
    """
    rows = [alike(row) for row in printed.split("\n")]
    at = 0
    for line in shown:
        wanted = alike(line)
        if wanted in ("", "…"):
            continue
        pattern = re.compile(".*?".join(re.escape(part) for part in wanted.split("…")))
        found = next((n for n in range(at, len(rows)) if pattern.fullmatch(rows[n])), None)
        if found is None:
            return line
        at = found + 1
    return None
