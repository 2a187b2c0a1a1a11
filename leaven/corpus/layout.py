"""Where every kept piece of a corpus goes, and putting it there: buckets of the order, written in parallel."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from leaven.corpus.decide import Decision
from leaven.corpus.distribute import Bucket, Move, gather, scatter
from leaven.corpus.measure import File
from leaven.corpus.parts import run_parts
from leaven.corpus.select import KEPT
from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, between

TRAIN, HELDOUT = "train", "heldout"
BUCKET_BYTES = 64 << 20
"""UTF-8 bytes of a file of the corpus: what one process sorts in memory."""


@dataclass(frozen=True)
class Layout:
    """The files of a corpus: the bucket of every piece (−1: in none), and side, source and number of each bucket."""

    bucket: np.ndarray
    files: list[tuple[str, str, int]]
    counts: dict[str, dict[str, int]]


def lay_out(columns: Mapping[str, np.ndarray], chosen: Decision, names: Sequence[str]) -> Layout:
    """Buckets of about BUCKET_BYTES for each side of each source, consecutive in the corpus's order.

    Raises:
        BadInput: a source with nothing left for training.
    """
    bucket = np.full(len(columns["row"]), -1, np.int32)
    files: list[tuple[str, str, int]] = []
    counts: dict[str, dict[str, int]] = {}
    for index, name in enumerate(names):
        counts[name] = {}
        for side, mask in ((HELDOUT, chosen.heldout), (TRAIN, chosen.train)):
            here = np.flatnonzero(mask & (columns["source"] == index))
            ordered = here[np.argsort(columns["order"][here], kind="stable")]
            ends = np.cumsum(columns["bytes"][ordered])
            total = int(ends[-1]) if len(ends) else 0
            count = max(1, -(-total // BUCKET_BYTES))
            bucket[ordered] = len(files) + np.minimum((ends - 1) * count // max(total, 1), count - 1)
            files += [(side, name, number) for number in range(count)]
            counts[name] |= {f"{side}_documents": len(ordered), f"{side}_bytes": total}
        if not counts[name][f"{TRAIN}_documents"]:
            removed = {reason.replace("_", " "): count for reason, count in chosen.counts[name].items() if count}
            reasons = ", ".join(f"{count} {reason}" for reason, count in removed.items())
            raise BadInput(f"no documents left for training ({reasons})", field=f"source {name}")
        counts[name] |= chosen.counts[name]
    return Layout(bucket, files, counts)


def put(
    layout: Layout,
    columns: Mapping[str, np.ndarray],
    files: Sequence[File],
    kept: Mapping[str, Path],
    out: Path,
    state: Path,
    *,
    workers: int,
    progress: Progress,
) -> None:
    """Write `<side>/<source>/NNNNN.parquet` below `out`.

    Args:
        files: the measured files; a piece's `file` is its place here.
        kept: source → folder of its source step.
    """
    moves = []
    ends = np.searchsorted(columns["file"], np.arange(len(files) + 1))
    for number, file in enumerate(files):
        here = ends[number] + np.flatnonzero(layout.bucket[ends[number] : ends[number + 1]] >= 0)
        rows = columns["row"][here]
        twins = _twins(kept[file.measuring.source], file.number, rows)
        cut = file.measuring.cut
        moves.append(
            Move(file.path, cut, rows, columns["piece"][here], columns["order"][here], layout.bucket[here], twins)
        )
    moved = run_parts(
        scatter, moves, state / "moved", workers=workers, progress=between(progress, 0.0, 0.5), note="sorting"
    )
    folders: dict[str, tuple[Path, ...]] = {}
    for folder, file in zip(moved, files, strict=True):
        folders[file.measuring.source] = (*folders.get(file.measuring.source, ()), folder)
    buckets = [Bucket(number, folders[name]) for number, (_, name, _) in enumerate(layout.files)]
    gathered = run_parts(
        gather, buckets, state / "gathered", workers=workers, progress=between(progress, 0.5, 1.0), note="writing"
    )
    for folder, (side, name, number) in zip(gathered, layout.files, strict=True):
        place = out / side / name
        place.mkdir(parents=True, exist_ok=True)
        os.link(folder / "documents.parquet", place / f"{number:05d}.parquet")


def _twins(kept: Path, number: int, rows: np.ndarray) -> np.ndarray:
    """For each row of a source's file, how many documents of the source before it have its id."""
    table = pq.read_table(kept / KEPT, columns=["row", "twin"], filters=[("file", "==", number)])
    own, twin = table.column("row").to_numpy(), table.column("twin").to_numpy()
    return np.asarray(twin[np.searchsorted(own, rows)])
