"""E-mail addresses in a text, but those of examples, machines and files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leaven.corpus.redact.table import TABLE, Span, tagged

_EXAMPLES = frozenset(TABLE["emails"]["example_domains"])
_EXAMPLE_ENDINGS = tuple(TABLE["emails"]["example_endings"])
_NO_PERSON = frozenset(TABLE["emails"]["no_person"])
_FILES = frozenset(TABLE["emails"]["file_endings"])
_LOCAL_BACKWARDS = re.compile(r"[\w.%+-]{1,64}+")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_LOCAL_LENGTH = 64


def emails(text: str) -> Iterator[Span]:
    """Every address `local@domain` that may be a person's."""
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1)
        if domain:
            local = _LOCAL_BACKWARDS.match(text[max(0, at - _LOCAL_LENGTH) : at][::-1])
            if local and _is_person(local[0][::-1].lower(), domain[0].lower()):
                start = at - len(local[0])
                stripped = len(local[0]) - len(local[0].rstrip(".-"))
                if stripped < len(local[0]) and text[start - 2 : start] != "//":
                    yield tagged(start + stripped, _end(text, domain.end()), "EMAIL")
        at = text.find("@", at + 1)


def _end(text: str, end: int) -> int:
    """Perl's documentation closes an address with `E<gt>`, whose `E` is no part of it."""
    return end - 1 if text.startswith("E<gt>", end - 1) else end


def _is_person(local: str, domain: str) -> bool:
    return not (
        domain in _EXAMPLES
        or domain.endswith(_EXAMPLE_ENDINGS)
        or local in _NO_PERSON
        or domain.rpartition(".")[2] in _FILES
    )
