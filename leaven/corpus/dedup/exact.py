"""What makes two documents the same: their text but for white space."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

VERSION = "dedup/exact/1"
LONG = 1024
"""Characters from which a text is collapsed as an array rather than word by word."""
SPACES = bytes(32 if byte < 128 and chr(byte).isspace() else byte for byte in range(256))


def content_key(text: str) -> bytes:
    """128 bits of the SHA-256 of a text in UTF-8, runs of white space made one space and those at its ends left out."""
    return hashlib.sha256(_collapsed(text)).digest()[:16]


def content_keys(texts: Iterable[str]) -> np.ndarray:
    """`content_key` of every text as two little-endian words.

    Returns:
        (n, 2) uint64.
    """
    joined = b"".join(content_key(text) for text in texts)
    return np.frombuffer(joined, "<u8").astype(np.uint64).reshape(-1, 2)


def _collapsed(text: str) -> bytes | memoryview:
    if len(text) < LONG or not text.isascii():
        return " ".join(text.split()).encode("utf-8", "surrogatepass")
    units = np.frombuffer(text.encode().translate(SPACES), np.uint8)
    space = units == 32
    kept = np.empty(len(units), bool)
    kept[0] = not space[0]
    np.logical_and(space[1:], space[:-1], out=kept[1:])
    np.logical_not(kept[1:], out=kept[1:])
    found = units[kept].data
    return found[:-1] if len(found) and found[-1] == 32 else found
