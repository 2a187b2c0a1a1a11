"""SPDX licence expressions: read, written in one way, classed as The Stack v2 classes them, and kept by a keep-list."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leaven.ground.errors import BadInput, did_you_mean

VERSION = "licence/1"

DATA = Path(__file__).parent.parent / "data"

UNKNOWN = "unknown-licence"
"""Something is said about a licence, but not what is known here."""

IN_FILE = "LicenseRef-in-file"
"""The package's words send the reader to a file."""

LONGEST = 1000
"""Characters of an expression; longer ones are none."""

_DEEPEST = 20
_TOKENS = re.compile(r"[()]|[A-Za-z0-9.:_-]+\+?|\S")
_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d\.\d)(\+?)")
_REFERENCE = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")

Class = Literal["permissive", "no_license", "non_permissive"]


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence, with the exception that it is granted with."""

    name: str
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """Licences that all hold ("AND") or of which one may be chosen ("OR")."""

    joint: Literal["AND", "OR"]
    parts: tuple[Node, ...]


Node = Licence | Joined


@functools.cache
def tables() -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables of identifiers and of names."""
    read = [(DATA / name).read_text(encoding="utf-8") for name in ("licences.toml", "licences_names.toml")]
    return tomllib.loads(read[0]), tomllib.loads(read[1])


@functools.cache
def identifiers() -> Mapping[str, str]:
    """Every identifier known, in lower case → as SPDX writes it."""
    table, names = tables()
    known = [*table["permissive"], *table["other"], *table["exceptions"], *names["references"]["permissive"]]
    return {key.lower(): key for key in [*known, UNKNOWN, IN_FILE, "NONE", "NOASSERTION"]}


@functools.lru_cache(maxsize=4096)
def parse(expression: str) -> Node | None:
    """The tree of an SPDX expression of known identifiers and LicenseRefs; None where it is none.

    Operators and identifiers may be in any case, as deprecated GNU identifiers may be used (`GPL-2.0+`).
    """
    tokens = _TOKENS.findall(expression[:LONGEST])
    if not tokens or len(expression) > LONGEST:
        return None
    try:
        tree, rest = _alternatives(tokens, 0, 0)
    except ValueError:
        return None
    return tree if rest == len(tokens) else None


def _alternatives(tokens: list[str], at: int, depth: int) -> tuple[Node, int]:
    return _joined("OR", tokens, at, depth)


def _joined(joint: Literal["AND", "OR"], tokens: list[str], at: int, depth: int) -> tuple[Node, int]:
    parts: list[Node] = []
    while True:
        part, at = _joined("AND", tokens, at, depth) if joint == "OR" else _one(tokens, at, depth)
        parts.append(part)
        if at >= len(tokens) or tokens[at].upper() != joint:
            return join(joint, parts), at
        at += 1


