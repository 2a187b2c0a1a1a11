"""Fields of records that nobody has checked: text comes out clean, all else is refused with a reason to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Unusable(Exception):
    """A record that cannot be read; the message is the reason, as counted in `Tally.skipped`."""


def text_of(record: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """The text in field `name`, cleaned; `default` where it is absent or null. Raises Unusable."""
    value = record.get(name)
    if value is None:
        if default is None:
            raise Unusable(f"record without {name}")
        return default
    if not isinstance(value, str):
        raise Unusable(f"record: {name} is not text")
    return clean(value)


def clean(text: str) -> str:
    """`text` with line ends made `\\n`. Raises Unusable for NUL and for what is not valid Unicode."""
    if "\0" in text:
        raise Unusable("binary")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Unusable("invalid Unicode") from error
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def word_of(record: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds a word or a number, "" where none does: facts that nothing depends on."""
    for name in names:
        value = record.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and value.isprintable():
            return value
        if isinstance(value, int):
            return str(value)
    return ""
