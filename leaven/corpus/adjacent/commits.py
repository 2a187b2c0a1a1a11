"""Commits as documents: `<commit_before>…<commit_msg>…<commit_after>…`, out of a checkout or out of published records.

Two forms. "commits" is StarCoder's: a fifth of the commits show both files whole, the others the changed range and up
to 31 lines on each side. "commitpack" is CommitPackFT's: both files whole, the subject without its affixes. There is
one commit per file of a repository: `one_per_file` keeps the first, and `documents` has done so already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from leaven.corpus.adjacent import git_commits
from leaven.corpus.adjacent.commit_rules import (
    Commit,
    Range,
    Span,
    by_characters,
    commitpack_subject,
    source_language,
    span_of,
    starcoder_refusal,
)
from leaven.corpus.adjacent.records import Unusable, text_of, word_of
from leaven.corpus.adjacent.thresholds import chance, table
from leaven.corpus.document import Document, Dropped, Tally
from leaven.corpus.language.names import canonical
from leaven.corpus.plan import SourcePlan
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, did_you_mean

VERSION = "commits/1"
RANGES: tuple[Range, ...] = ("fixed", "faithful")
Count = Callable[[str], int]


def documents(
    checkout: Path, plan: SourcePlan, tally: Tally, count_tokens: Count = by_characters
) -> Iterator[Document]:
    """Documents of a checkout or a bare clone, newest commit first, merges left out.

    Args:
        checkout: top folder of the checkout, or the folder of the bare clone.
        plan: `name` (what ids begin with), `seed`, `form` ("commits", "" or "commitpack"), `options["range"]` ("fixed"
            or "faithful") and `options["max_commits"]`.
        tally: a missing git, an unreadable repository and every refused commit are counted here.
        count_tokens: tokens of a text, for form "commitpack".
    """
    limit = int(plan.options.get("max_commits", table()["commit"]["max_commits"]))
    found = git_commits.commits(checkout, plan.name, limit, tally)
    made = (document_of(commit, plan, tally, count_tokens) for commit in found)
    return one_per_file((document for document in made if document is not None), tally)


def from_record(
    record: Mapping[str, Any], plan: SourcePlan, tally: Tally, count_tokens: Count = by_characters
) -> Document | None:
    """The document of a published record, or None (counted in `tally`).

    The record has `old_contents`, `new_contents`, `subject` and a path in `new_file` or `old_file`; `commit`, `repos`,
    `lang` and `license` where they are known (bigcode/commitpack, bigcode/commitpackft, bigcode/github-commits-diff).
    """
    tally.files += 1
    try:
        path = text_of(record, "new_file", "") or text_of(record, "old_file")
        commit = Commit(
            id=word_of(record, "commit"),
            repository=word_of(record, "repos", "repo"),
            path=path,
            old=text_of(record, "old_contents", ""),
            new=text_of(record, "new_contents"),
            subject=text_of(record, "subject").partition("\n")[0],
            language=canonical(lang := word_of(record, "lang")) or lang.lower(),
            licence=word_of(record, "license"),
        )
    except Unusable as reason:
        tally.skipped[str(reason)] += 1
        return None
    return document_of(commit, plan, tally, count_tokens)


def document_of(commit: Commit, plan: SourcePlan, tally: Tally, count_tokens: Count = by_characters) -> Document | None:
    """The document that the plan's form makes of a commit, or None (the rule is counted). Raises BadInput for an
    unknown range."""
    range = _range(plan)
    subject, span = commit.subject, None
    if plan.form == "commitpack":
        try:
            subject = commitpack_subject(commit, plan.seed, count_tokens)
        except Dropped as rule:
            tally.dropped[str(rule)] += 1
            return None
    else:
        old, new = _lines(commit.old, range), _lines(commit.new, range)
        long = len(commit.old) >= table()["commit"]["max_old"]
        span = Span(0, 0, 0, 0) if long else span_of(old, new, range)
        reason = starcoder_refusal(commit, span, plan.seed, range)
        if reason is not None:
            tally.dropped[reason] += 1
            return None
    name = commit.id or f"{key64(commit.old, commit.new, commit.subject):016x}"
    home = commit.repository or plan.name
    return Document(
        id=f"{home}/{commit.path}@{name}",
        text=render(commit, subject, span, plan.seed, range),
        path=f"{home}/{commit.path}",
        group=f"{home}/{commit.path}",
        language=commit.language or source_language(commit.path) or "",
        licence=commit.licence,
        repository=commit.repository,
        labels={"commit": name},
    )


def render(commit: Commit, subject: str, span: Span | None, seed: int, range: Range) -> str:
    """The text of a commit: both files whole where `span` is None or the draw says so, else the span and the lines
    around it. As published, a window is cut out of `str.splitlines`; "fixed" keeps line ends as they are."""
    key = (seed, commit.repository, commit.path, commit.id)
    before, after = commit.old, commit.new
    limits = table()["commit"]
    if span is not None and chance("whole", *key) >= limits["whole_files"]:
        above, below = (key64(VERSION, side, *key) % limits["window"] for side in ("above", "below"))
        before = _window(_lines(commit.old, range), span.old_start - above, span.old_end + below)
        after = _window(_lines(commit.new, range), span.new_start - above, span.new_end + below)
    return f"<commit_before>{before}<commit_msg>{subject}<commit_after>{after}"


def one_per_file(found: Iterable[Document], tally: Tally) -> Iterator[Document]:
    """The first document of each group (a file of a repository); the others are counted."""
    seen: set[int] = set()
    for document in found:
        key = key64(document.group)
        if key in seen:
            tally.dropped["commit: file seen before"] += 1
            continue
        seen.add(key)
        yield document


def _window(lines: list[str], start: int, end: int) -> str:
    return "\n".join(lines[max(start, 0) : end])


def _lines(text: str, range: Range) -> list[str]:
    return text.splitlines() if range == "faithful" else text.split("\n")


def _range(plan: SourcePlan) -> Range:
    chosen = plan.options.get("range", "fixed")
    for known in RANGES:
        if chosen == known:
            return known
    raise BadInput(f'unknown range "{chosen}"{did_you_mean(str(chosen), RANGES)}', field=f"source {plan.name}: range")
