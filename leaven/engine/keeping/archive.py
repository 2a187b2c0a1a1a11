"""A tar file of plain files, and nothing else: no links, no devices, no folders, nothing that a reader could be led by.

Equal contents give equal bytes: no times, owners or modes of this machine are written, members come in the order they
are given, and compression (Zstandard) is that of one level and one thread. Readers take only what they ask for: a
header is 512 bytes, names and sizes are bounded, and of a member no more is read than its size.
"""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import zstandard

from leaven.ground.errors import BadInput

BLOCK = tarfile.BLOCKSIZE
LONGEST = tarfile.LENGTH_NAME
"""Bytes of a member's name that fit a header without further members (POSIX.1-1988 ustar)."""
LEVEL = 3
ZSTD = b"\x28\xb5\x2f\xfd"
"""How a Zstandard frame begins (RFC 8878, 3.1.1)."""
SUFFIXES = (".tar.zst", ".tar")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Member:
    """A file in an archive that is being read; its content follows in the stream."""

    name: str
    size: int


@contextlib.contextmanager
def writing(file: IO[bytes], *, compress: bool) -> Iterator[IO[bytes]]:
    """A stream that members are written to; the end of the archive is written when it is left without an error."""
    if not compress:
        yield file
        file.write(bytes(2 * BLOCK))
        return
    with zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_writer(file, closefd=False) as stream:
        yield stream
        stream.write(bytes(2 * BLOCK))


def header(name: str, size: int) -> bytes:
    """The header of a plain file: sizes of 8 GiB and more in base 256, as GNU tar writes and all tars read."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    made = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
    if len(made) != BLOCK:
        raise ValueError(f"the name of a member has at most {LONGEST} bytes")
    return made


def padding(size: int) -> bytes:
    """What follows a content of this size."""
    return bytes(-size % BLOCK)


class Reader:
    """An archive that somebody sent. Every mistake in it is a BadInput that names the file."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        begin = file.read(len(ZSTD))
        file.seek(0)
        self._stream: Any = file
        if begin == ZSTD:
            self._stream = zstandard.ZstdDecompressor().stream_reader(file, closefd=False)
        self._left = self._behind = 0

    def next(self) -> Member | None:
        """The next member, or None at the archive's end. The content of the last one must have been read."""
        if self._left:
            raise ValueError("the content of the last member has not been read")
        self._exactly(self._behind)
        block = self._exactly(BLOCK)
        if not any(block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError):
            raise self.bad("it is damaged: what should be a tar header is none") from None
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
            raise self.bad(f"{info.name!r} in it is not a plain file; leaven writes nothing else")
        self._left, self._behind = info.size, -info.size % BLOCK
        return Member(info.name, info.size)

    def content(self) -> Iterator[bytes]:
        """The last member's content, in pieces."""
        while self._left:
            piece = self._exactly(min(CHUNK, self._left))
            self._left -= len(piece)
            yield piece

    def _exactly(self, size: int) -> bytes:
        pieces = []
        while size:
            try:
                piece = self._stream.read(size)
            except zstandard.ZstdError as error:
                raise self.bad(f"it is damaged: {error}") from None
            except OSError as error:
                raise self.bad(f"it cannot be read: {error.strerror}") from None
            if not piece:
                raise self.bad("it is cut off: its end is missing")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def bad(self, what: str) -> BadInput:
        return BadInput(
            what, where=str(self.path), fix="Get the file again from where it was written. Nothing was imported."
        )
