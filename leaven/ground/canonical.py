"""Canonical data and its hash: the one function every identity in leaven is made with.

Canonical JSON: keys sorted, no white space, UTF-8, floats by Python's shortest round-trip repr, no NaN or infinity.
An integer and a float of the same value differ (`1` is not `1.0`), so callers coerce by schema before hashing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

IDENTITY_LENGTH = 32
"""Hex digits kept of a SHA-256: 128 bits, so 2**64 steps before a collision is likely."""


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def text(data: Any) -> str:
    """`data` (dict, list, str, int, float, bool, None) as canonical JSON. Raises TypeError/ValueError otherwise."""
    return _ENCODER.encode(data)


def canonical(data: Any) -> bytes:
    """The canonical JSON of `data` in UTF-8."""
    return text(data).encode()


def identity(data: Any) -> str:
    """The identity of canonical data: the first 128 bits of its SHA-256, in hex."""
    return identity_of(text(data))


def identity_of(written: str) -> str:
    """The identity of data whose canonical JSON is at hand."""
    return hashlib.sha256(written.encode()).hexdigest()[:IDENTITY_LENGTH]


def key64(*parts: Any) -> int:
    """A 64-bit key from data: every random choice in leaven is a function of such a key, never of global state."""
    return int.from_bytes(hashlib.sha256(canonical(list(parts))).digest()[:8], "little")
