"""The corpus step: sources → one corpus, deduplicated and split, in an order whose every prefix is a fair
sample.

Exact duplicates (equal but for white space) are removed within a source, across sources, and across the
split: where train and held-out share a text, training loses it. Long documents are cut first, so the
guarantees hold for what is trained on. Texts are streamed three times and never held together, except one
source while it is put in order.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from leaven.corpus.document import Document, read_documents, write_documents
from leaven.corpus.split import held_out_groups, pieces
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Progress, silent

TRAIN, HELDOUT = "train", "heldout"


@dataclass(slots=True)
class _Count:
    """What happened to one source's documents."""

    duplicates: int = 0
    cross_source: int = 0
    overlap: int = 0


def assemble(
    source_folders: Mapping[str, Path],
    out: Path,
    *,
    heldout: float = 0.05,
    max_heldout_bytes: int = 1_000_000,
    seed: int = 0,
    into: Mapping[str, str] | None = None,
    optional: Collection[str] = (),
    progress: Progress = silent,
) -> None:
    """Write `train/<source>.parquet`, `heldout/<source>.parquet` and `report.json` into the empty folder
    `out`.

    Args:
        source_folders: source name → folder of its source step; of duplicates the first source keeps its own.
        heldout: share of each source's bytes that is held out, by whole groups.
        max_heldout_bytes: no source holds out more; what its held-out groups have beyond that is in neither
            side.
        seed: of the split and of the order.
        into: source → source that its documents join, in training only (facts planted in text).
        optional: sources that may be empty.
        progress: told in sources passed.

    Raises:
        BadInput: a source that is not optional has no documents, or none left after duplicates were removed.
    """
    into = dict(into or {})
    names = [name for name in source_folders if name not in into]
    parts = {name: [name, *sorted(source for source in into if into[source] == name)] for name in names}
    sizes = {name: _group_sizes(source_folders[name]) for name in names}
    planted = {
        group
        for name, folder in source_folders.items()
        if _is_planted(name, folder, into)
        for group in _group_sizes(folder)
    }
    for name in names:
        if not sizes[name] and name not in optional:
            raise BadInput("no documents", field=f"source {name}", fix=_why_empty(source_folders[name]))
    held = held_out_groups(sizes, heldout, max_heldout_bytes, seed, planted)
    (out / TRAIN).mkdir()
    (out / HELDOUT).mkdir()
    counts: dict[str, _Count] = defaultdict(_Count)
    rows: dict[str, dict[str, int]] = {name: {} for name in names}
    owner: dict[bytes, str] = {}
    turns = [(side, name) for side in (HELDOUT, TRAIN) for name in names]
    for turn, (side, name) in enumerate(turns):
        progress(turn, len(turns), f"{side} {name}")
        folders = [source_folders[part] for part in (parts[name] if side == TRAIN else [name])]
        chosen = _distinct(_side(folders, held, side == HELDOUT), f"{side} {name}", owner, counts[name])
        ordered = _ordered(chosen, name, seed, max_heldout_bytes if side == HELDOUT else None)
        write_documents(out / side / f"{name}.parquet", ordered)
        rows[name] |= {f"{side}_documents": len(ordered), f"{side}_bytes": _bytes(ordered)}
    for name in names:
        if not rows[name]["train_documents"] and name not in optional:
            counted = counts[name]
            raise BadInput(
                f"no documents left for training ({counted.duplicates} duplicates within the source, "
                f"{counted.cross_source} of other sources, {counted.overlap} of held-out documents removed)",
                field=f"source {name}",
            )
        rows[name] |= {
            "duplicates_removed": counts[name].duplicates,
            "cross_source_duplicates_removed": counts[name].cross_source,
            "heldout_overlap_removed": counts[name].overlap,
        }
    write_json(out / "report.json", {"sources": rows, "heldout_groups": sorted(held)})
    progress(len(turns), len(turns))


def content_key(text: str) -> bytes:
    """What makes two documents the same: 128 bits of the SHA-256 of the text with white space collapsed."""
    return hashlib.sha256(" ".join(text.split()).encode()).digest()[:16]


def _is_planted(name: str, folder: Path, into: Mapping[str, str]) -> bool:
    """Whether a source is asked about rather than predicted: a fact that was held out could not be recalled."""
    return name in into or read_json(folder / "report.json")["kind"] == "facts"


def _group_sizes(folder: Path) -> dict[str, int]:
    sizes: defaultdict[str, int] = defaultdict(int)
    for document in read_documents(folder / "documents.parquet"):
        sizes[document.group] += len(document.text.encode())
    return dict(sizes)


def _side(folders: list[Path], held: frozenset[str], held_side: bool) -> Iterator[Document]:
    """Documents of one side of the split, in the order of their ids, long ones cut."""
    for folder in folders:
        for document in read_documents(folder / "documents.parquet"):
            if (document.group in held) == held_side:
                parts = pieces(document.text)
                for number, text in enumerate(parts, 1):
                    name = document.id if len(parts) == 1 else f"{document.id}#{number}"
                    yield replace(document, id=name, text=text)


def _distinct(documents: Iterator[Document], here: str, owner: dict[bytes, str], count: _Count) -> Iterator[Document]:
    """Documents whose content no earlier side or source owns; `owner` remembers them."""
    for document in documents:
        key = content_key(document.text)
        first = owner.get(key)
        if first is None:
            owner[key] = here
            yield document
        elif first == here:
            count.duplicates += 1
        elif first.startswith(HELDOUT) and here.startswith(TRAIN):
            count.overlap += 1
        else:
            count.cross_source += 1


def _ordered(documents: Iterator[Document], name: str, seed: int, most: int | None) -> list[Document]:
    """Documents in keyed-hash order; of the held-out side as many as `most` bytes hold, but at least one."""
    ordered = sorted(documents, key=lambda document: (key64("corpus-order/1", seed, name, document.id), document.id))
    if most is None:
        return ordered
    kept: list[Document] = []
    total = 0
    for document in ordered:
        size = len(document.text.encode())
        if total + size <= most or not kept:
            kept.append(document)
            total += size
    return kept


def _bytes(documents: list[Document]) -> int:
    return sum(len(document.text.encode()) for document in documents)


def _why_empty(folder: Path) -> str:
    report = read_json(folder / "report.json")
    counts = {**report["skipped"], **report["dropped"]}
    seen = ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items()) if count) or "nothing was found"
    return f"{report['files']} files were read; {seen}. Point the source at other files or raise its size."
