"""Every row of the two rule tables for commits, and the range of a change against a plain reference."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.adjacent.commit_rules import (
    Commit,
    Span,
    by_characters,
    commitpack_subject,
    refused_subject,
    source_language,
    span_of,
    starcoder_refusal,
    without_affixes,
)
from leaven.corpus.adjacent.thresholds import table, version
from leaven.corpus.document import Dropped

OLD = "".join(f"a{n}\n" for n in range(60))
COMMIT = Commit("1", "o/r", "src/sum.py", OLD, OLD + "more\n", "Raise the sum of all parts")
SPAN = Span(10, 20, 10, 20)


def refusal(commit: Commit, span: Span = SPAN, seed: int = 0) -> str | None:
    return starcoder_refusal(commit, span, seed, "fixed")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"new": ""}, "commit: nothing left"),
        ({"new": OLD}, "commit: nothing changed"),
        ({"old": "a" * 99_999}, None),
        ({"old": "a" * 100_000}, "commit: too long"),
        ({"subject": "  "}, "commit: no subject"),
        ({"subject": "Readme"}, "commit: empty subject"),
        ({"path": "README"}, "commit: not a source file"),
        ({"path": "build/Dockerfile"}, None),
        ({"path": "GNUMakefile"}, None),
    ],
)
def test_starcoder(change: dict[str, str], reason: str | None) -> None:
    assert refusal(replace(COMMIT, **change)) == reason


@pytest.mark.parametrize(
    ("lines", "low", "high", "reason"),
    [
        (2, 0.06, 0.15, "commit: small change"),
        (3, 1, 1, ""),
        (199, 1, 1, ""),
        (200, 0.06, 0.15, "commit: large change"),
    ],
)
def test_size_of_the_change(lines: int, low: float, high: float, reason: str) -> None:
    found = [refusal(replace(COMMIT, id=str(n)), Span(5, 5 + lines, 5, 5)) for n in range(800)]
    assert low <= found.count(None) / len(found) <= high
    assert set(found) - {None} <= {reason}


def test_short_subjects_and_data_files_are_halved() -> None:
    for change, reason in (({"subject": "Raise the sum up"}, "short subject"), ({"path": "a/b.yml"}, "data file")):
        found = [refusal(replace(COMMIT, id=str(n), **change)) for n in range(800)]
        assert 0.42 < found.count(None) / 800 < 0.58
        assert set(found) == {None, f"commit: {reason}"}
    assert refusal(replace(COMMIT, subject="Raise the sum up now")) is None


def test_draws_depend_on_seed_and_commit_alone() -> None:
    short = [replace(COMMIT, id=str(n), subject="Raise it") for n in range(64)]
    assert [refusal(c) for c in short] == [refusal(c) for c in short]
    assert [refusal(c, seed=1) for c in short] != [refusal(c) for c in short]


@pytest.mark.parametrize(
    ("subject", "fixed", "faithful"),
    [
        ("Add the table of numbers", None, None),
        ("", "commit: no subject", "commit: no subject"),
        ("v1.2.3", "commit: version", "commit: version"),
        ("1.2.3", "commit: version", "commit: version"),
        ("1.2.30 released today to all", None, "commit: version"),
        ("1.2.3 released today to all", None, None),
        ("Update README.md", "commit: empty subject", "commit: empty subject"),
        ("An auto commit again", "commit: empty subject", "commit: empty subject"),
        ("<?xml version", "commit: empty subject", "commit: empty subject"),
        ("a" * 60 + " b", "commit: words too long", "commit: words too long"),
        (" one", "commit: one word", "commit: one word"),
        ("x" * 20, None, None),
        ("x" * 21, "commit: words too long", "commit: words too long"),
    ],
)
def test_subjects(subject: str, fixed: str | None, faithful: str | None) -> None:
    assert refused_subject(subject, "fixed") == fixed
    assert refused_subject(subject, "faithful") == faithful


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"old": "a" * 50_000}, "too long"),
        ({"new": ""}, "nothing left"),
        ({"new": OLD}, "nothing changed"),
        ({"subject": "a"}, "length of the subject"),
        ({"subject": "x" * 10_001}, "length of the subject"),
        ({"subject": "initial commit"}, "noise"),
        ({"subject": "Merge the other branch into this"}, "noise"),
        ({"subject": "Fix the sum for case #12"}, "refers to an issue"),
        ({"subject": "Fix all of the sum quickly"}, "names the file"),
        ({"subject": "Fix all of it"}, "length of the subject"),
        ({"subject": "Fix a b c d", "path": "a/other.py"}, None),
        ({"subject": "Fix a b c "}, "length of the subject"),
        ({"subject": "[tag] Fix all of it"}, "length of the subject"),
        ({"subject": "fix all of the parts"}, "not capitalized"),
        ({"subject": "Fixed all of the parts"}, "no imperative"),
        ({"subject": "Nicely all of the parts"}, "no imperative"),
        ({"subject": "Fix what i did last week"}, "noise"),
        ({"subject": "Fix what thanks to you waits for me"}, "noise"),
        ({"subject": "Fix things found in code review"}, "noise"),
        ({"subject": "Add WIP version of the thing"}, "noise"),
        ({"subject": "Fix page of https://a.b again"}, "noise"),
        ({"subject": "Fix issue 159 of the tracker"}, "pattern"),
        ({"subject": "Fix bug182 of the old tracker"}, "pattern"),
        ({"subject": "Revert " + "af25" * 10 + " of the last week"}, "pattern"),
        ({"path": "notes", "subject": "Fix all of the parts"}, "not a source file"),
    ],
)
def test_commitpack(change: dict[str, str], reason: str | None) -> None:
    commit = replace(COMMIT, **change)
    if reason is None:
        assert commitpack_subject(commit, 0, lambda text: 100) == commit.subject
        return
    with pytest.raises(Dropped) as raised:
        commitpack_subject(commit, 0, lambda text: 100)
    assert str(raised.value) == f"commitpack: {reason}"


@pytest.mark.parametrize(("tokens", "kept"), [(49, False), (50, True), (768, True), (769, False)])
def test_commitpack_tokens(tokens: int, kept: bool) -> None:
    commit = replace(COMMIT, subject="Raise all of the parts")
    if kept:
        assert commitpack_subject(commit, 0, lambda text: tokens)
        return
    with pytest.raises(Dropped, match="tokens"):
        commitpack_subject(commit, 0, lambda text: tokens)


def test_bumps_are_kept_one_time_in_ten() -> None:
    reasons: Counter[str] = Counter()
    for number in range(600):
        commit = replace(COMMIT, id=str(number), subject="Bump the version of things")
        try:
            commitpack_subject(commit, 0, lambda text: 99)
        except Dropped as rule:
            reasons[str(rule)] += 1
    assert set(reasons) == {"commitpack: version bump"}
    kept = 600 - reasons.total()
    assert 0.05 < kept / 600 < 0.16


@pytest.mark.parametrize(
    ("subject", "clean"),
    [
        ("[benchmark] Fix billing", "Fix billing"),
        ("demo/cmd.py: Fix  format", "Fix format"),
        ("[a] b: Fix it [skip ci] [c]", "Fix it"),
        ("Fix a: b", "Fix a: b"),
        ("[ci skip]", ""),
    ],
)
def test_affixes(subject: str, clean: str) -> None:
    assert without_affixes(subject) == clean


def test_table() -> None:
    assert len(set(table()["commitpack"]["verbs"].split())) == len(table()["commitpack"]["verbs"].split()) > 400
    assert by_characters("a" * 36) == 10
    assert source_language("a/b.xml") == "xml"
    assert len(version()) == 32


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d"]), max_size=30)


@given(LINES, LINES)
def test_the_fixed_range_is_the_smallest(old: list[str], new: list[str]) -> None:
    span = span_of(old, new, "fixed")
    assert old[: span.old_start] == new[: span.new_start]
    assert old[span.old_end :] == new[span.new_end :]
    assert 0 <= span.old_start <= span.old_end <= len(old)
    inner_old, inner_new = old[span.old_start : span.old_end], new[span.new_start : span.new_end]
    if inner_old and inner_new:
        assert inner_old[0] != inner_new[0]
        assert inner_old[-1] != inner_new[-1]
    assert (old == new) == (not inner_old and not inner_new)


@given(LINES, LINES)
def test_the_faithful_range_is_the_published_one(old: list[str], new: list[str]) -> None:
    """The published loop over grouped differences, in its own order of minima and maxima."""
    starts, ends = [0, 0], [0, 0]
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes():
        changed = [code for code in group if code[0] != "equal"]
        for side, (first, last) in enumerate(((1, 2), (3, 4))):
            starts[side] = min(starts[side], changed[0][first])
            ends[side] = max(ends[side], changed[-1][last])
    assert span_of(old, new, "faithful") == Span(starts[0], ends[0], starts[1], ends[1])


def test_the_published_defect() -> None:
    old = [str(n) for n in range(500)]
    new = [*old[:400], "x", *old[401:]]
    assert span_of(old, new, "faithful") == Span(0, 401, 0, 401)
    assert span_of(old, new, "fixed") == Span(400, 401, 400, 401)


def test_a_hostile_pair_of_files_ends_soon() -> None:
    old = [f"{n}" for n in range(20_000)]
    begin = time.monotonic()
    assert span_of(old, old[::-1], "faithful") == Span(0, 20_000, 0, 20_000)
    assert refused_subject("1." * 500_000, "faithful") is not None
    assert time.monotonic() - begin < 20
