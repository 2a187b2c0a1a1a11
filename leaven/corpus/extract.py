"""A unit of raw input → documents, by the kind of the source: which files are its business, and what of them is kept.

The rules of a kind that need no threshold live here: what is code and what is markup (by language), docstrings taken
out where prose and code are compared, prose out of documentation, adjacent forms. Everything with a threshold is a
score (`rules`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leaven.corpus import prose
from leaven.corpus.adjacent import commits, issues, notebooks, threads
from leaven.corpus.docstrings import NotPython, remove_docstrings
from leaven.corpus.document import Document, Dropped, Tally
from leaven.corpus.language.detect import detect
from leaven.corpus.language.kinds import is_of_kind
from leaven.corpus.language.names import canonical
from leaven.corpus.licence.scope import LicenceMap, speaks
from leaven.corpus.origins import packages_by_file
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read import fields
from leaven.corpus.read.forms import RECORDS, form, is_licence
from leaven.corpus.read.members import RawFile
from leaven.corpus.read.passages import passages
from leaven.corpus.read.raw import is_repository, raw_files
from leaven.corpus.read.records import records
from leaven.corpus.read.shapes import shape
from leaven.corpus.read.units import Unit
from leaven.corpus.tree import Entry, Unreadable, decode, read_bytes
from leaven.corpus.workstation import Candidate

HEAD = 4096
"""Bytes of a file that its language and its licence are told by."""


@dataclass(frozen=True)
class Context:
    """What has to be known of the whole before a part of it is read.

    Attributes:
        licences: of a tree of plain files.
        alone: the one plain text that was given by itself, "" where there are more.
    """

    licences: LicenceMap | None = None
    alone: str = ""


def context_of(plan: SourcePlan, entries: list[Entry], tally: Tally) -> Context:
    """Look at a tree's licence files; plain files only, archives and repositories bring their own."""
    plain = [entry for entry in entries if form(entry.path, plan) == "plain" and not is_repository(entry)]
    given = plan.kind == "text" and plan.path is not None and plan.path.is_file()
    alone = plain[0].file if given and plain else ""
    if plan.kind not in ("web_code", "markup") or plan.path is None or not plan.path.is_dir():
        return Context(None, alone)
    return Context(LicenceMap.of_tree(plan.path, tally.skipped), alone)


def installed(candidate: Candidate, plan: SourcePlan, tally: Tally) -> Iterator[Document]:
    """The document of an installed file."""
    tally.files += 1
    try:
        text = decode(read_bytes(candidate.entry.file))
        language = candidate.language
        if plan.kind == "markup" and language == "metadata":
            text, language = prose.description(text), prose.description_language(text)
        document = Document(candidate.path, text, candidate.path, candidate.group, language, candidate.licence)
        if plan.kind == "text":
            name = candidate.path.rpartition("/")[2]
            yield replace(document, text=_prose(text, language, name), language="english")
        elif plan.kind == "adjacent":
            yield replace(document, text=notebooks.extract(text))
        else:
            yield _finished(document, plan)
    except Unreadable as reason:
        tally.skipped[str(reason)] += 1
    except Dropped as rule:
        tally.dropped[str(rule)] += 1


def of_unit(unit: Unit, plan: SourcePlan, context: Context, tally: Tally) -> Iterator[Document]:
    """The documents of a unit; whatever cannot be one is counted."""
    repository = is_repository(unit.entry)
    if not repository and form(unit.entry.path, plan) in RECORDS:
        tally.files += 1
        yield from _of_records(unit, plan, tally)
        return
    if plan.kind == "adjacent":
        yield from _adjacent_files(unit, plan, repository, tally)
        return
    if unit.entry.file == context.alone:
        tally.files += 1
        yield from passages(unit, tally.skipped)
        return
    licences = context.licences
    if repository or form(unit.entry.path, plan) != "plain":
        licences = _licences(unit, plan)
    package = packages_by_file().get(unit.entry.path) if plan.origin == "packages" else None
    for raw in raw_files(unit, plan, tally):
        if is_licence(raw.path):
            tally.skipped["licence text"] += 1  # which everybody's package repeats
            continue
        inside = raw.path.partition("/")[2]
        if package is not None and package.leaves_out(inside):
            tally.dropped["left out of its package"] += 1
            continue
        known = package.licence_of(inside) if package is not None else ""
        home = package.label if package is not None else raw.repository
        yield from _of_file(replace(raw, repository=home), plan, licences, known, tally)


def _licences(unit: Unit, plan: SourcePlan) -> LicenceMap:
    """The licences that an archive or a repository states; what cannot be read is counted when the rest is."""
    stated = raw_files(unit, plan, Tally(), speaks)
    return LicenceMap.build((raw.path, raw.data) for raw in stated)


