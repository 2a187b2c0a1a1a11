"""Which commits say something: the rules of StarCoder and of CommitPackFT, each by name, thresholds in the table.

The published code of StarCoder finds the range of a change with a defect: the range always begins at the first line of
the file, so its tests of the size of a change really test the number of the last changed line. `range="faithful"`
does the same, `range="fixed"` takes the lines that differ. What the published code draws at random is a function of
the seed, the rule and the commit here.

Source: bigcode-dataset preprocessing/filtering_git_commits.ipynb; octopack dataset/commitpackft.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

from leaven.corpus.adjacent.thresholds import chance, table
from leaven.corpus.document import Dropped
from leaven.corpus.language.detect import detect
from leaven.corpus.language.names import PAPER_MARKUP, section

Range = Literal["faithful", "fixed"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One file before and after, and what was said of the change.

    Attributes:
        id: hash of the commit.
        repository: `owner/name`, several joined by commas as published, "" where unknown.
        path: of the file after the change.
        old: its text before, "" for a new file.
        new: its text after, "" for one that is gone.
        subject: first line of the message.
        language: "" where the caller does not know; the file name decides.
        licence: as given.
    """

    id: str
    repository: str
    path: str
    old: str
    new: str
    subject: str
    language: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Lines that a change touches, from the first to before the last: on the old and on the new side."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def span_of(old: list[str], new: list[str], range: Range) -> Span:
    """The range of a change between two files given as lines.

    "fixed": all but the lines that both begin and end with. "faithful": from line 0 to the end of the last difference
    that `difflib` finds, as published (beyond `diff_work` by the common ends).
    """
    if range == "faithful" and len(old) * len(new) <= table()["commit"]["diff_work"]:
        changes = [code for code in SequenceMatcher(None, old, new).get_opcodes() if code[0] != "equal"]
        return Span(0, changes[-1][2], 0, changes[-1][4]) if changes else Span(0, 0, 0, 0)
    shorter = min(len(old), len(new))
    head = sum(1 for _ in takewhile(bool, (a == b for a, b in zip(old, new, strict=False))))
    pairs = zip(reversed(old), reversed(new), strict=False)
    tail = min(sum(1 for _ in takewhile(bool, (a == b for a, b in pairs))), shorter - head)
    if range == "faithful":
        changed = head < max(len(old), len(new))
        return Span(0, len(old) - tail, 0, len(new) - tail) if changed else Span(0, 0, 0, 0)
    return Span(head, len(old) - tail, head, len(new) - tail)


def starcoder_refusal(commit: Commit, span: Span, seed: int, range: Range) -> str | None:
    """The first of StarCoder's rules that refuses a commit, or None."""
    limits = table()["commit"]
    if not commit.new:
        return "commit: nothing left"
    if range == "fixed" and commit.old == commit.new:
        return "commit: nothing changed"
    if len(commit.old) >= limits["max_old"]:
        return "commit: too long"
    lines = span.old_end - span.old_start
    if lines <= limits["small_lines"] and not _drawn(commit, seed, "small", limits["small_keep"]):
        return "commit: small change"
    if lines >= limits["large_lines"] and not _drawn(commit, seed, "large", limits["large_keep"]):
        return "commit: large change"
    reason = refused_subject(commit.subject, range)
    if reason is not None:
        return reason
    if len(commit.subject.split()) < limits["short_words"] and not _drawn(commit, seed, "short", limits["short_keep"]):
        return "commit: short subject"
    if not commit.language and source_language(commit.path) is None:
        return "commit: not a source file"
    if extension(commit.path) in limits["data_extensions"] and not _drawn(commit, seed, "data", limits["data_keep"]):
        return "commit: data file"
    return None


def refused_subject(subject: str, range: Range = "fixed") -> str | None:
    """Why a subject tells too little, by StarCoder's rules that draw nothing; None if it will do.

    As published, a version is refused even where other words follow it; "fixed" refuses only what is nothing else.
    """
    limits = table()["commit"]
    words, lower = subject.split(), subject.lower()
    if not words:
        return "commit: no subject"
    if lower in limits["subject_equals"] or any(part in lower for part in limits["subject_contains"]):
        return "commit: empty subject"
    version = _pattern(limits["version_pattern"])
    if version.match(lower) if range == "faithful" else re.fullmatch(r"v?\d+\.\d+\.\d+", lower):
        return "commit: version"
    if len(subject) / len(words) > limits["max_characters_per_word"]:
        return "commit: words too long"
    if subject[0] == " " and len(words) == 1:
        return "commit: one word"
    return None


