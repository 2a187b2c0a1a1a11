"""Keys whose issuers give them a form of their own, blocks of private keys, and passwords in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from leaven.corpus.redact.chance import looks_random
from leaven.corpus.redact.table import TABLE, Span, tagged


@dataclass(frozen=True)
class Format:
    """The form of one issuer's keys, as `secrets.toml` has it."""

    literals: tuple[str, ...]
    pattern: re.Pattern[str]
    back: int
    random: bool
    anywhere: bool


FORMATS = tuple(
    Format(
        tuple(entry["has"]),
        re.compile(entry["pattern"]),
        entry.get("back", 0),
        entry.get("random", False),
        entry.get("anywhere", False),
    )
    for entry in TABLE["format"]
)
_OF_RUNS = tuple(form for form in FORMATS if not form.anywhere)
_LITERALS = "|".join(re.escape(literal) for form in _OF_RUNS for literal in form.literals if literal[0] != "-")
_IN_RUNS = re.compile(rf"(?:(?<![A-Za-z0-9])(?:{_LITERALS}))|-us")
_ANYWHERE = tuple(form for form in FORMATS if form.anywhere)
_IN_RUN = bytes(49 if byte < 128 and (chr(byte).isalnum() or byte in b"_-") else 48 for byte in range(256))
_RUN = b"1" * 20
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_LONGEST_BLOCK = 20_000
_BODY = re.compile(r"[A-Za-z0-9+/=]{32}")
_USERINFO = re.compile(r"://[^\s/:@\"'<>]{0,64}+:(?P<secret>[^\s/:@\"'<>{}$%()\[\]*]{4,128}+)@(?=[A-Za-z0-9.-])")
_PLACEHOLDERS = frozenset(("password", "passwd", "pass", "secret", "user", "username", "pword", "pswd", "token"))


def keys(text: str) -> Iterator[Span]:
    """Every key of a known form."""
    runs = long_runs(text)
    if not runs:
        return
    begun = set(_IN_RUNS.findall(runs))
    for form in _OF_RUNS if begun else ():
        for literal in begun.intersection(form.literals):
            yield from _of_form(text, form, literal)
    for form in _ANYWHERE:
        for literal in form.literals:
            if literal in text:
                yield from _of_form(text, form, literal)


def long_runs(text: str) -> str:
    """The runs of 20 characters or more out of ASCII letters, digits, `_` and `-`, each on a line."""
    inside = (text.encode() if text.isascii() else text.encode("ascii", "replace")).translate(_IN_RUN)
    runs = []
    start = inside.find(_RUN)
    while start >= 0:
        end = inside.find(b"0", start)
        end = len(inside) if end < 0 else end
        runs.append(text[start:end])
        start = inside.find(_RUN, end)
    return "\n".join(runs)


def _of_form(text: str, form: Format, literal: str) -> Iterator[Span]:
    group = "secret" if "secret" in form.pattern.groupindex else 0
    at = text.find(literal)
    while at >= 0:
        match = form.pattern.match(text, max(0, at - form.back))
        if match and _is_secret(match[group], form):
            yield tagged(*match.span(group), "KEY")
        at = text.find(literal, match.end() if match else at + 1)


def _is_secret(value: str, form: Format) -> bool:
    return not value.endswith("EXAMPLE") and (not form.random or looks_random(value))


def private_keys(text: str) -> Iterator[Span]:
    """What stands between the lines that begin and end a private key, if it holds at least a line of one."""
    if "PRIVATE KEY" not in text:
        return
    for match in _BEGIN.finditer(text):
        start = match.end()
        end = text.find("-----END ", start, start + _LONGEST_BLOCK)
        body = _BODY.search(text, start, max(start, end))
        if body and "-----BEGIN" not in text[start:end]:
            inside = text[start:end]
            left = len(inside) - len(inside.lstrip())
            right = len(inside.rstrip())
            yield tagged(start + left, start + right, "KEY")


def passwords_in_addresses(text: str) -> Iterator[Span]:
    """The password of `scheme://user:password@host`."""
    if "@" not in text or "://" not in text:
        return
    for match in _USERINFO.finditer(text):
        value = match["secret"].lower()
        if value not in _PLACEHOLDERS and not value.isdigit() and set(value) != {"x"}:
            yield tagged(*match.span("secret"), "PASSWORD")
