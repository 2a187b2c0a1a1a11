"""The source step: a plan → `documents.parquet` and `report.json`.

Which files are read was settled by the survey. They are read in the order of their paths, hashed on the way,
and the source refuses to finish if they are not what was surveyed: nothing stale is ever served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from leaven.corpus import adjacent, code, facts, markup, prose, readers, synthetic, workstation
from leaven.corpus.adjacent import commits
from leaven.corpus.document import Document, Dropped, Tally, write_documents
from leaven.corpus.plan import SourcePlan
from leaven.corpus.sample import Sample
from leaven.corpus.survey import survey
from leaven.corpus.tables import rules
from leaven.corpus.tree import Unreadable, decode, read_bytes
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import write_json
from leaven.ground.progress import Progress, silent

__all__ = ["NOTES", "SourcePlan", "build_source"]

NOTES = {
    (
        "text",
        "workstation",
    ): "documentation prose: English sentences from docstrings, READMEs, package descriptions and "
    "the interpreter's manual; technical, not web text",
    ("web_code", "workstation"): "installed source files, docstrings removed from Python",
    ("markup", "workstation"): "installed Markdown, reStructuredText, HTML, CSS, YAML, TOML and JSON files",
    ("adjacent", "workstation"): "installed notebooks",
    ("text", "path"): "documents as they are",
    ("web_code", "path"): "source files, docstrings removed from Python",
    ("markup", "path"): "markup files",
    ("adjacent", "path"): "notebooks and commits",
    ("synthetic", "generated"): "generated Python problems whose solutions passed their tests",
    ("facts", "generated"): "generated statements of invented facts",
}


def build_source(
    plan: SourcePlan, out: Path, progress: Progress = silent, roots: Mapping[str, Path] | None = None
) -> None:
    """Build one source into the empty folder `out`.

    Args:
        plan: what to read and how much to keep.
        out: receives `documents.parquet` (sorted by id) and `report.json`.
        progress: told in files (or, for generated sources, in documents).
        roots: label → folder for origin "workstation"; this computer's by default.

    Raises:
        BadInput: the user's path cannot be used; facts do not fit under the cap.
        LeavenError: files are not what was surveyed.
    """
    tally = Tally()
    sample = Sample(plan.max_bytes, plan.seed)
    for document in _documents(plan, roots, tally, progress):
        sample.add(document)
    if plan.kind == "facts" and sample.full:
        raise BadInput(
            f"{plan.max_bytes} bytes are too few for {plan.options['count']} facts; each must be there to be recalled",
            field=f"source {plan.name}",
            fix="Raise its size or lower the number of facts.",
        )
    _verify(plan, roots)
    kept = sample.documents()
    write_documents(out / "documents.parquet", kept)
    languages = Counter(document.language or "unknown" for document in kept)
    write_json(
        out / "report.json",
        {
            "source": plan.name,
            "kind": plan.kind,
            "files": tally.files,
            "documents": len(kept),
            "bytes": sample.bytes,
            "groups": len({document.group for document in kept}),
            "capped": sample.full,
            "skipped": dict(tally.skipped),
            "dropped": dict(tally.dropped),
            "languages": dict(languages),
            "note": NOTES[plan.kind, plan.origin],
        },
    )


def _verify(plan: SourcePlan, roots: Mapping[str, Path] | None) -> None:
    if plan.fingerprint and survey(replace(plan, fingerprint=""), roots).fingerprint != plan.fingerprint:
        raise LeavenError(f"source {plan.name}: files changed while building; run again")


def _documents(
    plan: SourcePlan, roots: Mapping[str, Path] | None, tally: Tally, progress: Progress
) -> Iterator[Document]:
    if plan.origin == "workstation":
        return _installed(plan, workstation.roots() if roots is None else roots, tally, progress)
    if plan.origin == "path":
        return _given(plan, tally, progress)
    return _generated(plan, tally, progress)


def _installed(plan: SourcePlan, roots: Mapping[str, Path], tally: Tally, progress: Progress) -> Iterator[Document]:
    """Documents of installed files. Prose drops paragraphs seen before: inherited docstrings repeat word for
    word.
    """
    selected = workstation.select(plan, workstation.inventory(roots, tally.skipped))
    seen: set[int] = set()
    for number, candidate in enumerate(selected):
        progress(number, len(selected), candidate.group)
        tally.files += 1
        try:
            raw = decode(read_bytes(candidate.entry.file))
        except Unreadable as reason:
            tally.skipped[str(reason)] += 1
            continue
        language = candidate.language
        if plan.kind == "markup" and language == "metadata":
            raw, language = prose.description(raw), prose.description_language(raw)
        try:
            if plan.kind == "text":
                text, language = _prose(raw, language, candidate.path, seen), "english"
            else:
                text = _extract(plan.kind, raw, language)
        except Dropped as rule:
            tally.dropped[str(rule)] += 1
            continue
        yield Document(candidate.path, text, candidate.path, candidate.group, language, candidate.licence)
    progress(len(selected), len(selected))


def _prose(raw: str, language: str, path: str, seen: set[int]) -> str:
    fresh = []
    for paragraph in prose.prose_of(raw, language, path.rpartition("/")[2]):
        key = key64("paragraph", paragraph.lower())
        if key not in seen:
            seen.add(key)
            fresh.append(paragraph)
    text = "\n\n".join(fresh)
    if len(text) < rules()["prose"]["min_characters"]:
        raise Dropped("little prose")
    return text


def _extract(kind: str, text: str, language: str) -> str:
    """The document of a raw text, for kinds whose rules apply to every origin. Raises Dropped."""
    if kind == "web_code":
        return code.extract(text, language)
    if kind == "markup":
        return markup.extract(text, language)
    if kind == "adjacent" and language == "notebook":
        return adjacent.extract(text)
    return text


def _given(plan: SourcePlan, tally: Tally, progress: Progress) -> Iterator[Document]:
    """Documents of the user's files. Text is taken as it is; code, markup and notebooks keep their rules."""
    entries = readers.find(plan, tally.skipped)
    for number, entry in enumerate(entries):
        progress(number, len(entries), entry.path)
        for raw in readers.read(entry, plan.kind, tally, alone=entry.file == str(plan.path)):
            try:
                text = _extract(plan.kind, raw.text, raw.language)
            except Dropped as rule:
                tally.dropped[str(rule)] += 1
                continue
            group = raw.path.split("/", 1)[0] if plan.options.get("group") == "folder" else raw.group
            yield replace(raw, text=text, group=group)
    if plan.kind == "adjacent" and plan.path is not None and readers.is_checkout(plan.path):
        yield from commits.documents(plan.path, plan, tally)
    progress(len(entries), len(entries))


def _generated(plan: SourcePlan, tally: Tally, progress: Progress) -> Iterator[Document]:
    count = int(plan.options["count"])
    if plan.kind == "facts":
        restatements = int(plan.options.get("restatements", 1))
        for name, group, text in facts.documents(plan.seed, count, restatements):
            yield Document(name, text, f"facts/{name}", group, "english", "Apache-2.0")
        return
    problems = synthetic.problems(plan.seed, count)
    verified = synthetic.verify(problems, progress=progress)
    tally.files = count
    for problem in verified:
        text = synthetic.document(problem)
        yield Document(problem.id, text, f"synthetic/{problem.id}", problem.group, "python", "Apache-2.0")
    tally.dropped["solution did not pass its tests"] += count - len(verified)
