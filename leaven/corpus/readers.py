"""A path of the user's → raw documents.

Accepted are a directory, plain text files and files of records (`.jsonl`, compressed or not, and Parquet
with a text column). Whatever cannot be a document is skipped and counted by reason, and its good neighbours
are kept: a truncated file gives the records before the break, a malformed line costs only itself. Lines end
at `\\n` and nowhere else.
"""

from __future__ import annotations

import codecs
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from leaven.corpus.document import Document, Tally
from leaven.corpus.plan import SourcePlan
from leaven.corpus.split import LONGEST, pieces
from leaven.corpus.tables import language_of
from leaven.corpus.tree import MAX_FILE, Entry, Unreadable, decode, read_bytes, walk
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput

RECORDS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
PLAIN = (".txt", ".md", ".markdown", ".rst", ".text")
ACCEPTED = "a directory, .txt, .md, .jsonl, .jsonl.gz, .jsonl.zst or .parquet"
CHUNK = 1 << 20
FEED = 1 << 10
"""Compressed bytes unpacked at once: four bytes of zstd may stand for 128 KiB (a block of one repeated byte, RFC 8878,
section 3.1.1.2), so a KiB for 32 MiB, and a file of 100 KB for gigabytes."""
SHORTEST_PASSAGE = 1000
"""Characters of the shortest passage that a lone text file is cut into."""
RAW_PER_BYTE = 2
"""Bytes of plain files looked at for each byte that a source may keep."""


def find(plan: SourcePlan, skipped: Counter[str]) -> list[Entry]:
    """The files below the plan's path that a source of its kind reads, sorted by path.

    Of a large directory only as many plain files as the source can keep are taken, in the order of a keyed
    hash.

    Raises BadInput if the path is missing, not of an accepted form, or nothing in it is.
    """
    root = plan.path
    if root is None or not os.path.exists(root):
        raise BadInput("there is no such file or directory", where=str(root), fix=f"Give {_forms(plan.kind)}.")
    if os.path.isfile(root):
        if not _is_read(plan.kind, root.name):
            raise BadInput(
                f"this form of file is not read for {plan.kind}",
                where=str(root),
                fix=f"Give {_forms(plan.kind)}.",
            )
        status = root.stat()
        return [Entry(root.name, os.fspath(root), status.st_size, status.st_mtime_ns, status.st_ino)]
    if not os.path.isdir(root):
        raise BadInput("this is neither a file nor a directory", where=str(root), fix=f"Give {_forms(plan.kind)}.")
    records, plain, other = [], [], 0
    for entry in walk(root, skipped):
        if entry.path.lower().endswith(RECORDS):
            records.append(entry)
        elif _is_read(plan.kind, entry.path):
            plain.append(entry)
        else:
            other += 1
    if other:
        skipped["other kind of file"] += other
    if not records and not plain and not (plan.kind == "adjacent" and is_checkout(root)):
        seen = ", ".join(f"{count} × {reason}" for reason, count in sorted(skipped.items())) or "it is empty"
        raise BadInput(
            f"nothing here can be read for {plan.kind} ({seen})",
            where=str(root),
            fix=f"Give {_forms(plan.kind)}.",
        )
    budget = plan.max_bytes * RAW_PER_BYTE
    taken = []
    for entry in sorted(plain, key=lambda entry: key64("select/1", plan.seed, plan.kind, entry.path)):
        if budget <= 0:
            break
        budget -= entry.size
        taken.append(entry)
    return sorted(records + taken, key=lambda entry: entry.path)


def is_checkout(path: Path) -> bool:
    """Whether `path` is the top of a git checkout."""
    return (path / ".git").exists()


def _is_read(kind: str, path: str) -> bool:
    lower = path.lower()
    if lower.endswith(RECORDS):
        return True
    if kind == "text":
        return lower.endswith(PLAIN)
    return language_of(lower, kind) is not None


def _forms(kind: str) -> str:
    also = {
        "web_code": "; source files as in leaven/corpus/data/languages.toml",
        "markup": "; Markdown, reStructuredText, HTML, CSS, YAML, TOML or JSON files",
        "adjacent": "; notebooks (.ipynb) or a git checkout",
    }
    return ACCEPTED + also.get(kind, "")


def read(entry: Entry, kind: str, tally: Tally, *, alone: bool = False) -> Iterator[Document]:
    """The raw documents of one file.

    Plain files are one document each, whose group is the file itself. A plain text that is all the user gave (`alone`)
    is read in passages instead, each a document of its own, or nothing of it could be held out.
    """
    tally.files += 1
    lower = entry.path.lower()
    if lower.endswith(RECORDS):
        for number, record in _records(entry, tally.skipped):
            document = _document(record, number, entry, tally.skipped)
            if document is not None:
                yield document
        return
    if alone and kind == "text":
        for number, passage in enumerate(_passages(entry, tally.skipped), 1):
            name = f"{entry.path}:{number}"
            yield Document(name, passage, entry.path, name)
        return
    try:
        text = decode(read_bytes(entry.file))
    except Unreadable as reason:
        tally.skipped[str(reason)] += 1
        return
    language = "" if kind == "text" else language_of(lower, kind) or ""
    yield Document(entry.path, text, entry.path, entry.path, language)


