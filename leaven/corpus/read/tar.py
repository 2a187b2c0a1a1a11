"""Members of a tar stream (POSIX.1-1988 ustar, POSIX.1-2001 pax, GNU), as they come.

The stream is read once and never held: a member larger than a document is passed over, a header larger than any name
needs is too. A break costs what lies behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from leaven.corpus.read.forms import limits
from leaven.corpus.read.members import TOO_LARGE, Budget, member_path, unwanted
from leaven.corpus.tree import MAX_FILE, Unreadable

BLOCK = 512
_REGULAR = (b"0", b"\0", b"7")
_REFUSED = {
    b"1": "link in an archive",
    b"2": "link in an archive",
    b"3": "device in an archive",
    b"4": "device in an archive",
    b"6": "device in an archive",
}
_SILENT = (b"g", b"K", b"V")
"""Headers about the archive, or about links, which are refused in any case."""
_ZEROS = bytes(BLOCK)


class _End(Exception):
    """The stream stops within a member."""


class _Tape:
    """A stream of chunks from which so many bytes are taken, or passed over."""

    def __init__(self, parts: Iterator[bytes], budget: Budget) -> None:
        self.parts, self.budget, self.held, self.at = parts, budget, b"", 0

    def _more(self) -> bool:
        self.budget.spend(self.at)
        self.held, self.at = next(self.parts, b""), 0
        return bool(self.held)

    def take(self, size: int) -> bytes:
        """`size` bytes, fewer at the end of the stream."""
        found = self.held[self.at : self.at + size]
        self.at += len(found)
        if len(found) == size:
            return found
        grown = [found]
        missing = size - len(found)
        while missing and self._more():
            grown.append(self.held[:missing])
            self.at = len(grown[-1])
            missing -= self.at
        return b"".join(grown)

    def skip(self, size: int) -> None:
        """Raises _End if the stream stops before."""
        while size > len(self.held) - self.at:
            size -= len(self.held) - self.at
            self.at = len(self.held)
            if not self._more():
                raise _End
        self.at += size


def members(
    parts: Iterator[bytes], budget: Budget, wanted: Callable[[str], bool], skipped: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of the regular members, in their order; all else is counted.

    Args:
        parts: the bytes of the archive, unpacked.
        budget: of the archive; raises TooMuch where it is spent.
        wanted: whether a member of this path is to be read; "other kind of file" otherwise.
        skipped: reasons are counted here.
    """
    tape = _Tape(parts, budget)
    long_name, pax = b"", dict[bytes, bytes]()
    try:
        while (block := tape.take(BLOCK)) and block != _ZEROS:
            if len(block) < BLOCK:
                raise _End
            if not _is_header(block):
                skipped["damaged archive"] += 1
                return
            size, kind = _number(block[124:136]), block[156:157]
            padding = -size % BLOCK
            if kind in _SILENT:
                tape.skip(size + padding)
                continue
            if kind in (b"L", b"x"):
                if size > limits()["header"]:
                    skipped["header of an archive beyond use"] += 1
                    tape.skip(size + padding)
                    continue
                data = _whole(tape, size)
                tape.skip(padding)
                if kind == b"L":
                    long_name = data.rstrip(b"\0")
                else:
                    pax = _pax(data)
                continue
            if b"size" in pax:
                size = _decimal(pax[b"size"])
                padding = -size % BLOCK
            name = pax.get(b"path") or long_name or _name(block)
            sparse = kind == b"S" or any(key.startswith(b"GNU.sparse") for key in pax)
            long_name, pax = b"", {}
            if kind == b"S":
                _skip_sparse_map(tape, block)
            # As tarfile does: links, folders and devices have no data, whatever their size says.
            if kind in _REFUSED:
                skipped[_REFUSED[kind]] += 1
            elif kind == b"5" or (kind == b"\0" and name.endswith(b"/")):
                pass
            elif kind not in _REGULAR or sparse:
                skipped["other kind of member"] += 1
                tape.skip(size + padding)
            else:
                path = _chosen(name, size, budget, wanted, skipped)
                if not path:
                    tape.skip(size + padding)
                    continue
                yield path, _whole(tape, size)
                tape.skip(padding)
    except _End:
        skipped["truncated archive"] += 1
    except ValueError:
        skipped["damaged archive"] += 1


def _whole(tape: _Tape, size: int) -> bytes:
    data = tape.take(size)
    if len(data) < size:
        raise _End
    return data


def _chosen(name: bytes, size: int, budget: Budget, wanted: Callable[[str], bool], skipped: Counter[str]) -> str:
    budget.count()
    try:
        path = member_path(name)
        if not path:
            return ""
        if not wanted(path):
            raise Unreadable(unwanted(path))
        if size > MAX_FILE:
            raise Unreadable(TOO_LARGE)
    except Unreadable as reason:
        skipped[str(reason)] += 1
        return ""
    return path


def _is_header(block: bytes) -> bool:
    """Whether the sum of a header's bytes is what it says, its own eight taken as spaces."""
    try:
        stated = _number(block[148:156])
    except ValueError:
        return False
    total = sum(block) - sum(block[148:156]) + 8 * 32
    if stated == total:
        return True
    signed = total - 256 * sum(1 for byte in block[:148] + block[156:] if byte > 127)
    return stated == signed


def _number(field: bytes) -> int:
    """An octal number, or one of base 256 (GNU). Raises ValueError."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise ValueError("negative size")
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip()
    if not digits.isdigit() and digits:
        raise ValueError("no number")
    return int(digits or b"0", 8)


def _decimal(field: bytes) -> int:
    if not field.isdigit() or len(field) > 18:
        raise ValueError("no number")
    return int(field)


def _name(block: bytes) -> bytes:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _pax(data: bytes) -> dict[bytes, bytes]:
    """The records of an extended header: `length key=value\\n` each, the length counting itself."""
    found, at = {}, 0
    while at < len(data) and data[at : at + 1] != b"\0":
        space = data.find(b" ", at, at + 20)
        length = _decimal(data[at:space]) if space > 0 else 0
        key, sep, value = data[space + 1 : at + length - 1].partition(b"=")
        if not length or not sep:
            raise ValueError("no extended header")
        found[key] = value
        at += length
    return found


def _skip_sparse_map(tape: _Tape, block: bytes) -> None:
    more = block[482]
    while more:
        more = _whole(tape, BLOCK)[504]
