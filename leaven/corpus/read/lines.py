"""Lines of JSON and arrays of JSON, out of streams that may be broken anywhere."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from leaven.corpus.read.stream import chunks
from leaven.corpus.read.units import WHOLE, Unit
from leaven.corpus.tree import MAX_FILE

LONGEST = 2 * MAX_FILE
"""Bytes of JSON that may still hold a text of MAX_FILE bytes; whatever is longer is never held."""

TOO_LONG = "larger than 4 MiB"
_BOM = codecs.BOM_UTF8
_SPACE = " \t\r\n"


def lines(parts: Iterable[bytes], start: int = 0) -> Iterator[tuple[int, bytes | None]]:
    """(position of the first byte, line without its `\\n`); None stands for a line longer than LONGEST."""
    position, held, lost = start, b"", 0
    for part in parts:
        *whole, rest = part.split(b"\n")
        for line in whole:
            if lost:
                yield position, None
                position += lost
            if held:
                line, held = held + line, b""
            if not lost:
                yield position, line if len(line) <= LONGEST else None
            position += len(line) + 1
            lost = 0
        held += rest
        if lost or len(held) > LONGEST:
            held, lost = b"", lost + len(held)
    if lost:
        yield position, None
    elif held:
        yield position, held


def lines_of_range(unit: Unit, skipped: Counter[str]) -> Iterator[tuple[int, bytes | None]]:
    """The lines that begin within a unit's range of bytes; of the line before, no more is read than the range."""
    file, last = unit.entry.file, unit.last
    if unit.first == 0:
        parts, start = chunks(file, "", skipped), 0
    else:
        stream = chunks(file, "", skipped, unit.first - 1)
        start = unit.first - 1
        for part in stream:
            cut = part.find(b"\n")
            if cut >= 0:
                break
            start += len(part)
            if last != WHOLE and start >= last:
                return
        else:
            return
        start += cut + 1
        parts = chain([part[cut + 1 :]], stream)
    for position, line in lines(parts, start):
        if last != WHOLE and position >= last:
            return
        yield position, line


def parsed(numbered: Iterable[tuple[int, bytes | None]], skipped: Counter[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects that lines hold; every other line but an empty one is counted."""
    for number, line in numbered:
        if line is None:
            skipped[TOO_LONG] += 1
        elif line.strip():
            try:
                record = json.loads(line.removeprefix(_BOM).decode())
            except UnicodeDecodeError:
                skipped["invalid UTF-8"] += 1
            except (ValueError, RecursionError):
                skipped["malformed JSON line"] += 1
            else:
                if isinstance(record, dict):
                    yield number, record
                else:
                    skipped["record is not an object"] += 1


def array(parts: Iterator[bytes], skipped: Counter[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of one JSON array, from 1, with no more than an element and a chunk held.

    What follows an element that is no JSON, or far longer than LONGEST, cannot be told from it: it is lost, counted.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    scan = json.JSONDecoder().raw_decode
    held, at, number = "", 0, 0
    parts, ended, awaited = chain(parts, [b""]), False, "["
    while True:
        while at < len(held) and held[at] in _SPACE:
            at += 1
        if at < len(held) and held[at] == "]" and awaited != "[":
            return
        if at < len(held) and awaited:
            if held[at] != awaited:
                break
            at, awaited = at + 1, ""
            continue
        if at < len(held):
            try:
                record, end = scan(held, at)
            except (ValueError, RecursionError):
                if ended or len(held) - at > LONGEST:
                    break
            else:
                # A number may go on in the next chunk; an object is whole.
                if end < len(held) or ended:
                    longer, at, awaited, number = end - at > LONGEST, end, ",", number + 1
                    if longer:
                        skipped[TOO_LONG] += 1
                    elif isinstance(record, dict):
                        yield number, record
                    else:
                        skipped["record is not an object"] += 1
                    continue
        if ended:
            break
        # At least as much again as is held, so that a long element is not tried once a chunk.
        grown, wanted = [held[at:]], max(len(held) - at, 1)
        while wanted > 0 and not ended:
            part = next(parts)
            ended = not part
            grown.append(decoder.decode(part, final=ended))
            wanted -= len(part)
        held, at = "".join(grown), 0
    skipped["truncated or malformed JSON array"] += 1