def _passages(entry: Entry, skipped: Counter[str]) -> Iterator[str]:
    """A text file of any size, cut between paragraphs into some forty passages or more, none very long."""
    longest = min(LONGEST, max(SHORTEST_PASSAGE, entry.size // 40))
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    held = ""
    for chunk in chain(_chunks(entry, skipped), [b""]):
        try:
            held += decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            skipped["invalid UTF-8"] += 1
            break
        if "\0" in held:
            skipped["binary"] += 1
            return
        held = held.replace("\r\n", "\n")
        cut = max(held.rfind("\n\n"), 0) or max(held.rfind("\n"), 0) or max(len(held) - longest, 0)
        yield from pieces(held[:cut].replace("\r", "\n"), longest)
        held = held[cut:]
    yield from pieces(held.replace("\r", "\n"), longest)


def _records(entry: Entry, skipped: Counter[str]) -> Iterator[tuple[int, Any]]:
    """(number from 1, record) of a file of records; what is broken is counted."""
    if entry.path.lower().endswith(".parquet"):
        yield from _parquet(entry.file, skipped)
        return
    for number, line in enumerate(_lines(entry, skipped), 1):
        if line is None:
            skipped["larger than 4 MiB"] += 1
        elif line.strip():
            try:
                yield number, json.loads(line.decode("utf-8-sig"))
            except UnicodeDecodeError:
                skipped["invalid UTF-8"] += 1
            except (ValueError, RecursionError):
                skipped["malformed JSON line"] += 1


def _document(record: Any, number: int, entry: Entry, skipped: Counter[str]) -> Document | None:
    if not isinstance(record, dict):
        skipped["record is not an object"] += 1
        return None
    if record.get("text") is None:
        skipped["no text field"] += 1
        return None
    if not isinstance(record["text"], str):
        skipped["text is not a string"] += 1
        return None
    try:
        text = decode(record["text"].encode())
    except UnicodeEncodeError:
        skipped["invalid Unicode"] += 1
        return None
    except Unreadable as reason:
        skipped[str(reason)] += 1
        return None
    if len(text) > MAX_FILE:
        skipped["larger than 4 MiB"] += 1
        return None
    given = record.get("id")
    named = isinstance(given, str | int) and not isinstance(given, bool) and _is_unicode(str(given))
    name = str(given) if named else f"{PurePosixPath(entry.path).name}:{number}"
    return Document(name, text, entry.path, name)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parquet(file: str, skipped: Counter[str]) -> Iterator[tuple[int, Any]]:
    number = 0
    try:
        with pq.ParquetFile(file) as table:
            names = table.schema_arrow.names
            if "text" not in names:
                skipped["no text column"] += 1
                return
            columns = [name for name in ("id", "text") if name in names]
            for batch in table.iter_batches(batch_size=256, columns=columns):
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        skipped["truncated or damaged Parquet"] += 1


def _lines(entry: Entry, skipped: Counter[str]) -> Iterator[bytes | None]:
    """Lines without their `\\n`; None stands for a line too long to be a document, which is never held in
    memory.
    """
    held, too_long = b"", False
    for chunk in _chunks(entry, skipped):
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            whole = held + line
            yield None if too_long or len(whole) > 2 * MAX_FILE else whole
            held, too_long = b"", False
        held += rest
        if len(held) > 2 * MAX_FILE:
            held, too_long = b"", True
    if too_long:
        yield None
    elif held:
        yield held


def _chunks(entry: Entry, skipped: Counter[str]) -> Iterator[bytes]:
    """The file's bytes, decompressed as its name says; a break in the compressed stream is counted and ends
    it.
    """
    name = entry.path.lower()
    try:
        with open(entry.file, "rb") as file:
            if name.endswith((".zst", ".gz")):
                yield from _unpacked(iter(lambda: file.read(FEED), b""), name.endswith(".zst"), skipped)
            else:
                yield from iter(lambda: file.read(CHUNK), b"")
    except OSError:
        skipped["unreadable"] += 1


def _unpacked(parts: Iterator[bytes], zstd: bool, skipped: Counter[str]) -> Iterator[bytes]:
    """Frames of a zstd file or members of a gzip file, one after another, in chunks of about a MiB."""

    def fresh() -> Any:
        if zstd:
            return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
        return zlib.decompressobj(wbits=31)

    stream, begun, held = fresh(), False, bytearray()
    try:
        for part in parts:
            while part:
                begun = True
                held += stream.decompress(part)
                part = stream.unused_data if stream.eof else b""
                if stream.eof:
                    stream, begun = fresh(), False
                if len(held) >= CHUNK:
                    yield bytes(held)
                    held.clear()
    except (zstandard.ZstdError, zlib.error):
        skipped["damaged compressed file"] += 1
        begun = False
    if held:
        yield bytes(held)
    if begun:
        skipped["truncated compressed file"] += 1
