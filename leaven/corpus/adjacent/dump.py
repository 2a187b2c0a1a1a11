"""Rows of a StackExchange dump (`Posts.xml`, `Users.xml`), one after the other, whatever stands between them.

A dump has one row on a line. Every line is parsed by itself, so a broken row costs only itself, there is no place for
a document type, and so no entity is ever expanded. Memory is that of one row, and rows above the table's limit are
counted. Dumps come as 7z archives, which are not read: unpack them first (`7z x stackoverflow.com-Posts.7z`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from leaven.corpus.adjacent.thresholds import table

_ROOT = 4096
"""Bytes within which a dump names its root element."""


def root_of(path: Path) -> str:
    """The name of the first element of a dump, e.g. `posts`; "" for what is none. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(_ROOT).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<?xml"):
        head = head.partition(b"?>")[2].lstrip()
    name = head[1:].split(b">")[0].split()
    return name[0].decode(errors="replace") if head.startswith(b"<") and name else ""


def rows(path: Path, skipped: Counter[str]) -> Iterator[dict[str, str]]:
    """The attributes of each row; what is no row that can be read is counted. Raises OSError."""
    limit = table()["thread"]["max_row"]
    with open(path, "rb") as file:
        while line := file.readline(limit):
            if len(line) == limit and not line.endswith(b"\n"):
                while (rest := file.readline(limit)) and not rest.endswith(b"\n"):
                    pass
                skipped["row too large"] += 1
                continue
            line = line.strip()
            if not line.startswith(b"<row"):
                continue
            row = _row(line)
            if row is None:
                skipped["broken row"] += 1
            else:
                yield row


def _row(line: bytes) -> dict[str, str] | None:
    found: list[dict[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append(attributes)

    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = start
    try:
        parser.Parse(line, True)
    except expat.ExpatError:
        return None
    return found[0] if len(found) == 1 else None
