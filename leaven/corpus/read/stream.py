"""The bytes of a file, unpacked as its name says, in chunks of bounded size, up to where it is broken."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

import zstandard

from leaven.corpus.read.open import open_input

CHUNK = 1 << 20
FEEDS = {".zst": 1 << 10, ".gz": 1 << 15, ".bz2": 1 << 10, ".xz": 1 << 10}
"""Compressed bytes unpacked at once. Four bytes of zstd may stand for 128 KiB (a block of one repeated byte, RFC 8878,
section 3.1.1.2), so a KiB for 32 MiB, and a file of 100 KB for gigabytes; deflate stays below 1032:1 (zlib.net)."""
LARGEST_WINDOW = 1 << 31
XZ_MEMORY = 1 << 29
BROKEN = (zstandard.ZstdError, zlib.error, lzma.LZMAError, EOFError)


def compression(path: str) -> str:
    """`.zst`, `.gz`, `.bz2`, `.xz`, or "" where the name says that bytes are as they are."""
    lower = path.lower()
    for suffix, names in ((".zst", (".zst",)), (".gz", (".gz", ".tgz")), (".bz2", (".bz2", ".tbz2"))):
        if lower.endswith(names):
            return suffix
    return ".xz" if lower.endswith((".xz", ".txz")) else ""


def chunks(file: str, packed: str, skipped: Counter[str], first: int = 0) -> Iterator[bytes]:
    """The bytes of a file from `first` on; a break is counted and ends it.

    Args:
        file: name for `open_input`.
        packed: as `compression` says.
        skipped: reasons are counted here.
        first: where to begin; only in a file that is not compressed.
    """
    try:
        with open_input(file) as handle:
            if packed:
                yield from _unpacked(_parts(handle, FEEDS[packed]), packed, skipped)
            else:
                handle.seek(first)
                yield from _parts(handle, CHUNK)
    except OSError:
        skipped["unreadable"] += 1


def _parts(handle: BinaryIO, size: int) -> Iterator[bytes]:
    while part := handle.read(size):
        yield part


def _fresh(packed: str) -> Any:
    if packed == ".zst":
        return zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()
    if packed == ".gz":
        return zlib.decompressobj(wbits=31)
    return bz2.BZ2Decompressor() if packed == ".bz2" else lzma.LZMADecompressor(memlimit=XZ_MEMORY)


def _unpacked(parts: Iterator[bytes], packed: str, skipped: Counter[str]) -> Iterator[bytes]:
    """Frames of a zstd file or members of a gzip file, one after another, in chunks of about a MiB."""
    stream, begun, held = _fresh(packed), False, bytearray()
    try:
        for part in parts:
            while part:
                begun = True
                held += stream.decompress(part)
                part = stream.unused_data if stream.eof else b""
                if stream.eof:
                    stream, begun = _fresh(packed), False
                    # Padding after the last member (tapes, xz): zeros mean nothing.
                    part = part.lstrip(b"\0") if packed != ".zst" else part
                if len(held) >= CHUNK:
                    yield bytes(held)
                    held.clear()
    except BROKEN:
        skipped["damaged compressed file"] += 1
        begun = False
    except OSError as error:
        # bz2 has no error of its own for damaged data; a real failure to read has a number.
        if error.errno is not None:
            raise
        skipped["damaged compressed file"] += 1
        begun = False
    if held:
        yield bytes(held)
    if begun:
        skipped["truncated compressed file"] += 1