def commitpack_subject(commit: Commit, seed: int, count_tokens: Callable[[str], int]) -> str:
    """The subject of a commit that CommitPackFT's rules keep, without its affixes. Raises Dropped with the rule's name.

    Args:
        commit: what is judged.
        seed: of the one rule that keeps a tenth.
        count_tokens: tokens of a text; the limits are those of StarCoder's tokenizer.
    """
    limits = table()["commitpack"]
    _require(len(commit.old) < limits["max_old"], "too long")
    _require(commit.new != "", "nothing left")
    _require(commit.old != commit.new, "nothing changed")
    said = commit.subject.strip()
    _require(limits["min_message"] <= len(said) <= limits["max_message"], "length of the subject")
    lower = said.lower()
    _require(lower not in limits["noise"] and not lower.startswith("merge"), "noise")
    _require("#" not in said, "refers to an issue")
    parts = commit.path.rpartition("/")[2].split(".")
    _require(len(parts) < 2 or not parts[-2] or parts[-2] not in said, "names the file")
    _require(_length(said), "length of the subject")
    said = without_affixes(said)
    _require(_length(said), "length of the subject")
    _require(said[0].isupper(), "not capitalized")
    lower = said.lower()
    _require(lower.partition(" ")[0] in _verbs(), "no imperative")
    _require(lower not in limits["subject_equals"], "noise")
    _require(not any(part in lower for part in limits["subject_contains"]), "noise")
    _require(not ("thanks to" in lower and "for" in said), "noise")
    _require(not any(_pattern(pattern).search(lower) for pattern in limits["patterns"]), "pattern")
    bump = said.startswith(tuple(limits["bumps"]))
    _require(not bump or _drawn(commit, seed, "bump", limits["bump_keep"]), "version bump")
    _require(source_language(commit.path) is not None or bool(commit.language), "not a source file")
    tokens = count_tokens(f"{commit.old}<|endoftext|>{commit.new}")
    _require(limits["min_tokens"] <= tokens <= limits["max_tokens"], "tokens")
    return said


def without_affixes(subject: str) -> str:
    """A subject without `[tag]` at either end, `file:` at its beginning and words to build servers."""
    for mark in table()["commitpack"]["affixes"]:
        subject = subject.replace(mark, "")
    words = subject.split()
    if words and words[0].startswith("[") and words[0].endswith("]"):
        words = words[1:]
    if words and words[0].endswith(":"):
        words = words[1:]
    if words and words[-1].startswith("[") and words[-1].endswith("]"):
        words = words[:-1]
    return " ".join(words)


def by_characters(text: str) -> int:
    """Tokens of a text where no tokenizer is at hand: characters by the table's ratio."""
    return round(len(text) / float(table()["commitpack"]["characters_per_token"]))


def source_language(path: str) -> str | None:
    """The language of a file that commits are taken of; None for all others."""
    name = path.rpartition("/")[2]
    for known in table()["commit"]["file_names"]:
        if name.endswith(known):
            return str(known).lower()
    found = detect(path)
    code = found in PAPER_MARKUP or section(found) in ("code", "markup")
    return found if found and (code or extension(path) in table()["commit"]["data_extensions"]) else None


def extension(path: str) -> str:
    """What stands after the last dot of a file's name, "" where there is none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2] if "." in name else ""


def _drawn(commit: Commit, seed: int, rule: str, keep: float) -> bool:
    return chance(seed, rule, commit.repository, commit.path, commit.id) < keep


def _length(subject: str) -> bool:
    limits = table()["commitpack"]
    characters = limits["min_characters"] < len(subject) < limits["max_characters"]
    return bool(characters and limits["min_words"] < len(subject.split()) < limits["max_words"])


def _require(kept: bool, rule: str) -> None:
    if not kept:
        raise Dropped(f"commitpack: {rule}")


@functools.cache
def _verbs() -> frozenset[str]:
    return frozenset(table()["commitpack"]["verbs"].split())


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
