"""What issues and threads share: who speaks is a number, long comments lose their middle, and a conversation is kept
if it is one.

Source: bigcode-dataset preprocessing/filtering_issues.py and utils/utils_issues.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from leaven.corpus.adjacent.thresholds import table

START, COMMENT, CLOSED = "<issue_start>", "<issue_comment>", "<issue_closed>"
_WORD = re.compile(r"(@?)([A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*)(\[bot\])?")


@dataclass(frozen=True, slots=True)
class Comment:
    """What one person said; the text is "" for an action without words."""

    author: str
    text: str
    action: str = ""


def shortened(text: str) -> str:
    """`text` without the middle of its lines where it has more than the table's `max_lines`."""
    limits = table()["issue"]
    if text.count("\n") < limits["max_lines"]:
        return text
    lines = text.split("\n")
    return "\n".join([*lines[: limits["head_lines"]], "[Truncated]", *lines[-limits["tail_lines"] :]])


def refusal(comments: Sequence[Comment], prefix: str) -> str | None:
    """Why a conversation is not kept, or None: too little said, or one person saying too much."""
    limits = table()["issue"]
    said = sum(len(comment.text) for comment in comments)
    if said < limits["min_characters"]:
        return f"{prefix}: too short"
    if len({comment.author for comment in comments}) >= limits["min_users"]:
        return None
    if said > limits["max_characters"] or len(comments) > limits["max_events"]:
        return f"{prefix}: one user"
    return None


def numbered(authors: Iterable[str]) -> dict[str, str]:
    """Author → `username_i`, in the order in which they first speak."""
    return {author: f"username_{number}" for number, author in enumerate(dict.fromkeys(authors))}


def anonymous(comments: Sequence[Comment], faithful: bool) -> list[Comment]:
    """Comments whose authors are `username_i`, in the authors' place and wherever a comment names them.

    As published (`faithful`), every occurrence of a name is replaced, name after name, inside longer words too.
    Otherwise only whole words are, of `min_bare_name` letters or with an @ before them, without regard to case.
    """
    names = numbered(comment.author for comment in comments)
    if faithful:
        return [
            replace(comment, author=names[comment.author], text=_published(comment.text, names)) for comment in comments
        ]
    least = table()["issue"]["min_bare_name"]
    known = {name.lower(): number for name, number in names.items() if name}

    def masked(match: re.Match[str]) -> str:
        number = known.get((match[2] + (match[3] or "")).lower())
        if number is None and match[3]:
            number = known.get(match[2].lower())
            return f"{match[1]}{number}{match[3]}" if number and (match[1] or len(match[2]) >= least) else match[0]
        return match[1] + number if number and (match[1] or len(match[2]) >= least) else match[0]

    def text_of(said: str) -> str:
        lower = said.lower()
        return _WORD.sub(masked, said) if any(name in lower for name in known) else said

    return [replace(c, author=names[c.author], text=text_of(c.text)) for c in comments]


def _published(text: str, names: dict[str, str]) -> str:
    for name, number in names.items():
        if name and name in text:
            text = text.replace(name, number)
    return text