def _one(tokens: list[str], at: int, depth: int) -> tuple[Node, int]:
    if at >= len(tokens) or depth > _DEEPEST:
        raise ValueError
    if tokens[at] == "(":
        tree, at = _alternatives(tokens, at + 1, depth + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise ValueError
        return tree, at + 1
    name = _identifier(tokens[at])
    at += 1
    if at + 1 < len(tokens) and tokens[at].upper() == "WITH":
        return Licence(name, _identifier(tokens[at + 1])), at + 2
    return Licence(name), at


def _identifier(token: str) -> str:
    """An identifier as SPDX writes it today. Raises ValueError where it is not known."""
    if _REFERENCE.fullmatch(token):
        return identifiers().get(token.lower(), token)
    gnu = _GNU.fullmatch(token.upper())
    if gnu:
        return f"{gnu[1]}-{gnu[2]}-{'or-later' if gnu[3] else 'only'}"
    known = identifiers().get(token.lower()) or identifiers().get(token.lower().removesuffix("+"))
    if known is None:
        raise ValueError
    return known + "+" if token.endswith("+") and not known.endswith("+") else known


def join(joint: Literal["AND", "OR"], parts: Iterable[Node]) -> Node:
    """Licences joined; equal ones once, joints of one kind flattened."""
    flat: dict[Node, None] = {}
    for part in parts:
        inner = part.parts if isinstance(part, Joined) and part.joint == joint else (part,)
        flat |= dict.fromkeys(inner)
    return next(iter(flat)) if len(flat) == 1 else Joined(joint, tuple(flat))


def written(tree: Node) -> str:
    """The tree as an SPDX expression, with the fewest parentheses."""
    if isinstance(tree, Licence):
        return f"{tree.name} WITH {tree.exception}" if tree.exception else tree.name
    inner = (
        f"({written(part)})" if isinstance(part, Joined) and tree.joint == "AND" else written(part)
        for part in tree.parts
    )
    return f" {tree.joint} ".join(inner)


def all_of(expressions: Iterable[str]) -> str:
    """The expression under which all of them hold; "" of none. Duplicates are said once, in the order given."""
    return _of("AND", expressions)


def any_of(expressions: Iterable[str]) -> str:
    """The expression of which one may be chosen; "" of none."""
    return _of("OR", expressions)


def _of(joint: Literal["AND", "OR"], expressions: Iterable[str]) -> str:
    trees = [parse(expression) or Licence(UNKNOWN) for expression in expressions if expression]
    return written(join(joint, trees)) if trees else ""


_BEST: tuple[Class, ...] = ("permissive", "no_license", "non_permissive")
_SCANCODE = "LicenseRef-scancode-"


@functools.cache
def _permissive() -> frozenset[str]:
    ids, names = tables()
    own = (_SCANCODE + name for name in ids["permissive_scancode"])
    return frozenset([*ids["permissive"], *names["references"]["permissive"], *own])


@functools.cache
def _neutral() -> frozenset[str]:
    return frozenset(tables()[1]["references"]["neutral"])


@functools.lru_cache(maxsize=4096)
def classify(expression: str) -> Class:
    """The class of an expression: of alternatives (OR) the best, of licences that all hold (AND) the worst.

    Nothing said (or SPDX's NONE) is "no_license"; what cannot be read is "non_permissive", as The Stack v2 has it for
    NOASSERTION. Contributor agreements, disclaimers and the like change nothing. An exception (WITH) only ever allows
    more, so it never makes a licence worse, nor a copyleft one permissive.
    """
    if not expression:
        return "no_license"
    tree = parse(expression)
    return "non_permissive" if tree is None else (_class(tree) or "no_license")


def _class(tree: Node) -> Class | None:
    """None for what is no licence."""
    if isinstance(tree, Licence):
        if tree.name in _neutral():
            return None
        if tree.name == "NONE":
            return "no_license"
        return "permissive" if tree.name.removesuffix("+") in _permissive() else "non_permissive"
    inner = [one for one in (_class(part) for part in tree.parts) if one is not None]
    if not inner:
        return None
    return (min if tree.joint == "OR" else max)(inner, key=_BEST.index)


def keep(expression: str, kept: str | Sequence[str], *, field: str = "licences") -> bool:
    """Whether a document under this expression is kept.

    Args:
        expression: as `normalise` writes it, "" where nothing is known.
        kept: "permissive", "permissive+none" (The Stack v2's choice), "any", or SPDX identifiers ("NONE" for nothing
            said): one of the alternatives must be listed, and all of what holds together.
        field: the study's field, for messages.

    Raises:
        BadInput: another word, or an identifier that SPDX does not have.
    """
    if isinstance(kept, str):
        if kept not in ("permissive", "permissive+none", "any"):
            near = did_you_mean(kept, ("permissive", "permissive+none", "any"))
            raise BadInput(f'"{kept}" keeps no licences{near}', field=field, fix="or a list of SPDX identifiers")
        found = classify(expression)
        return kept == "any" or found == "permissive" or (kept == "permissive+none" and found == "no_license")
    allowed = _listed(tuple(kept), field)
    tree = parse(expression) if expression else Licence("NONE")
    return tree is not None and _allowed(tree, allowed)


@functools.lru_cache(maxsize=64)
def _listed(kept: tuple[str, ...], field: str) -> frozenset[str]:
    allowed = set()
    for position, name in enumerate(kept):
        tree = parse(name)
        if not isinstance(tree, Licence):
            near = did_you_mean(name, tables()[0]["names"])
            said = f'no licence has the SPDX identifier "{name}"' + (near if "did you mean" in near else "")
            raise BadInput(said, field=f"{field}[{position}]")
        allowed.add(written(tree))
    return frozenset(allowed)


def _allowed(tree: Node, allowed: frozenset[str]) -> bool:
    if isinstance(tree, Joined):
        return (any if tree.joint == "OR" else all)(_allowed(part, allowed) for part in tree.parts)
    exact = f"{tree.name} WITH {tree.exception}" if tree.exception else tree.name
    return exact in allowed or tree.name in allowed or tree.name in _neutral()
