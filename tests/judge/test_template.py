"""The question as it is put, and strict reading of the answer."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.judge.question import Question
from leaven.judge.template import SYSTEM, TEMPLATE_ID, USER, messages, parse


@pytest.mark.parametrize(
    ("reply", "choice"),
    [
        ("Comparison: A holds, B rambles.\nPreferred: Answer (A)", "first"),
        ("Comparison: …\nPreferred: Answer (B)", "second"),
        ("Preferred: 'Answer (B)'", "second"),
        ("Preferred: <'Answer (B)'>", "second"),
        ("**Preferred:** Answer (A)", "first"),
        ("  Preferred : Answer (A).\n\n", "first"),
        ("Preferred: Answer (A)\r\n", "first"),
        # The last verdict counts: the judge may quote the format, or think aloud, before.
        ("Preferred: Answer (A)\nOn reflection:\nPreferred: Answer (B)", "second"),
        ("The format is Preferred: <'Answer (A)' or 'Answer (B)'>\nPreferred: Answer (A)", "first"),
        # No verdict on a line of its own, or one that hedges, is none.
        ("I would say that Preferred: Answer (A)", None),
        ("Preferred: Answer (A) or Answer (B)", None),
        ("Preferred: Answer (A)\nPreferred: neither", None),
        ("Preferred: <'Answer (A)' or 'Answer (B)'>", None),
        ("Preferred: Answer (C)", None),
        ("Preferred: A", None),
        ("Answer (A) is better.", None),
        ("preferred: answer (a)", None),
        ("I cannot help with that.", None),
        ("Preferred:\nAnswer (A)", None),
        ("", None),
    ],
)
def test_the_last_anchored_verdict_counts(reply, choice):
    assert parse(reply) == choice


@given(st.text())
def test_any_text_before_leaves_the_verdict(text):
    assert parse(f"{text}\nPreferred: Answer (B)") == "second"


@given(st.text(), st.text(), st.text())
def test_the_texts_stand_in_their_places_as_they_are(prompt, first, second):
    user = messages(Question(prompt, first, second))[1]["content"]
    assert f"Instruction: {prompt}\n\nAnswer (A): {first}\n\nAnswer (B): {second}\n\n" in user


def test_placeholders_in_a_completion_are_only_text():
    user = messages(Question("{second}", "{prompt} {", "\\1"))[1]["content"]
    assert "Instruction: {second}\n\nAnswer (A): {prompt} {\n\nAnswer (B): \\1\n" in user


def test_golden_template():
    """Another wording is another judge: change TEMPLATE_ID with it, or cached replies answer another question."""
    digest = hashlib.sha256((SYSTEM + USER).encode()).hexdigest()
    assert (TEMPLATE_ID, digest) == ("pair/1", GOLDEN_HASH)


GOLDEN_HASH = "b0a7ae98c2cd77eb74b11e51d2510e85704da2faef1aa4159b4150b8b1175947"
