"""Members of a zip file, by its index or, where the index is gone, one after another from its beginning."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO

from leaven.corpus.read.forms import limits
from leaven.corpus.read.members import TOO_LARGE, Budget, member_path, unwanted
from leaven.corpus.tree import MAX_FILE, Unreadable

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
_LOCAL = struct.Struct("<4s5H3L2H")
_END_SEARCHED = (1 << 16) + 22
_FEED = 1 << 12
_LINK, _TYPE = 0o120000, 0o170000
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, ValueError, NotImplementedError)


def members(
    handle: BinaryIO, budget: Budget, wanted: Callable[[str], bool], skipped: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of the members, in the order of the index; all else is counted.

    Args:
        handle: the archive, seekable.
        budget: of the archive; raises TooMuch where it is spent.
        wanted: whether a member of this path is to be read; "other kind of file" otherwise.
        skipped: reasons are counted here.
    """
    if _index_size(handle) > limits()["index"]:
        skipped["index of an archive beyond use"] += 1
        return
    try:
        archive = zipfile.ZipFile(handle)
    except _DAMAGE:
        yield from _without_index(handle, budget, wanted, skipped)
        return
    with archive:
        for info in archive.infolist():
            try:
                # The name as stored: bit 11 says UTF-8, else code page 437, of which ASCII is all that agrees.
                name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
                path = _chosen(name, info.flag_bits, info.compress_type, budget, wanted)
                if not path:
                    continue
                if (info.external_attr >> 16) & _TYPE == _LINK:
                    raise Unreadable("link in an archive")
                if info.file_size > MAX_FILE:
                    raise Unreadable(TOO_LARGE)
                with archive.open(info) as member:
                    data = member.read(MAX_FILE + 1)
            except Unreadable as reason:
                skipped[str(reason)] += 1
                continue
            except (*_DAMAGE, RuntimeError):
                skipped["damaged archive member"] += 1
                continue
            budget.spend(len(data))
            if len(data) > MAX_FILE:
                skipped[TOO_LARGE] += 1
                continue
            yield path, data


def _chosen(name: bytes, flags: int, method: int, budget: Budget, wanted: Callable[[str], bool]) -> str:
    """The path of a member to be read, "" for a folder or what tools keep. Raises Unreadable."""
    if name.endswith(b"/"):
        return ""
    budget.count()
    path = member_path(name)
    if not path:
        return ""
    if flags & 1:
        raise Unreadable("encrypted archive member")
    if not wanted(path):
        raise Unreadable(unwanted(path))
    if method not in (STORED, DEFLATED):
        raise Unreadable("compression of an archive that is not read")
    return path


def _index_size(handle: BinaryIO) -> int:
    """Bytes of the index as the end of the file states them; 0 where there is no end."""
    size = handle.seek(0, 2)
    handle.seek(max(0, size - _END_SEARCHED))
    tail = handle.read(_END_SEARCHED)
    at = tail.rfind(b"PK\x05\x06")
    stated = int.from_bytes(tail[at + 12 : at + 16], "little") if 0 <= at <= len(tail) - 22 else 0
    locator = tail[at - 20 : at]
    if stated != 0xFFFFFFFF or locator[:4] != b"PK\x06\x07":
        return stated
    handle.seek(min(int.from_bytes(locator[8:16], "little"), size))
    return int.from_bytes(handle.read(56)[40:48], "little")


def _without_index(
    handle: BinaryIO, budget: Budget, wanted: Callable[[str], bool], skipped: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    """The members before the break of a zip whose end is missing, by the header that stands before each."""
    handle.seek(0)
    found = False
    while len(head := handle.read(_LOCAL.size)) == _LOCAL.size and head[:4] == b"PK\x03\x04":
        found = True
        _, _, flags, method, _, _, _, packed, _, name_length, extra_length = _LOCAL.unpack(head)
        name, extra = handle.read(name_length), handle.read(extra_length)
        start = handle.tell()
        path = ""
        try:
            path = _chosen(name, flags, method, budget, wanted)
        except Unreadable as reason:
            skipped[str(reason)] += 1
        streamed = bool(flags & 8)
        if packed == 0xFFFFFFFF and not streamed:
            packed = _zip64_size(extra)
        if streamed and (method != DEFLATED or flags & 1):
            break
        try:
            data, used = _inflated(handle, method, packed if not streamed else -1, budget, keep=bool(path))
        except _DAMAGE:
            break
        if path and len(data) > MAX_FILE:
            skipped[TOO_LARGE] += 1
        elif path:
            yield path, data
        handle.seek(start + (used if streamed else packed))
        if streamed:
            _skip_descriptor(handle)
    skipped["truncated archive" if found else "damaged archive"] += 1


def _inflated(handle: BinaryIO, method: int, packed: int, budget: Budget, keep: bool) -> tuple[bytes, int]:
    """(bytes of a member, packed bytes it took): at most a byte more than a document is held.

    `packed` is −1 where only the stream itself says how long it is. Raises EOFError where the file stops before.
    """
    if not keep and packed >= 0:
        return b"", packed
    stream = zlib.decompressobj(-15) if method == DEFLATED else None
    found, held, used = [], 0, 0
    while packed < 0 or used < packed:
        part = handle.read(_FEED if packed < 0 else min(_FEED, packed - used))
        if not part:
            raise EOFError
        used += len(part)
        data = stream.decompress(part) if stream else part
        budget.spend(len(data))
        if held <= MAX_FILE:
            found.append(data)
            held += len(data)
        if stream and stream.eof:
            used -= len(stream.unused_data)
            break
    if stream and not stream.eof:
        raise EOFError
    return b"".join(found), used


def _zip64_size(extra: bytes) -> int:
    """The packed size of a member's zip64 field (size, packed size)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1 and length >= 16:
            return int.from_bytes(extra[at + 12 : at + 20], "little")
        at += 4 + length
    return 0xFFFFFFFF


def _skip_descriptor(handle: BinaryIO) -> None:
    """Pass over checksum and sizes behind a streamed member: with a signature or without, of 4 or 8 bytes each."""
    start = handle.tell()
    ahead = handle.read(28)
    for length in (16, 24, 12, 20):
        if ahead[length : length + 4] in (b"PK\x03\x04", b"PK\x01\x02"):
            handle.seek(start + length)
            return
    handle.seek(start + len(ahead))
