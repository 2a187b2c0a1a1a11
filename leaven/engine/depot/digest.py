"""What a file must be elsewhere: its length, its SHA-256, and the sums by which object stores tell what they hold.

An S3 object's ETag is the MD5 of its bytes if it was sent in one request, and the MD5 of the pieces' MD5s with
their number if it was sent in pieces (Amazon S3 User Guide, "Checking object integrity"); with keys of the
customer's it is neither, so an ETag can prove that bytes are right, never that they are wrong. Google's storage
tells the MD5.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leaven.engine.depot.writing import PIECE

BLOCK = 1 << 20


@dataclass(frozen=True)
class Digest:
    """Sums of a file here. `pieces`: the ETag it has when sent in pieces of `writing.PIECE` bytes."""

    bytes: int
    sha256: str
    md5: str
    pieces: str


@dataclass(frozen=True)
class Found:
    """A file as a listing shows it: bytes, its MD5 or ETag ("" where none is told), and when it was written by the
    clock there, in seconds since the epoch (0 where that is not told)."""

    bytes: int
    tag: str = ""
    modified: float = 0.0

    def proves(self, digest: Digest) -> bool:
        """Whether the listing alone shows that the bytes are those of the file here."""
        return self.bytes == digest.bytes and self.tag in (digest.md5, digest.pieces)


def digest(path: Path) -> Digest:
    """The sums of a file, read once."""
    sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    piece, pieces, count = hashlib.md5(usedforsecurity=False), b"", 0
    size = inside = 0
    with path.open("rb") as file:
        while block := file.read(min(BLOCK, PIECE - inside)):
            for sum_ in (sha, md5, piece):
                sum_.update(block)
            size, inside = size + len(block), inside + len(block)
            if inside == PIECE:
                pieces, count, inside = pieces + piece.digest(), count + 1, 0
                piece = hashlib.md5(usedforsecurity=False)
    if inside:
        pieces, count = pieces + piece.digest(), count + 1
    tag = f"{hashlib.md5(pieces, usedforsecurity=False).hexdigest()}-{count}"
    return Digest(size, sha.hexdigest(), md5.hexdigest(), tag)


def found(info: Mapping[str, Any]) -> Found:
    """What an entry of a listing tells."""
    tag = str(info.get("ETag") or "").strip('"')
    if info.get("md5Hash"):
        tag = base64.b64decode(info["md5Hash"]).hex()
    return Found(int(info.get("size") or 0), tag, _modified(info))


def _modified(info: Mapping[str, Any]) -> float:
    """File systems tell it by several names, as a number, a moment or words (ISO 8601)."""
    for name in ("LastModified", "mtime", "updated", "last_modified", "modified", "created"):
        told = info.get(name)
        try:
            if isinstance(told, str):
                told = datetime.fromisoformat(told)
            if isinstance(told, datetime):
                return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
            if isinstance(told, int | float):
                return float(told)
        except (ValueError, OverflowError):
            continue
    return 0.0
