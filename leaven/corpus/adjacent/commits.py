"""The commits of a git checkout as documents: `<commit_before>…<commit_msg>…<commit_after>…`.

StarCoder's rules for commits in their fixed form (the changed hunk, not everything above it): one file, a telling
subject, something left afterwards. The checkout is only read (see `git.py`), and output is streamed, so a large history
costs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from leaven.corpus import git
from leaven.corpus.document import Document, Tally
from leaven.corpus.tables import language_of, rules

_MARK = b"\x01commit "
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")
_VERSION = re.compile(r"v?\d+\.\d+(?:\.\d+)?")
LARGEST = 1 << 20
"""Bytes of the largest commit that is looked at."""


def documents(checkout: Path, name: str, max_commits: int, tally: Tally) -> Iterator[Document]:
    """Documents of the newest `max_commits` commits that are no merges; the group is the file that was
    changed.

    Args:
        checkout: top folder of a git checkout.
        name: what paths and ids begin with.
        max_commits: how far back to look.
        tally: a missing git, an unreadable repository and every refused commit are counted here.
    """
    options = [
        "--no-merges",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-show-signature",
        "--no-renames",
        "-p",
    ]
    options += [f"--max-count={max_commits}", f"--unified={rules()['commit']['context']}"]
    options += ["--format=%x01commit %H %s", "--src-prefix=a/", "--dst-prefix=b/"]
    try:
        process = git.start(checkout, "log", *options)
    except OSError:
        tally.skipped["git is not installed"] += 1
        return
    with process:
        assert process.stdout is not None
        for commit in _commits(iter(process.stdout)):
            tally.files += 1
            document = _document(commit, name, tally)
            if document is not None:
                yield document
    if process.returncode:
        tally.skipped["git could not read the repository"] += 1


def _commits(lines: Iterator[bytes]) -> Iterator[list[bytes] | None]:
    """The lines of each commit; None for one larger than LARGEST."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        if line.startswith(_MARK):
            if held:
                yield held if size <= LARGEST else None
            held, size = [], 0
        size += len(line)
        if size <= LARGEST or not held:
            held.append(line)
    if held:
        yield held if size <= LARGEST else None


def _document(commit: list[bytes] | None, name: str, tally: Tally) -> Document | None:
    if commit is None:
        tally.dropped["commit: too large"] += 1
        return None
    try:
        lines = b"".join(commit).decode().split("\n")
    except UnicodeDecodeError:
        tally.skipped["invalid UTF-8"] += 1
        return None
    identity, _, subject = lines[0][len(_MARK) :].partition(" ")
    headers = [line for line in lines if line.startswith("diff --git ")]
    if len(headers) != 1:
        tally.dropped["commit: not one file"] += 1
        return None
    path = headers[0].rpartition(" b/")[2]
    language = language_of(path, "web_code") or language_of(path, "markup")
    reason = "commit: not a source file" if language is None else refused_subject(subject)
    before, after = _sides(lines)
    if reason is None and not after.strip():
        reason = "commit: nothing left"
    text = f"<commit_before>{before}<commit_msg>{subject}<commit_after>{after}"
    if reason is None and len(text) > rules()["commit"]["max_characters"]:
        reason = "commit: too long"
    if reason is not None:
        tally.dropped[reason] += 1
        return None
    return Document(f"{name}@{identity}", text, f"{name}/{path}", f"{name}/{path}", language or "")


def refused_subject(subject: str) -> str | None:
    """Why a commit's subject tells too little, by StarCoder's list; None if it will do."""
    limits = rules()["commit"]
    lower, words = subject.lower(), subject.split()
    if len(words) < limits["min_subject_words"] or _VERSION.fullmatch(subject):
        return "commit: short subject"
    if lower in limits["subject_equals"] or any(part in lower for part in limits["subject_contains"]):
        return "commit: empty subject"
    if len(subject) / len(words) > limits["max_characters_per_word"]:
        return "commit: words too long"
    return None


def _sides(lines: list[str]) -> tuple[str, str]:
    """The text of all hunks before and after the change."""
    before: list[str] = []
    after: list[str] = []
    inside = False
    for line in lines:
        if _HUNK.match(line):
            inside = True
        elif inside and line[:1] in (" ", "-", "+"):
            if line[0] != "+":
                before.append(line[1:])
            if line[0] != "-":
                after.append(line[1:])
    return "\n".join(before), "\n".join(after)