def _of_file(
    raw: RawFile, plan: SourcePlan, licences: LicenceMap | None, known: str, tally: Tally
) -> Iterator[Document]:
    head = raw.data[:HEAD]
    language = detect(raw.path, head)
    if plan.kind == "text" and plan.origin != "packages":
        language = ""
    elif not is_of_kind(plan.kind, language):
        tally.skipped["another kind of file"] += 1
        return
    try:
        text = decode(raw.data)
        group = _group(raw, plan)
        licence = (licences.licence_of(raw.path, head) if licences else "") or known or raw.licence
        document = Document(raw.path, text, raw.path, group, language, licence, raw.repository)
        if plan.kind == "text" and plan.origin == "packages":
            name = raw.path.rpartition("/")[2]
            document = replace(document, text=_prose(text, language, name), language="english")
        yield _finished(document, plan)
    except Unreadable as reason:
        tally.skipped[str(reason)] += 1
    except Dropped as rule:
        tally.dropped[str(rule)] += 1


def _group(raw: RawFile, plan: SourcePlan) -> str:
    """What is held out together: the repository, or the first folder; of a large released package, a folder of it."""
    parts = raw.path.split("/")
    if plan.origin == "packages":
        return "/".join([raw.repository, *parts[1:-1][:2]])
    return parts[0] if plan.options.get("group") == "folder" else raw.repository or raw.path


def _prose(text: str, language: str, name: str) -> str:
    paragraphs = prose.prose_of(text, language, name)
    if not paragraphs:
        raise Dropped("little prose")
    return "\n\n".join(paragraphs)


def _finished(document: Document, plan: SourcePlan) -> Document:
    """The document as its kind keeps it. Raises Dropped."""
    if plan.kind == "web_code" and plan.docstrings == "remove" and document.language == "python":
        try:
            text = remove_docstrings(document.text).lstrip("\n")
        except NotPython as error:
            raise Dropped("does not parse") from error
        if not text.strip():
            raise Dropped("nothing but docstrings")
        return replace(document, text=text)
    return document


def _of_records(unit: Unit, plan: SourcePlan, tally: Tally) -> Iterator[Document]:
    mapping = shape(plan)
    mapped = plan.form == "threads" and (plan.fields or plan.shape not in ("", "slimpajama"))
    structured = _STRUCTURED.get(plan.form) if plan.kind == "adjacent" and not mapped else None
    for number, record in records(unit, tally.skipped, None if structured else mapping.columns):
        try:
            if structured is not None:
                document = structured(record, plan, tally)
            else:
                document = fields.document(record, number, mapping, unit, tally.skipped)
                if document is not None:
                    document = _mapped(document, unit, plan)
        except Dropped as rule:
            tally.dropped[str(rule)] += 1
            continue
        if document is not None:
            yield document


_STRUCTURED: dict[str, Any] = {
    "commits": commits.from_record,
    "commitpack": commits.from_record,
    "issues": issues.from_record,
    "threads": threads.from_record,
}


def _mapped(document: Document, unit: Unit, plan: SourcePlan) -> Document:
    """A mapped record as the source's kind wants it: named language, rendered notebook, docstrings. Raises Dropped."""
    if plan.kind in ("web_code", "markup"):
        folder = unit.entry.path.rpartition("/")[0].rpartition("/")[2]
        language = (
            canonical(document.language) or detect(document.path, document.text[:HEAD].encode()) or canonical(folder)
        )
        if not is_of_kind(plan.kind, language):
            raise Dropped("another kind of file")
        return _finished(replace(document, language=language), plan)
    if plan.kind == "adjacent" and plan.form in ("notebooks", "scripts"):
        text, language = notebooks.rendered(document.text, plan.form)
        return replace(document, text=text, language=language)
    if plan.kind == "adjacent" and plan.form == "threads":
        return threads.of_text(document)
    return document


def _adjacent_files(unit: Unit, plan: SourcePlan, repository: bool, tally: Tally) -> Iterator[Document]:
    """Notebooks, dumps of threads, and the commits of repositories."""
    if repository and plan.form in ("", "commits", "commitpack"):
        yield from commits.documents(Path(unit.entry.file), plan, tally)
    if plan.form in ("", "threads") and unit.entry.path.lower().endswith(".xml"):
        tally.files += 1
        yield from threads.documents(Path(unit.entry.file), plan, tally)
        return
    if plan.form not in ("", "notebooks", "scripts"):
        return
    for raw in raw_files(unit, plan, tally):
        if not raw.path.lower().endswith(".ipynb"):
            continue
        try:
            text, language = notebooks.rendered(decode(raw.data), plan.form or "notebooks")
            yield Document(raw.path, text, raw.path, raw.repository or raw.path, language, raw.licence, raw.repository)
        except Unreadable as reason:
            tally.skipped[str(reason)] += 1
        except Dropped as rule:
            tally.dropped[str(rule)] += 1
