"""Threads of a dump, joined within bounds, rendered and judged; SlimPajama's threads as they are."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from leaven.corpus.adjacent import dump, thread_join, thresholds
from leaven.corpus.adjacent.threads import documents, from_record, of_text
from leaven.corpus.document import Document, Dropped, Tally
from leaven.corpus.plan import SourcePlan

LONG = "<p>" + "Why does it fail when nobody looks? " * 8 + "</p>"
PLAN = SourcePlan("site", "adjacent", "path", 1 << 20, form="threads")


def row(**fields: object) -> str:
    return "  <row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in fields.items()) + " />\n"


def question(number: int, **fields: object) -> str:
    return row(Id=number, PostTypeId=1, **({"Score": 3, "Body": LONG, "OwnerUserId": 8, "Title": "A  title"} | fields))


def answer(number: int, parent: int, **fields: object) -> str:
    return row(
        Id=number, PostTypeId=2, ParentId=parent, **({"Score": 0, "Body": "<p>So.</p>", "OwnerUserId": 9} | fields)
    )


def dumped(folder: Path, *rows: str, root: str = "posts", name: str = "Posts.xml") -> Path:
    path = folder / name
    path.write_text(f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n<{root}>\n{"".join(rows)}</{root}>\n')
    return path


def read(path: Path) -> tuple[list[Document], Tally]:
    tally = Tally()
    return list(documents(path, PLAN, tally)), tally


def test_a_thread(tmp_path: Path) -> None:
    dumped(
        tmp_path,
        row(Id=8, DisplayName="Ann Lee"),
        row(Id=9, DisplayName="Bo"),
        row(Id="x", DisplayName="C"),
        root="users",
        name="Users.xml",
    )
    path = dumped(
        tmp_path,
        answer(5, 4, Score=7, Body="<p>@AnnLee: use <code>a&lt;b</code></p><pre><code>x\n</code></pre>"),
        question(4, AcceptedAnswerId=6, Tags="<c#><loops>"),
        answer(6, 4, OwnerUserId=8, Body="<p>I know, @Bo and @Boris.</p>"),
        answer(7, 4, OwnerUserId="", OwnerDisplayName="gone", Score=7),
        row(Id=9, PostTypeId=5, Body="a wiki"),
    )
    found, tally = read(path)
    asked = LONG.removeprefix("<p>").removesuffix("</p>").strip()
    assert [d.text for d in found] == [
        f"<issue_start>Title: A title\nusername_0: {asked}"
        "<issue_comment>username_0: I know, @username_1 and @Boris.\nUpvotes: 0 [selected answer]"
        "<issue_comment>username_1: @username_0: use `a<b`\n\n```\nx\n```\nUpvotes: 7"
        "<issue_comment>username_2: So.\nUpvotes: 7"
    ]
    assert found[0].id == "site/questions/4"
    assert found[0].labels == {"score": "3", "tags": "c# loops"}
    assert found[0].licence == "CC-BY-SA-4.0"
    assert tally.skipped == {"post that is no question and no answer": 1}
    assert not tally.dropped


def test_rules(tmp_path: Path) -> None:
    path = dumped(
        tmp_path,
        question(1),
        question(2, Body="<p>short</p>"),
        answer(3, 2),
        question(4, Body="<p>" + "x " * 4000 + "</p>"),
        answer(5, 4, OwnerUserId=8),
        answer(6, 99),
        question(7),
        answer(8, 7),
    )
    found, tally = read(path)
    assert [d.id for d in found] == ["site/questions/7"]
    assert tally.dropped == {"thread: no answer": 1, "thread: too short": 1, "thread: one user": 1}
    assert tally.skipped == {"answer without a question": 1}


def test_broken_rows_cost_only_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"thread": thresholds.table()["thread"] | {"max_row": 5000}}
    monkeypatch.setattr("leaven.corpus.adjacent.dump.table", lambda: thresholds.table() | small)
    path = dumped(
        tmp_path,
        '  <row Id="1" PostTypeId="1" Body="&bomb;" />\n',
        '  <row Id="2" PostTypeId="1" Body="no end\n',
        '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>\n',
        '  <row Id="3" PostTypeId="1" Body="&lol2;" />\n',
        '  <row Id="4" PostTypeId="1" /><row Id="5" PostTypeId="1" />\n',
        '  <row Id="x" PostTypeId="1" Body="" />\n',
        "  <row " + "a" * 20_000 + " />\n",
        question(7),
        answer(8, 7),
        answer(9, 9),
    )
    path.write_bytes(path.read_bytes().replace(b"</posts>", b"\xff\xfe\n" + question(17).encode()[:-20]))
    found, tally = read(path)
    assert [d.id for d in found] == ["site/questions/7"]
    assert tally.skipped == {"broken row": 7, "row too large": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<users>\n</users>", "dump of users"),
        ("", "not a dump of posts"),
        ("{}", "not a dump of posts"),
        ("<a b", "dump of a"),
        ("<>", "not a dump of posts"),
    ],
)
def test_other_files(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "other.xml"
    path.write_text(content)
    found, tally = read(path)
    assert found == []
    assert tally.skipped == {reason: 1}


def test_an_absent_file(tmp_path: Path) -> None:
    assert read(tmp_path / "none.xml")[1].skipped == {"unreadable": 1}


def test_many_buckets_give_the_same_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [line for n in range(1, 200, 3) for line in (question(n), answer(n + 1, n), answer(n + 2, n, OwnerUserId=n))]
    path = dumped(tmp_path, *reversed(rows))
    wanted = {d.id: d for d in read(path)[0]}
    small = {"thread": thresholds.table()["thread"] | {"bucket": 4000, "buffer": 3000}}
    monkeypatch.setattr("leaven.corpus.adjacent.thread_join.table", lambda: thresholds.table() | small)
    found = read(path)[0]
    assert len(found) == len(wanted) == 67
    assert {d.id: d for d in found} == wanted
    assert not list(tmp_path.glob("threads-*"))


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"thread": thresholds.table()["thread"] | {"bucket": 50_000, "buffer": 50_000}}
    monkeypatch.setattr("leaven.corpus.adjacent.thread_join.table", lambda: thresholds.table() | small)
    path = tmp_path / "Posts.xml"
    with path.open("w") as file:
        file.write("<posts>\n")
        for n in range(1, 3000, 2):
            file.write(question(n, Body=LONG * 3) + answer(n + 1, n))
    assert path.stat().st_size > 1_500_000
    tracemalloc.start()
    count = sum(1 for _ in documents(path, PLAN, Tally()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1500
    assert peak < 1_000_000


def test_names(tmp_path: Path) -> None:
    users = dumped(tmp_path, row(Id=-1, DisplayName="All"), row(Id=3, DisplayName="Zoë"), root="users")
    with thread_join.Names(users, tmp_path, Counter()) as names:
        assert [names.of(n) for n in ("3", "-1", "2", "999", "", "9" * 40)] == ["Zoë", "", "", "", "", ""]


def test_root(tmp_path: Path) -> None:
    assert dump.root_of(dumped(tmp_path)) == "posts"


@pytest.mark.parametrize(
    ("record", "skipped", "dropped"),
    [
        ({"text": "Q: a\n\nA: b", "meta": {"redpajama_set_name": "RedPajamaStackExchange"}}, {}, {}),
        ({"text": "Q: a", "meta": {"redpajama_set_name": "RedPajamaGithub"}}, {"record of another set": 1}, {}),
        ({"text": "Q: a"}, {"record of another set": 1}, {}),
        ({"text": 3, "meta": {"redpajama_set_name": "RedPajamaStackExchange"}}, {"record: text is not text": 1}, {}),
        ({"text": " ", "meta": {"redpajama_set_name": "RedPajamaStackExchange"}}, {}, {"too short": 1}),
    ],
)
def test_slimpajama(record: Mapping[str, object], skipped: dict[str, int], dropped: dict[str, int]) -> None:
    tally = Tally()
    found = from_record(record, PLAN, tally)
    assert (found is None) == bool(skipped or dropped)
    assert found is None or found.text == "Q: a\n\nA: b"
    assert tally.skipped == skipped
    assert tally.dropped == dropped


def test_text() -> None:
    with pytest.raises(Dropped):
        of_text(Document("a", "", "a", "a"))
