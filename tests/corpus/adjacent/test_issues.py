"""Every rule for issues, the rendering, and the published defects that may be asked for."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.adjacent.conversation import Comment, anonymous, numbered, refusal, shortened
from leaven.corpus.adjacent.issues import from_record, is_bot, render, without_bots
from leaven.corpus.adjacent.thresholds import table
from leaven.corpus.document import Tally
from leaven.corpus.plan import SourcePlan

LONG = "It fails when the list is empty and nobody has looked at the first of its parts yet. " * 3


def plan(**options: object) -> SourcePlan:
    return SourcePlan("talk", "adjacent", "path", 1 << 20, form="issues", options=options)


def event(author: str, text: object, action: str = "created", **more: object) -> dict[str, object]:
    return {"author": author, "text": text, "action": action, "type": "comment"} | more


def record(*events: object, **fields: object) -> dict[str, object]:
    return {"repo": "some/thing", "issue_id": 7, "issue_number": 12, "events": list(events)} | fields


def test_rendering() -> None:
    tally = Tally()
    found = from_record(
        record(
            event("alice", LONG + "\r\nSee @Bob-2.", "opened", title="Empty  list"),
            event("bob-2", "Thanks alice, malice."),
            event("bob-2", "", "closed"),
            event("carol", "Again?"),
        ),
        plan(),
        tally,
    )
    assert found is not None
    assert found.text == (
        f"<issue_start>Title: Empty list\nusername_0: {LONG.strip()} \nSee @username_1."
        "<issue_comment>username_1: Thanks username_0, malice.<issue_closed><issue_comment>username_2: Again?"
    )
    assert (found.id, found.group, found.repository) == ("some/thing/issues/7", "some/thing", "some/thing")
    assert found.labels == {"number": "12"}
    assert tally.files == 1
    assert not tally.dropped
    assert not tally.skipped


def test_published_names_are_replaced_inside_words() -> None:
    events = record(event("alice", LONG + "malice"), event("bob", "al"))
    faithful, fixed = from_record(events, plan(range="faithful"), Tally()), from_record(events, plan(), Tally())
    assert faithful is not None
    assert fixed is not None
    assert "musername_0" in faithful.text
    assert "malice" in fixed.text


@pytest.mark.parametrize(("lines", "left"), [(80, 80), (81, 81), (200, 81)])
def test_long_comments_lose_their_middle(lines: int, left: int) -> None:
    text = "\n".join(str(n) for n in range(lines))
    got = shortened(text).split("\n")
    assert len(got) == left
    if lines > 80:
        assert got == [*(str(n) for n in range(60)), "[Truncated]", *(str(n) for n in range(lines - 20, lines))]


@pytest.mark.parametrize(
    ("users", "size", "events", "reason"),
    [
        (1, 199, 1, "issue: too short"),
        (1, 200, 1, None),
        (1, 7000, 10, None),
        (1, 7001, 10, "issue: one user"),
        (1, 1000, 11, "issue: one user"),
        (2, 199, 2, "issue: too short"),
        (2, 90_000, 11, None),
    ],
)
def test_what_is_a_conversation(users: int, size: int, events: int, reason: str | None) -> None:
    comments = [Comment(f"u{n % users}", "") for n in range(events)]
    comments[0] = Comment("u0", "x" * size)
    assert refusal(comments, "issue") == reason


@pytest.mark.parametrize(
    ("author", "fixed", "faithful"),
    [
        *((name, True, True) for name in table()["issue"]["bot_names"]),
        ("dependabot[bot]", True, True),
        ("My-Jenkins-2", True, True),
        ("k8s-robotics", True, True),
        ("a-test-b", True, True),
        ("travisci", True, True),
        *((f"Some{suffix}", True, True) for suffix in table()["issue"]["bot_suffixes"][:-1]),
        ("Big-Service-Account", True, False),
        ("alice", False, False),
        ("sparkqa", False, False),
        ("cloud", False, False),
    ],
)
def test_bots(author: str, fixed: bool, faithful: bool) -> None:
    assert is_bot(author, faithful=False) is fixed
    assert is_bot(author, faithful=True) is faithful


def test_the_table_has_the_published_sizes() -> None:
    limits = table()["issue"]
    assert [len(limits[f"bot_{kind}"]) for kind in ("names", "keywords", "suffixes")] == [15, 7, 13]


def test_calls_of_bots() -> None:
    comments = [Comment("alice", "/retest"), Comment("robot", "ok"), Comment("bob", "see robot"), Comment("robot", "x")]
    assert without_bots(comments, faithful=False) == []
    assert without_bots(comments, faithful=True) == [comments[0]]
    spoken = [Comment("alice", "hello"), Comment("robot", "ok"), Comment("robot", "ok")]
    assert without_bots(spoken, faithful=False) == spoken[:1]


def test_only_bots() -> None:
    tally = Tally()
    assert from_record(record(event("robot", LONG)), plan(), tally) is None
    assert tally.dropped == {"issue: bots only": 1}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (record(events=3), "record: events is not a list"),
        (record(3), "record: an event is not a record"),
        (record(event("a", 3)), "record: text is not text"),
        ({"repo": "a"}, "record without content"),
        (record(event("a", "b\0c")), "binary"),
    ],
)
def test_records_that_cannot_be_read(broken: dict[str, object], reason: str) -> None:
    tally = Tally()
    assert from_record(broken, plan(), tally) is None
    assert tally.skipped == {reason: 1}


def test_content_alone_is_taken_as_it_is() -> None:
    found = from_record({"content": "<issue_start>x", "repo": "a/b"}, plan(), Tally())
    assert found is not None
    assert found.text == "<issue_start>x"


def test_events_as_they_were_collected() -> None:
    events = record(
        event("a", None, "opened", comment=None, description=LONG), event("b", None, comment="Yes, it does.")
    )
    found = from_record(events, plan(), Tally())
    assert found is not None
    assert found.text.endswith("<issue_comment>username_1: Yes, it does.")


NAMES = st.lists(st.from_regex(r"[A-Za-z0-9](-?[A-Za-z0-9]){3,8}", fullmatch=True), min_size=1, max_size=5)


@given(NAMES, st.lists(st.sampled_from(["see ", "@", "(", ")", ". "]), max_size=6))
def test_no_name_is_left(names: list[str], around: list[str]) -> None:
    said = [
        Comment(name, "".join(a + " " + n + " " for a, n in zip(around, names * 6, strict=False))) for name in names
    ]
    for comment in anonymous(said, faithful=False):
        words = {word.lower() for word in re.findall(r"[A-Za-z0-9-]+", comment.text)}
        assert not words & {name.lower() for name in names}
        assert comment.author in numbered(names).values()


def test_nothing_said() -> None:
    assert render("", []) == "<issue_start>"


def test_a_hostile_issue_ends_soon() -> None:
    begin = time.monotonic()
    from_record(record(event("a" * 40, "a-" * 500_000), event("b", "@" * 500_000)), plan(), Tally())
    tally = Tally()
    from_record(record(event("a", "x" * 17_000_000)), plan(), tally)
    assert tally.dropped == {"issue: too large": 1}
    assert time.monotonic() - begin < 30
