"""The read step: raw files → every document they hold, with the scores of its rules.

Which files are read was settled by the survey. They are read in parts over processes, in the order of their paths, and
the step refuses to finish if they are not what was surveyed: nothing stale is ever served. What is stored has passed
the extraction of its kind and, where asked for, redaction; which documents are kept, the source step decides.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from leaven.corpus import facts, synthetic, workstation
from leaven.corpus.document import Document, Dropped, Tally, read_documents
from leaven.corpus.extract import Context, context_of, installed, of_unit
from leaven.corpus.origins import entries_of
from leaven.corpus.parts import run_parts
from leaven.corpus.plan import SourcePlan
from leaven.corpus.prose import distinct_paragraphs
from leaven.corpus.read.units import Unit, units
from leaven.corpus.scored import Writer
from leaven.corpus.survey import survey
from leaven.corpus.tree import Entry
from leaven.corpus.workstation import Candidate
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Progress, silent

__all__ = ["SourcePlan", "read_source"]

T = TypeVar("T")
FILES = "files.json"
PART_BYTES = 32 << 20
"""Bytes of raw files that one process reads at a time."""

NOTES = {
    (
        "text",
        "workstation",
    ): "documentation prose: English sentences from docstrings, READMEs, package descriptions and "
    "the interpreter's manual; technical, not web text",
    ("text", "packages"): "documentation prose out of released packages; technical, not web text",
    ("web_code", "workstation"): "installed source files",
    ("markup", "workstation"): "installed Markdown, reStructuredText, HTML, CSS, YAML, TOML and JSON files",
    ("adjacent", "workstation"): "installed notebooks",
    ("synthetic", "generated"): "generated Python problems, executed and verified",
    ("facts", "generated"): "generated statements of invented facts",
}
KIND_NOTES = {
    "text": "documents as they are",
    "web_code": "source files",
    "markup": "markup files",
    "adjacent": "commits, issues, notebooks and threads",
    "synthetic": "problems as they are",
    "instruct": "instructions with their answers",
}


@dataclass(frozen=True)
class Part:
    """What one process reads at a time."""

    plan: SourcePlan
    units: tuple[Unit, ...]
    candidates: tuple[Candidate, ...]
    context: Context


def read_source(
    plan: SourcePlan,
    out: Path,
    state: Path,
    *,
    cache: Path | None = None,
    workers: int = 1,
    progress: Progress = silent,
    roots: Mapping[str, Path] | None = None,
) -> None:
    """Read one source into the empty folder `out`.

    Args:
        plan: what to read.
        out: receives `documents/NNNNN.parquet`, in order, and `report.json`.
        state: folder that outlives a kill; parts finished in it are not read again.
        cache: folder for what is fetched (released packages, replies of an endpoint).
        workers: processes.
        progress: told in parts (for generated sources, in documents).
        roots: label → folder for origin "workstation"; this computer's by default.

    Raises:
        BadInput: the user's path cannot be used.
        LeavenError: files are not what was surveyed.
    """
    (out / "documents").mkdir()
    tally = Tally()
    if plan.origin == "generated":
        parts = run_parts(partial(_generate, cache=cache, progress=progress), [plan], state / "parts")
    else:
        items = _parts(plan, roots, tally, cache, progress)
        _forget_other_files(items, state / "parts")
        parts = run_parts(_read, items, state / "parts", workers=workers, progress=progress, note=plan.name)
        try:
            _verify(plan, roots)
        except LeavenError:
            shutil.rmtree(state / "parts")  # what was read of files that changed is of no use to anyone
            raise
    redacted: Counter[str] = Counter()
    files = []
    for part in parts:
        told = read_json(part / "tally.json")
        tally.files += told["files"]
        tally.skipped.update(told["skipped"])
        tally.dropped.update(told["dropped"])
        redacted.update(told["redacted"])
        files += sorted(part.glob("*.parquet"))
    if plan.kind == "text" and plan.origin in ("workstation", "packages"):
        files = _without_repeated_paragraphs(plan, files, state, tally)
    for number, path in enumerate(files or _nothing(plan, state)):
        os.link(path, out / "documents" / f"{number:05d}.parquet")
    report: dict[str, Any] = {
        "source": plan.name,
        "kind": plan.kind,
        "origin": plan.origin,
        "files": tally.files,
        "skipped": dict(sorted(tally.skipped.items())),
        "dropped": dict(sorted(tally.dropped.items())),
        "redacted": dict(sorted(redacted.items())),
        "note": NOTES.get((plan.kind, plan.origin), KIND_NOTES.get(plan.kind, "")),
    }
    write_json(out / "report.json", report)


def _verify(plan: SourcePlan, roots: Mapping[str, Path] | None) -> None:
    if plan.fingerprint and survey(replace(plan, fingerprint=""), roots).fingerprint != plan.fingerprint:
        raise LeavenError(f"source {plan.name}: files changed while building; run again")


def _parts(
    plan: SourcePlan, roots: Mapping[str, Path] | None, tally: Tally, cache: Path | None, progress: Progress
) -> list[Part]:
    """The raw files in groups of about PART_BYTES: a function of the files alone."""
    if plan.origin == "workstation":
        found = workstation.select(
            plan, workstation.inventory(workstation.roots() if roots is None else roots, tally.skipped)
        )
        return [
            Part(plan, (), tuple(group), Context())
            for group in _grouped(found, [candidate.entry.size for candidate in found])
        ]
    entries = entries_of(plan, tally, cache, progress)
    pieces = units(plan, entries)
    context = context_of(plan, entries, tally)
    return [Part(plan, tuple(group), (), context) for group in _grouped(pieces, [unit.size for unit in pieces])]


def _files_of(part: Part) -> list[list[Any]]:
    """What a part reads, as it lay on the disk when it was listed."""
    listed = [(unit.entry, unit.first, unit.last) for unit in part.units]
    listed += [(candidate.entry, 0, 0) for candidate in part.candidates]
    return [[e.path, e.size, e.mtime_ns, e.inode, first, last] for e, first, last in listed]


def _forget_other_files(items: list[Part], folder: Path) -> None:
    """Remove parts that were read from files that were others than those listed now."""
    for number, part in enumerate(items):
        done = folder / f"{number:05d}"
        if done.is_dir() and read_json(done / FILES) != _files_of(part):
            shutil.rmtree(done)


def _grouped(things: list[T], sizes: list[int]) -> Iterator[list[T]]:
    group: list[T] = []
    held = 0
    for thing, size in zip(things, sizes, strict=True):
        if group and held + size > PART_BYTES:
            yield group
            group, held = [], 0
        group.append(thing)
        held += size
    if group:
        yield group


def _read(part: Part, out: Path) -> None:
    tally = Tally()
    with Writer(out, part.plan) as writer:
        for document in _documents(part, tally):
            writer.add(document)
    _tell(out, tally, writer.redacted)
    for entry in [*(unit.entry for unit in part.units), *(candidate.entry for candidate in part.candidates)]:
        _check_unchanged(part.plan, entry)
    write_json(out / FILES, _files_of(part))


def _check_unchanged(plan: SourcePlan, entry: Entry) -> None:
    """A file that is not as it was listed may have been read half before and half after. Raises LeavenError."""
    if not entry.mtime_ns or os.path.isdir(entry.file):
        return  # of the hub, a pinned package or a repository: content that cannot change under its name
    try:
        status = os.stat(entry.file)
        same = (status.st_size, status.st_mtime_ns) == (entry.size, entry.mtime_ns)
    except OSError:
        same = False
    if not same:
        raise LeavenError(f"source {plan.name}: {entry.path} changed while it was read; run again")


def _documents(part: Part, tally: Tally) -> Iterator[Document]:
    for candidate in part.candidates:
        yield from installed(candidate, part.plan, tally)
    for unit in part.units:
        yield from of_unit(unit, part.plan, part.context, tally)


def _generate(plan: SourcePlan, out: Path, *, cache: Path | None, progress: Progress) -> None:
    tally = Tally()
    with Writer(out, plan) as writer:
        for document in _generated(plan, tally, cache, progress):
            writer.add(document)
    _tell(out, tally, writer.redacted)


def _generated(plan: SourcePlan, tally: Tally, cache: Path | None, progress: Progress) -> Iterator[Document]:
    if plan.kind == "facts":
        count, restatements = int(plan.options["count"]), int(plan.options.get("restatements", 1))
        for name, group, text in facts.documents(plan.seed, count, restatements):
            yield Document(name, text, f"facts/{name}", group, "english", "Apache-2.0")
        return
    yield from synthetic.documents(plan, tally, progress, cache=cache)


def _nothing(plan: SourcePlan, state: Path) -> list[Path]:
    """A file of no documents, so that whoever reads a source finds its columns."""
    (state / "nothing").mkdir(parents=True, exist_ok=True)
    with Writer(state / "nothing", plan):
        pass
    return sorted((state / "nothing").glob("*.parquet"))


def _tell(out: Path, tally: Tally, redacted: Mapping[str, int]) -> None:
    told = {"files": tally.files, "skipped": tally.skipped, "dropped": tally.dropped, "redacted": redacted}
    write_json(out / "tally.json", told)


def _without_repeated_paragraphs(plan: SourcePlan, files: Iterable[Path], state: Path, tally: Tally) -> list[Path]:
    """Prose of installed packages without paragraphs seen before: inherited docstrings repeat word for word."""
    folder = state / "distinct"
    folder.mkdir(exist_ok=True)
    for left in folder.glob("*.parquet"):
        left.unlink()
    seen: set[int] = set()
    with Writer(folder, plan) as writer:
        for path in files:
            for document in read_documents(path):
                try:
                    writer.add(replace(document, text=distinct_paragraphs(document.text, seen)))
                except Dropped as rule:
                    tally.dropped[str(rule)] += 1
    return sorted(folder.glob("*.parquet"))
