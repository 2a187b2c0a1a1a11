"""A unit of a file of records → the records, whatever is broken among them.

Whatever cannot be a record is counted by reason and its good neighbours are kept: a truncated file gives the records
before the break, a malformed line costs only itself, a damaged row group only its own rows. Lines end at `\\n` and
nowhere else. No more than a batch, or a line, is held in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from leaven.corpus.read.columns import arrow, parquet
from leaven.corpus.read.forms import named_form
from leaven.corpus.read.lines import array, lines, lines_of_range, parsed
from leaven.corpus.read.stream import chunks, compression
from leaven.corpus.read.units import Unit


def records(
    unit: Unit, skipped: Counter[str], columns: frozenset[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, record) of a unit of a file of records, in order.

    A number says where a record is, whatever the units are: the line, element or row, from 1; in plain `.jsonl`, which
    is read in ranges, the byte at which the line begins, from 0.

    Args:
        unit: of a file of records.
        skipped: reasons are counted here.
        columns: top-level names that are needed of a Parquet or Arrow file; None reads all.
    """
    path = unit.entry.path
    kind, packed = named_form(path), compression(path)
    if kind == "parquet":
        return parquet(unit, skipped, columns)
    if kind == "arrow":
        return arrow(unit, skipped, columns)
    if kind == "lines" and not packed:
        return parsed(lines_of_range(unit, skipped), skipped)
    return _streamed(chunks(unit.entry.file, packed, skipped), kind == "json" or ".json." in path.lower(), skipped)


def _streamed(
    parts: Iterator[bytes], may_be_array: bool, skipped: Counter[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Records of a stream of lines or, where its first sign is `[` and its name allows it, of one array."""
    if may_be_array:
        for part in parts:
            start = part.removeprefix(b"\xef\xbb\xbf").lstrip()
            if start:
                parts = chain([start], parts)
                if start.startswith(b"["):
                    yield from array(parts, skipped)
                    return
                break
    yield from parsed(((number, line) for number, (_, line) in enumerate(lines(parts), 1)), skipped)
