"""A key to somebody's endpoint: used in one place, shown nowhere."""

from __future__ import annotations

import base64
import re

HIDDEN = "[key]"

SHORTEST = 8
"""Characters of a key that is struck out of what a model writes. Shorter ones ("EMPTY", "none") are what servers
without keys are given: no secrets, and words that a reply may well hold."""


class Secret:
    """A key. Its `repr` hides it, so that no message, log or dump of variables shows it."""

    __slots__ = ("_key", "_pattern")

    def __init__(self, key: str) -> None:
        self._key = key
        self._pattern = re.compile("|".join([*_encoded(key), _spelled(key)])) if key else None

    def __repr__(self) -> str:
        return "Secret()"

    def __bool__(self) -> bool:
        return bool(self._key)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be written anywhere")

    @property
    def fits_a_header(self) -> bool:
        return self._key.isascii() and self._key.isprintable()

    def reveal(self) -> str:
        """The key itself, for a request's header."""
        return self._key

    def struck(self, text: str) -> str:
        """`text` without the key, however it is spelled: plain, escaped for JSON, a URL or HTML, base64, hex."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def struck_from_reply(self, text: str) -> str:
        """The same for what a model wrote, which a short key must not wreck."""
        return self.struck(text) if len(self._key) >= SHORTEST else text


def _spelled(key: str) -> str:
    """A pattern for the key in which each character may be escaped, also more than once."""
    return "".join(
        rf"(?:\\{{0,4}}{re.escape(c)}|\\{{1,4}}u(?i:{ord(c):04x})|%(?i:{ord(c):02x})|&#(?:{ord(c)}|[xX](?i:{ord(c):x}));)"
        for c in key
    )


def _encoded(key: str) -> list[str]:
    """Patterns for the key in hex and base64, at each of its three alignments in a longer text: only the characters
    that the key alone decides."""
    raw = key.encode()
    forms = [f"(?i:{raw.hex()})"]
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw).decode()
        core = coded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(core) >= SHORTEST:
            forms += [re.escape(core), re.escape(core.replace("+", "-").replace("/", "_"))]
    return forms
