"""The corpus step: sources → one corpus, deduplicated, decontaminated and split, in an order whose every prefix is a
fair sample.

Three passes: every document is measured (`measure`), then it is decided from the measures alone which are kept, then
the kept ones are put in order (`distribute`). Passes one and three work on files in parallel and hold no source in
memory; the decisions need some hundred bytes a document.

What is decided, in this order: which groups are held out; of equal documents which one stays; which documents hold an
evaluation item; of near-duplicates which one stays. Who stays is the same everywhere: held-out before training, earlier
sources before later ones, permissive licences before none before others, more stars, then the place in the source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leaven.corpus import decide, measure
from leaven.corpus.contamination.items import Items, load
from leaven.corpus.contamination.report import report
from leaven.corpus.dedup.near import Near
from leaven.corpus.distribute import Bucket, Move, gather, scatter
from leaven.corpus.files import document_files
from leaven.corpus.parts import run_parts
from leaven.corpus.select import KEPT
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Progress, silent

TRAIN, HELDOUT = "train", "heldout"
SHOWN_MATCHES = 10_000
"""Matches of evaluation items that are told one by one; all are counted."""
BUCKET_BYTES = 64 << 20
"""UTF-8 bytes of a file of the corpus: what one process sorts in memory."""


@dataclass(frozen=True)
class Assembly:
    """What is done to all sources together.

    Attributes:
        heldout: share of each source's bytes that is held out, by whole groups.
        max_heldout_bytes: no source holds out more; what its held-out groups have beyond that is in neither side.
        seed: of the split and of the order.
        near: how near-duplicates are found; None keeps them.
        near_sources: the sources that take part; generated documents resemble each other by design.
        verify: whether candidates must agree in their signatures, not only in one band.
        across: near-duplicates are looked for between sources too.
        cut: characters after which documents are cut between paragraphs; 0: never.
        decontaminate: task → file or folder with its items.
    """

    heldout: float = 0.05
    max_heldout_bytes: int = 1_000_000
    seed: int = 0
    near: Near | None = None
    near_sources: frozenset[str] = frozenset()
    verify: bool = True
    across: bool = True
    cut: int = 0
    decontaminate: Mapping[str, Path] = field(default_factory=dict)


def assemble(
    reads: Mapping[str, Path],
    kept: Mapping[str, Path],
    out: Path,
    state: Path,
    assembly: Assembly,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> None:
    """Write `train/<source>/NNNNN.parquet`, `heldout/…`, `clusters.json`, `contamination.json` and `report.json`.

    Args:
        reads: source → folder of its read step, in the order of precedence.
        kept: source → folder of its source step.
        out: empty folder for the results.
        state: folder that outlives a kill; finished parts in it are not done again.

    Raises:
        BadInput: a source with no documents, or none left for training; items of a task that cannot be read.
    """
    names = list(reads)
    files = [_files(reads[name], kept[name]) for name in names]
    for name, found in zip(names, files, strict=True):
        if not any(len(rows) for _, rows in found):
            raise BadInput("no documents", field=f"source {name}", fix=_why_empty(kept[name]))
    items = _items(assembly, state)
    flat = [
        (index, measure.File(_measuring(names[index], index, assembly, items), path, rows))
        for index, found in enumerate(files)
        for path, rows in found
    ]
    halves = partial(_stretch, progress)
    measured = run_parts(
        measure.measure,
        [file for _, file in flat],
        state / "measured",
        workers=workers,
        progress=halves(0.0, 0.6),
        note="measuring",
    )
    rows = _Rows.of(measured, [index for index, _ in flat])
    planted = [index for index, name in enumerate(names) if read_json(kept[name] / "report.json")["kind"] == "facts"]
    chosen = decide.decide(
        rows.columns,
        measured,
        names,
        planted=planted,
        assembly=assembly,
    )
    told = _write(names, files, flat, rows, chosen, kept, out, state, assembly, workers, halves(0.6, 1.0))
    write_json(out / "report.json", told)


def _stretch(progress: Progress, first: float, last: float) -> Progress:
    def told(done: float, total: float, note: str = "") -> None:
        progress(100 * (first + (last - first) * (done / total if total else 1.0)), 100, note)

    return told


def _files(read: Path, kept: Path) -> list[tuple[Path, np.ndarray]]:
    """The files of a read step with the rows of each that its source step keeps."""
    table = pq.read_table(kept / KEPT, columns=["file", "row"])
    file, row = table.column("file").to_numpy(), table.column("row").to_numpy()
    ends = np.searchsorted(file, np.arange(len(paths := sorted((read / "documents").glob("*.parquet"))) + 1))
    return [(path, row[ends[number] : ends[number + 1]]) for number, path in enumerate(paths)]


def _items(assembly: Assembly, state: Path) -> str:
    if not assembly.decontaminate:
        return ""
    found = {task: load(path, task) for task, path in sorted(assembly.decontaminate.items())}
    path = state / "items.json"
    write_json(path, {task: items.as_data() for task, items in found.items()})
    return os.fspath(path)


def _measuring(name: str, index: int, assembly: Assembly, items: str) -> measure.Measuring:
    near = assembly.near if name in assembly.near_sources else None
    return measure.Measuring(
        source=name,
        seed=assembly.seed,
        cut=assembly.cut,
        near=near,
        salt=0 if assembly.across else key64("bands/1", index),
        items=items,
        keep_signatures=assembly.verify and assembly.near is not None,
        bands=assembly.near.bands if assembly.near else 0,
    )


@dataclass(frozen=True)
class _Rows:
    """All measured pieces: columns as arrays, `source` and `file` among them."""

    columns: dict[str, np.ndarray]
    hits: pa.ChunkedArray

    @classmethod
    def of(cls, measured: list[Path], sources: list[int]) -> _Rows:
        tables = [pq.read_table(part / measure.ROWS) for part in measured]
        table = pa.concat_tables(tables)
        columns = {name: table.column(name).to_numpy() for name in table.column_names if name != "hits"}
        lengths = [len(part) for part in tables]
        columns["source"] = np.repeat(np.asarray(sources, np.int16), lengths)
        columns["file"] = np.repeat(np.arange(len(measured), dtype=np.int32), lengths)
        columns["hit"] = pc.not_equal(table.column("hits"), "").combine_chunks().to_numpy(zero_copy_only=False)
        return cls(columns, table.column("hits"))


def _write(
    names: list[str],
    files: list[list[tuple[Path, np.ndarray]]],
    flat: list[tuple[int, measure.File]],
    rows: _Rows,
    chosen: decide.Decision,
    kept: Mapping[str, Path],
    out: Path,
    state: Path,
    assembly: Assembly,
    workers: int,
    progress: Progress,
) -> dict[str, Any]:
    columns = rows.columns
    bucket = np.full(len(columns["row"]), -1, np.int32)
    plan: list[tuple[str, str, int]] = []
    """Bucket → (side, source, number of its file)."""
    told: dict[str, dict[str, int]] = {}
    for index, name in enumerate(names):
        told[name] = {}
        for side, mask in ((HELDOUT, chosen.heldout), (TRAIN, chosen.train)):
            here = np.flatnonzero(mask & (columns["source"] == index))
            ordered = here[np.argsort(columns["order"][here], kind="stable")]
            ends = np.cumsum(columns["bytes"][ordered])
            total = int(ends[-1]) if len(ends) else 0
            count = max(1, -(-total // BUCKET_BYTES))
            numbers = np.minimum((ends - 1) * count // max(total, 1), count - 1).astype(np.int32)
            bucket[ordered] = len(plan) + numbers
            plan += [(side, name, number) for number in range(count)]
            told[name] |= {f"{side}_documents": len(ordered), f"{side}_bytes": total}
        if not told[name][f"{TRAIN}_documents"]:
            counts = chosen.counts[name]
            reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in counts.items() if count)
            raise BadInput(f"no documents left for training ({reasons})", field=f"source {name}")
        told[name] |= chosen.counts[name]
    moves = []
    for number, (index, file) in enumerate(flat):
        here = np.flatnonzero((columns["file"] == number) & (bucket >= 0))
        twins = _twins(kept[names[index]], file, files[index], columns["row"][here])
        moves.append(
            Move(
                file.path,
                assembly.cut,
                columns["row"][here],
                columns["piece"][here],
                columns["order"][here],
                bucket[here],
                twins,
            )
        )
    moved = run_parts(
        scatter, moves, state / "moved", workers=workers, progress=_stretch(progress, 0.0, 0.5), note="sorting"
    )
    of_source = {
        name: tuple(folder for folder, (index, _) in zip(moved, flat, strict=True) if names[index] == name)
        for name in names
    }
    buckets = [Bucket(number, of_source[name], Path(side) / name) for number, (side, name, _) in enumerate(plan)]
    gathered = run_parts(
        gather, buckets, state / "gathered", workers=workers, progress=_stretch(progress, 0.5, 1.0), note="writing"
    )
    for folder, (side, name, number) in zip(gathered, plan, strict=True):
        place = out / side / name
        place.mkdir(parents=True, exist_ok=True)
        os.link(folder / "documents.parquet", place / f"{number:05d}.parquet")
    contamination = _contamination(rows, flat, assembly, state)
    write_json(out / "contamination.json", contamination)
    write_json(out / "clusters.json", _clusters(chosen, columns, flat))
    return {
        "sources": told,
        "heldout_groups": chosen.groups,
        "near": None if assembly.near is None else {"clusters": chosen.clusters},
        "contamination": contamination["tasks"],
    }


def _twins(kept: Path, file: measure.File, files: list[tuple[Path, np.ndarray]], rows: np.ndarray) -> np.ndarray:
    """How many documents of the source before this one have its id, for each row."""
    table = pq.read_table(kept / KEPT, columns=["file", "row", "twin"])
    number = [path for path, _ in files].index(file.path)
    here = table.column("file").to_numpy() == number
    own, twin = table.column("row").to_numpy()[here], table.column("twin").to_numpy()[here]
    return np.asarray(twin[np.searchsorted(own, rows)])


def _contamination(
    rows: _Rows, flat: list[tuple[int, measure.File]], assembly: Assembly, state: Path
) -> dict[str, Any]:
    """Per task: items, those found in some document, documents that hold one, items too short to be looked for; and
    the matches themselves, by task, item and document."""
    if not assembly.decontaminate:
        return {"tasks": {}, "matches": []}
    items = {task: Items.from_data(data) for task, data in read_json(state / "items.json").items()}
    places = np.flatnonzero(rows.columns["hit"]).tolist()
    names = _ids(flat, rows.columns, places)
    found = report(items, ((names[place], decide.hits_of(rows.hits[place].as_py())) for place in places)).as_data()
    return {**found, "matches": found["matches"][:SHOWN_MATCHES]}


def _clusters(
    chosen: decide.Decision,
    columns: Mapping[str, np.ndarray],
    flat: list[tuple[int, measure.File]],
) -> list[dict[str, Any]]:
    """The largest clusters of near-duplicates, keeper first, by the ids of their documents."""
    ids = _ids(flat, columns, [place for cluster in chosen.largest for place in cluster.members])
    return [
        {
            "size": cluster.size,
            "documents": [ids[place] for place in cluster.members],
        }
        for cluster in chosen.largest
    ]


def _ids(flat: list[tuple[int, measure.File]], columns: Mapping[str, np.ndarray], places: list[int]) -> dict[int, str]:
    """`source: id` of the documents that some pieces are of."""
    by_file: dict[int, list[int]] = {}
    for place in sorted(set(places)):
        by_file.setdefault(int(columns["file"][place]), []).append(place)
    found = {}
    for number, here in by_file.items():
        file = flat[number][1]
        column = pq.read_table(file.path, columns=["id"]).column("id")
        for place in here:
            piece = f"#{int(columns['piece'][place]) + 1}" if columns["piece"][place] else ""
            found[place] = f"{file.measuring.source}: {column[int(columns['row'][place])].as_py()}{piece}"
    return found


def _why_empty(folder: Path) -> str:
    report = read_json(folder / "report.json")
    counts = {**report["skipped"], **report["dropped"]}
    seen = ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items()) if count) or "nothing was found"
    return f"{report['files']} files were read; {seen}. Point the source at other files or raise its size."


__all__ = ["HELDOUT", "TRAIN", "Assembly", "assemble", "document_files"]
