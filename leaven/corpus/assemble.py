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
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leaven.corpus import decide, measure, outcome
from leaven.corpus.contamination.items import identity_of_items, load
from leaven.corpus.dedup.near import Near
from leaven.corpus.layout import HELDOUT, TRAIN, lay_out, put
from leaven.corpus.parts import run_parts
from leaven.corpus.select import KEPT
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Progress, between, silent


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
        items: what `survey_items` found of them before anything was built; "" checks nothing.
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
    items: str = ""


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
        measure.File(_measuring(names[index], index, assembly, items), path, number, rows)
        for index, found in enumerate(files)
        for number, (path, rows) in enumerate(found)
    ]
    measured = run_parts(
        measure.measure,
        flat,
        state / "measured",
        workers=workers,
        progress=between(progress, 0.0, 0.6),
        note="measuring",
    )
    columns, hits = _rows(measured, [names.index(file.measuring.source) for file in flat])
    planted = [index for index, name in enumerate(names) if read_json(kept[name] / "report.json")["kind"] == "facts"]
    chosen = decide.decide(columns, measured, names, planted=planted, assembly=assembly)
    layout = lay_out(columns, chosen, names)
    put(layout, columns, flat, kept, out, state, workers=workers, progress=between(progress, 0.6, 1.0))
    contamination = outcome.contamination(hits, columns, flat, items)
    write_json(out / "contamination.json", contamination)
    write_json(out / "clusters.json", outcome.clusters(chosen, columns, flat))
    write_json(
        out / "report.json",
        {
            "sources": layout.counts,
            "heldout_groups": chosen.groups,
            "near": None if assembly.near is None else {"clusters": chosen.clusters},
            "contamination": contamination["tasks"],
        },
    )


def _files(read: Path, kept: Path) -> list[tuple[Path, np.ndarray]]:
    """The files of a read step with the rows of each that its source step keeps."""
    table = pq.read_table(kept / KEPT, columns=["file", "row"])
    file, row = table.column("file").to_numpy(), table.column("row").to_numpy()
    ends = np.searchsorted(file, np.arange(len(paths := sorted((read / "documents").glob("*.parquet"))) + 1))
    return [(path, row[ends[number] : ends[number + 1]]) for number, path in enumerate(paths)]


def _items(assembly: Assembly, state: Path) -> Path | None:
    if not assembly.decontaminate:
        return None
    found = {task: load(path, task) for task, path in sorted(assembly.decontaminate.items())}
    if assembly.items and identity_of_items(found.values()) != assembly.items:
        raise LeavenError("the evaluation items changed while the corpus was built; run again")
    path = state / outcome.ITEMS
    write_json(path, {task: items.as_data() for task, items in found.items()})
    return path


def _measuring(name: str, index: int, assembly: Assembly, items: Path | None) -> measure.Measuring:
    near = assembly.near if name in assembly.near_sources else None
    return measure.Measuring(
        source=name,
        seed=assembly.seed,
        cut=assembly.cut,
        near=near,
        salt=0 if assembly.across else key64("bands/1", index),
        items=os.fspath(items or ""),
        keep_signatures=assembly.verify and assembly.near is not None,
        bands=assembly.near.bands if assembly.near else 0,
    )


def _rows(measured: list[Path], sources: list[int]) -> tuple[dict[str, np.ndarray], pa.ChunkedArray]:
    """All measured pieces: columns as arrays, `source`, `file` and `hit` among them, and the hits themselves."""
    tables = [pq.read_table(part / measure.ROWS) for part in measured]
    table = pa.concat_tables(tables)
    columns = {name: table.column(name).to_numpy() for name in table.column_names if name != "hits"}
    lengths = [len(part) for part in tables]
    columns["source"] = np.repeat(np.asarray(sources, np.int16), lengths)
    columns["file"] = np.repeat(np.arange(len(measured), dtype=np.int32), lengths)
    columns["hit"] = pc.not_equal(table.column("hits"), "").combine_chunks().to_numpy(zero_copy_only=False)
    return columns, table.column("hits")


def _why_empty(folder: Path) -> str:
    report = read_json(folder / "report.json")
    counts = {**report["skipped"], **report["dropped"], "beyond the source's `max`": report.get("beyond_cap", 0)}
    seen = ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items()) if count) or "nothing was found"
    return f"{report['files']} files were read; {seen}. Point the source at other files or raise its size."


__all__ = ["HELDOUT", "TRAIN", "Assembly", "assemble"]
