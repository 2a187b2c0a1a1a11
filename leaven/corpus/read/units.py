"""The smallest pieces of raw input that are read by one call, so that any number of processes share one large file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from leaven.corpus.plan import SourcePlan
from leaven.corpus.read.forms import form, limits
from leaven.corpus.read.open import is_remote
from leaven.corpus.tree import Entry

DAMAGE = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises for files that are none of its own; names in them that are no UTF-8 are a ValueError."""

WHOLE = -1
"""`last` of a unit that goes on to the end."""

PLAIN_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of one entry.

    Attributes:
        entry: the file, or the folder of a git repository.
        first, last: half-open range of bytes (plain lines), row groups (Parquet) or batches (Arrow); 0 and WHOLE for
            all else. A line belongs to the range in which it begins.
        size: bytes of it as they lie on disk, about.
    """

    entry: Entry
    first: int
    last: int
    size: int


def units(plan: SourcePlan, entries: Iterable[Entry], target: int = 0) -> list[Unit]:
    """The units of entries, in their order: a function of the files alone.

    Args:
        plan: says what `.json` files are.
        entries: what `find` found.
        target: bytes of a unit, about; 0 takes the table's.
    """
    return [unit for entry in entries for unit in _of_entry(plan, entry, target or limits()["unit"])]


def _of_entry(plan: SourcePlan, entry: Entry, target: int) -> list[Unit]:
    kind = form(entry.path, plan)
    if kind == "lines" and entry.path.lower().endswith(PLAIN_LINES):
        edges = [*range(0, max(entry.size, 1), target), entry.size]
        return [Unit(entry, first, last, last - first) for first, last in pairwise(edges)]
    if kind in ("parquet", "arrow") and entry.size > target // 4 and not is_remote(entry.file):
        try:
            weights = _row_groups(entry.file) if kind == "parquet" else _batches(entry.file)
        except DAMAGE:
            weights = []
        if weights:
            return list(_grouped(entry, weights, target))
    return [Unit(entry, 0, WHOLE, entry.size)]


def _grouped(entry: Entry, weights: Sequence[int], target: int) -> Iterator[Unit]:
    """Consecutive parts of about `target` bytes in memory; sizes are shares of the file."""
    total, first, held = max(sum(weights), 1), 0, 0
    for number, weight in enumerate(weights, 1):
        held += weight
        if held >= target or number == len(weights):
            yield Unit(entry, first, number, entry.size * held // total)
            first, held = number, 0


def _row_groups(file: str) -> list[int]:
    meta = pq.read_metadata(file)
    return [meta.row_group(number).total_byte_size for number in range(meta.num_row_groups)]


def _batches(file: str) -> list[int]:
    """Bytes of each batch. The file is mapped: of a stream only the headers between batches are looked at."""
    with pa.memory_map(file) as source:
        if source.read(6) == b"ARROW1":
            source.seek(0)
            reader = pa.ipc.open_file(source)
            return [reader.get_batch(number).nbytes for number in range(reader.num_record_batches)]
        source.seek(0)
        found: list[int] = []
        with pa.ipc.open_stream(source) as stream:
            try:
                for batch in stream:
                    found.append(batch.nbytes)
            except DAMAGE:
                # The reader meets the same break and counts it: what lies before it is shared out all the same.
                found.append(0)
        return found
