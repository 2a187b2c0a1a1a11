"""Answers by mail lose what the mail program added, by the published patterns, in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.adjacent.mail import without_mail

TAIL = "Reply to this email directly, view it on GitHub, or mute the thread."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Thanks!\n", "Thanks!"),
        (f"Agreed.\nFrom: someone\nSubject: x\n{TAIL}\nmore", "Agreed."),
        (f"Agreed.\nOn Monday, <notifications@github.com> wrote:\n> a\n{TAIL}", "Agreed."),
        ("Fixed\n\nSigned-off-by: A B <a@b.c>\nDone", "Fixed\n\nDone"),
        ("Answer\nOn 1/2/2020 11:05 AM, A wrote:\n> quoted\n> more\nend", "Answer\nend"),
        ("first\n> quoted\nanswer", "answer"),
        ("above\n" + "_" * 30 + "\nbelow", "above\n\nbelow"),
        ("above\n" + "_" * 19 + "\nbelow", "above\n" + "_" * 19 + "\nbelow"),
    ],
)
def test_published_cases(text: str, left: str) -> None:
    assert without_mail(text, faithful=False) == left
    assert without_mail(text, faithful=True) == left


def test_a_header_without_a_quotation_is_said_twice_as_published() -> None:
    text = "one\ntwo\nfrom notifications@github.com\nthree"
    assert without_mail(text, faithful=False) == "one\ntwo\nthree"
    assert without_mail(text, faithful=True) == "one\ntwo\n" + text


WORDS = ["From:", "On", "notifications@github.com", "wrote:", "Reply to this email directly", "view it on GitHub"]
MORE = ["Signed-off-by: ", "<", ">", "\n", "a", " ", "> ", "1/2/20 10:00 PM", "wrote", "_" * 20]
PIECES = st.lists(st.sampled_from([*WORDS, *MORE]), max_size=14)


@given(PIECES)
def test_like_the_published_patterns(words: list[str]) -> None:
    text = "".join(words)
    assert without_mail(text, faithful=True) == published(text)


def published(text: str) -> str:
    """The published function, with its patterns."""
    text = text.strip()
    patterns = (
        "(.*)From:.+Reply to this email directly.+view it on GitHub(.*)\n?(.*)",
        "(.*)On.+notifications@github.com.+wrote:.+Reply to this email directly.+view it on GitHub(.*)\n?(.*)",
        "(.*)Signed-off-by: .+<.+>(.*?)\n?(.*)",
    )
    for pattern in patterns:
        found = re.match(pattern, text, re.DOTALL)
        if found:
            text = found[1] + found[3]
            break
    else:
        lines = text.split("\n")
        start, end = 0, -1
        for number, line in enumerate(lines):
            line = line.strip()
            if "notifications@github.com" in line or re.search(r"\d+/\d+/\d+ \d{2}:\d{2} [AP]M.+wrote", line):
                start = number
            if "Reply to this email directly" in line:
                end = number + 1 if line.endswith(":") else number
            if line.startswith(">"):
                end = number
        text = "\n".join(lines[:start] + lines[end + 1 :])
    return re.sub("_{20,}", "", text).strip()


@pytest.mark.parametrize("unit", ["From: Reply to this email directly ", "1/1/1 11:11 AM ", "1", "_" * 19 + "a", "On"])
def test_hostile_comments_end_soon(unit: str) -> None:
    begin = time.monotonic()
    without_mail(unit * (1_000_000 // len(unit)), faithful=False)
    assert time.monotonic() - begin < 20
