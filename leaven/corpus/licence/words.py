"""A package's own words for its licence as an SPDX expression."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from leaven.corpus.licence.spdx import IN_FILE, UNKNOWN, all_of, any_of, identifiers, parse, tables, written

VERSION = "licence names/1"

LONGEST = 1000
"""Characters of words that are read; longer ones are texts."""

_JOINTS = re.compile(r"(\bAND\b|\bOR\b|\bWITH\b|[(),/;&|]+)", re.IGNORECASE)
_LATER = re.compile(
    r",?[ ]*\(?\bor[ -]*(?:\(at your (?:option|choice)\) )?(?:any )?(?:later|newer|greater|above)\b(?: versions?)?\)?"
)
_FILLER = frozenset(
    ("the", "a", "an", "license", "licenses", "licensed", "software", "version", "versions", "v", "ver", "or", "of")
)
_WORDS = re.compile(r"[a-z]+|\d+(?:\.\d+)*|\+|>=")
_AND_FILE = re.compile(r"[ ]*[+|][ ]*file[ ]+LICEN[CS]E\b[ ]*$")
_IN_FILE = re.compile(
    r"(?i)see[ ]+(?:the[ ]+)?licen[cs]e\b|(?:see|in|\+)[ ]+(?:the[ ]+)?file\b|licen[cs]e(?:\.\w+)?[ ]+file"
)


@functools.cache
def _known_words() -> Mapping[str, str]:
    """Words, as compared → identifier."""
    table, names = tables()
    found = {_key(alias): key for key, aliases in names["aliases"].items() for alias in aliases}
    for key in [*table["names"], *identifiers().values()]:
        found.setdefault(_key(key), key)
    for key, name in table["names"].items():
        found.setdefault(_key(name), key)
    found.pop("", None)
    return found


def _key(words: str) -> str:
    text = _LATER.sub(" later ", " ".join(words.lower().replace("-", " ").replace("_", " ").split()))
    text = text.replace("licence", "license").replace("(", " ").replace(")", " ")
    for longer, shorter in tables()[1]["shorter"].items():
        text = text.replace(longer, shorter)
    tokens = set()
    for word in _WORDS.findall(text):
        word = "later" if word in ("+", ">=") else word
        word = re.sub(r"(?:\.0)+$", "", word) if word[0].isdigit() else word
        if word not in _FILLER and word != "gnu":
            tokens.add(
                word.removesuffix("v") if word in ("gplv", "lgplv", "agplv", "mplv", "bsdv", "cddlv", "eplv") else word
            )
    return " ".join(sorted(tokens))


def normalise(said: object) -> str:
    """An SPDX expression for what a package says of its licence.

    Args:
        said: an SPDX expression, a name ("Apache 2.0", "GPLv3+", "The MIT License (MIT)"), a trove classifier, several
            of them joined ("MIT/Apache-2.0" is a choice, "MIT, BSD" are both), npm's `{type, url}` or pyproject's
            `{file}` and `{text}`, or a list of these (a choice, as npm and Composer mean it).

    Returns:
        "" where nothing is said, `UNKNOWN` where it cannot be read, `IN_FILE` where it points at a file, else an
        expression.
    """
    if isinstance(said, Mapping):
        if "file" in said and not said.get("text"):
            return IN_FILE
        return normalise(said.get("type") or said.get("name") or said.get("text") or "")
    if isinstance(said, list | tuple):
        return any_of(normalise(one) for one in said[:20])
    return _said(said) if isinstance(said, str) else ""


@functools.lru_cache(maxsize=4096)
def _said(said: str) -> str:
    words = _AND_FILE.sub("", " ".join(said[: LONGEST + 1].split()).strip("\"'`.,;"))
    if not words or words.upper() in ("UNKNOWN", "NONE", "N/A", "NULL", "TODO"):
        return ""
    if len(words) > LONGEST:
        return UNKNOWN
    tree = parse(words)
    if tree:
        return written(tree)
    words = words.rpartition("::")[2].strip()
    if words.lower() in ("osi approved", "license", "dfsg approved"):
        return ""
    return _named(words) or (IN_FILE if _IN_FILE.search(words) else _from_parts(words))


def _named(words: str) -> str:
    """The licence that these words as a whole name, with and without what stands in parentheses."""
    known = _known_words()
    inside = re.search(r"\(([^()]{1,60})\)", words)
    outside = re.sub(r"\([^()]{0,60}\)", " ", words)
    for one in (words, outside, inside[1] if inside and len(inside[1]) > 2 else ""):
        found = known.get(_key(one)) if one else None
        if found:
            tree = parse(found)
            return written(tree) if tree else found
    return ""


def _from_parts(words: str) -> str:
    """Words joined by and, or, with, commas and slashes, each a licence; `UNKNOWN` unless every one is known.

    An exception that is not known is left out: it only ever allows more.
    """
    together = re.split(r",[ ]+and[ ]+", words, flags=re.IGNORECASE)
    if len(together) > 1:  # Debian's ", and" binds weaker than "or"
        found = [normalise(one) for one in together]
        return UNKNOWN if UNKNOWN in found else all_of(found)
    pieces = [piece.strip() for piece in _JOINTS.split(_LATER.sub("+", words)) if piece.strip()]
    rebuilt: list[str] = []
    for piece in pieces:
        upper = piece.upper()
        if upper in ("AND", "OR", "WITH", "(", ")"):
            if not (upper in ("AND", "OR") and rebuilt and rebuilt[-1] in ("AND", "OR")):
                rebuilt.append(upper)
            elif upper == "OR":
                rebuilt[-1] = "OR"
        elif _JOINTS.fullmatch(piece):
            rebuilt.append("OR" if set(piece) <= set("/|") else "AND")
        elif rebuilt and rebuilt[-1] == "WITH":
            exception = identifiers().get(piece.lower().replace(" ", "-"))
            rebuilt[-1:] = ["WITH", exception] if exception else []
        else:
            named = _named(piece)
            if not named:
                return UNKNOWN
            rebuilt.append(f"({named})" if " " in named else named)
    tree = parse(" ".join(rebuilt))
    return written(tree) if tree else UNKNOWN
