"""Values assigned to names that speak of secrets: `password = "…"`, `"api_key": "…"`, `TOKEN=…`.

A password must mix kinds of characters, a key must look like chance; digests are spared as StarCoder spares them
(bigcode-dataset, pii/utils/keys_detection.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leaven.corpus.redact.chance import looks_random
from leaven.corpus.redact.table import TABLE, Span, tagged

_LIMITS = TABLE["secrets"]
_ROOTS = (
    ("pass", re.compile("word|wd|phrase|wort")),
    ("pwd", re.compile("")),
    ("secret", re.compile("")),
    ("token", re.compile("")),
    ("key", re.compile("")),
)
_PASSWORDS = tuple(_LIMITS["password"])
_NAMES = (*_PASSWORDS, *_LIMITS["key"])
_LONGEST_NAME = 16
_ASCII_LOWER = {upper: upper + 32 for upper in range(65, 91)}
_QUOTED = re.compile(
    r"""\w{0,2}["']?\]?[ \t]{0,8}(?::[ \t]{0,2}(?:str|String)[ \t]{0,2}=|=>|:=|=|:|,)[ \t]{0,8}[bru]?(["'`])"""
    r"""(?P<secret>[^\s"'`<>{}$\\]{6,512})\1"""
)
_BEFORE_BARE = re.compile(r"(?:export[ \t]+|-e[ \t]+|ENV[ \t]+|ARG[ \t]+)?[A-Z0-9_]*+")
_BARE = re.compile(r"=(?P<secret>[A-Za-z0-9+/_.=-]{16,512}+)[ \t]*+(?=\n|\Z|#)")


def assignments(text: str) -> Iterator[Span]:
    """Every value that is likely a secret by the name it is given and by its looks."""
    lower = _lower(text)
    digests: bool | None = None
    for start, end in _names(lower):
        value = _QUOTED.match(text, end) or _bare(text, start, end)
        if not value:
            continue
        secret = value["secret"]
        if lower.endswith(_PASSWORDS, max(0, end - _LONGEST_NAME), end):
            if _is_password(secret):
                yield tagged(*value.span("secret"), "PASSWORD")
        elif _is_key(secret) and not _is_digest(text, value.start("secret"), secret):
            digests = file_of_digests(text) if digests is None else digests
            if not digests:
                yield tagged(*value.span("secret"), "KEY")


def _names(lower: str) -> Iterator[tuple[int, int]]:
    """Where a name that speaks of a secret begins and ends, as its last part."""
    for root, rest in _ROOTS:
        at = lower.find(root)
        while at >= 0:
            found = rest.match(lower, at + len(root))
            end = found.end() if found else at + len(root)
            if found and lower.endswith(_NAMES, max(0, end - _LONGEST_NAME), end):
                yield at, end
            at = lower.find(root, end)


def _lower(text: str) -> str:
    """In lower case, every character in its place."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.translate(_ASCII_LOWER)


def file_of_digests(text: str) -> bool:
    """Whether `sha` or `hash` occurs more often than on a fiftieth of the lines: such a file's strings are digests."""
    lower = text.lower()
    limit = int(_LIMITS["hash_share"] * text.count("\n"))
    return lower.count("sha") > limit or lower.count("hash") > limit


def _bare(text: str, start: int, end: int) -> re.Match[str] | None:
    """A value without quotes, as in a file of environment variables: the name is in capitals and begins its line."""
    if not text[start:end].isupper() or text[end : end + 1] != "=":
        return None
    line = text[max(0, start - 64) : start].rpartition("\n")[2]
    return _BARE.match(text, end) if _BEFORE_BARE.fullmatch(line.lstrip()) else None


def _is_password(value: str) -> bool:
    """Letters with digits or marks among them, and no path, placeholder, dotted name, call or sentence."""
    lower = value.lower()
    if (
        len(value) < _LIMITS["min_password"]
        or len(value) > 64
        or any(word in lower for word in _LIMITS["placeholders"])
    ):
        return False
    if not any(map(str.isalpha, value)) or (re.fullmatch(r"[\w-]+(?:[./:][\w-]+)*", value) and not _mixed(value)):
        return False
    if "/" in value or "(" in value or value[0] in "#.%@-&?" or value[-1] in ":.?)":
        return False
    return _mixed(value) or any(mark in value for mark in "!@#^&*+~")


def _mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _is_key(value: str) -> bool:
    lower = value.lower()
    return (
        len(value) >= _LIMITS["min_key"]
        and re.fullmatch(r"[A-Za-z0-9+/_.=~-]+", value) is not None
        and not any(word in lower for word in _LIMITS["placeholders"])
        and "://" not in value
        and looks_random(value)
    )


def _is_digest(text: str, start: int, value: str) -> bool:
    if len(value) not in _LIMITS["hash_lengths"]:
        return False
    line = text[text.rfind("\n", 0, start) + 1 : start].lower()
    return any(word in line for word in _LIMITS["hash_words"])
