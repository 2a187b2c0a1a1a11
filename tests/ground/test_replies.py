"""The reply cache: appends whole lines, survives kills and company, and says when it cannot."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.chat import Reply, Usage
from leaven.ground.errors import LeavenError
from leaven.ground.replies import ReplyCache, Spent


def test_what_was_added_is_there_again_in_order(tmp_path):
    cache = ReplyCache(tmp_path / "new" / "replies.jsonl")
    cache.add("k", Reply("one\nline – é", "stop"))
    cache.add("l", Reply("other"))
    cache.add("k", Reply("", "content_filter", refused=True))
    again = ReplyCache(tmp_path / "new" / "replies.jsonl")
    for each in (cache, again):
        assert each.replies("k") == [Reply("one\nline – é", "stop"), Reply("", "content_filter", refused=True)]
        assert each.replies("l") == [Reply("other")]
        assert each.replies("m") == []


def test_lines_are_only_ever_appended(tmp_path):
    path = tmp_path / "replies.jsonl"
    ReplyCache(path).add("k", Reply("one"))
    before = path.read_bytes()
    ReplyCache(path).add("k", Reply("two"))
    assert path.read_bytes().startswith(before)


def test_a_line_torn_by_a_kill_costs_that_line_only(tmp_path):
    path = tmp_path / "replies.jsonl"
    ReplyCache(path).add("k", Reply("one"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-9])
    cache = ReplyCache(path)
    assert cache.replies("k") == [Reply("one")]
    cache.add("l", Reply("two"))
    again = ReplyCache(path)
    assert (again.replies("k"), again.replies("l")) == ([Reply("one")], [Reply("two")])


def test_many_writers_never_tear_each_others_lines(tmp_path):
    path = tmp_path / "replies.jsonl"

    def write(writer: int) -> None:
        cache = ReplyCache(path)
        for i in range(20):
            cache.add(f"{writer}", Reply(f"{i} " + "x" * 5000))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 80
    assert [reply.text.split()[0] for reply in ReplyCache(path).replies("3")] == [str(i) for i in range(20)]


def test_a_place_that_cannot_be_written_is_an_error_without_a_path(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LeavenError, match=r"cannot read the judge's replies in replies.jsonl: "):
        ReplyCache(tmp_path / "file" / "replies.jsonl")
    cache = ReplyCache(tmp_path / "replies.jsonl")
    (tmp_path / "replies.jsonl").mkdir()
    with pytest.raises(LeavenError, match=r"cannot keep the judge's reply in replies.jsonl: "):
        cache.add("k", Reply("one"))


def test_lines_of_before_are_read_and_foreign_ones_passed_over(tmp_path):
    path = tmp_path / "replies.jsonl"
    foreign = [
        '{"key":"k","note":1}',
        "[]",
        "null",
        "3",
        '"x"',
        '{"key":[]}',
        "{" * 5000,
        "",
        '{"paid": "k", "scope": 1}',
    ]
    path.write_text("\n".join([*foreign, '{"finish":"stop","key":"k","refused":false,"text":"one","more":{}}']))
    cache = ReplyCache(path)
    assert cache.replies("k") == [Reply("one", "stop")]
    assert cache.spent("") == Spent(replies=1, unknown=1)


def test_what_a_scope_has_spent(tmp_path):
    cache = ReplyCache(tmp_path / "replies.jsonl")
    cache.asking("k", "s")
    assert cache.spent("s") == Spent(unanswered=1)
    cache.add("k", Reply("one", usage=Usage(100, 7)), "s")
    cache.asking("l", "s")
    cache.add("l", Reply("two"), "s")
    cache.asking("m", "s")
    cache.failed("m", "s")
    cache.asking("m", "s")
    cache.add("k", Reply("another's", usage=Usage(1, 1)), "t")
    cache.add("n", Reply("nobody's", usage=Usage(5, 5)))
    for each in (cache, ReplyCache(tmp_path / "replies.jsonl")):
        assert each.spent("s") == Spent(replies=2, given=100, written=7, unknown=1, unanswered=1)
        assert each.spent("t") == Spent(replies=1, given=1, written=1)
        assert each.spent("") == Spent(replies=1, given=5, written=5)
        assert each.spent("nothing") == Spent()
        assert each.replies("k") == [Reply("one", usage=Usage(100, 7)), Reply("another's", usage=Usage(1, 1))]


def test_tokens_that_were_estimated_are_added_up_and_are_no_count_of_the_endpoint(tmp_path):
    path = tmp_path / "replies.jsonl"
    cache = ReplyCache(path)
    cache.add("k", Reply("one", usage=Usage(100, 7)), "s", Usage(90, 1))
    cache.add("l", Reply("two"), "s", Usage(80, 3))
    for each in (cache, ReplyCache(path)):
        assert each.spent("s") == Spent(replies=2, given=180, written=10, unknown=1)
        assert (each.replies("k"), each.replies("l")) == ([Reply("one", usage=Usage(100, 7))], [Reply("two")])
    assert [json.loads(line).get("estimated", False) for line in path.read_text().splitlines()] == [False, True]


def test_a_question_asked_again_after_a_loss_stays_counted(tmp_path):
    """What was lost may have been billed; that the second asking was answered says nothing of the first."""
    cache = ReplyCache(tmp_path / "replies.jsonl")
    cache.asking("k", "s")
    cache.asking("k", "s")
    cache.add("k", Reply("one", usage=Usage(1, 1)), "s")
    assert cache.spent("s").unanswered == 1


def test_a_reply_that_was_never_announced_settles_nothing(tmp_path):
    cache = ReplyCache(tmp_path / "replies.jsonl")
    cache.add("k", Reply("one"), "s")
    cache.failed("k", "s")
    cache.asking("k", "s")
    assert cache.spent("s").unanswered == 1


def test_what_others_append_is_read_as_it_comes(tmp_path):
    path = tmp_path / "replies.jsonl"
    cache, other = ReplyCache(path), ReplyCache(path)
    for n in range(3):
        other.asking(f"{n}", "s")
        other.add(f"{n}", Reply("x", usage=Usage(10, 1)), "s")
        assert cache.spent("s") == Spent(n + 1, 10 * (n + 1), n + 1)
        assert cache.replies(f"{n}") == [Reply("x", usage=Usage(10, 1))]
    with path.open("ab") as file:
        file.write(b'{"asking":"torn"')
    assert cache.spent("s").unanswered == 0
    other.asking("whole", "s")
    assert cache.spent("s").unanswered == 1
    assert cache.spent("s").replies == 3


def test_a_last_line_without_its_end_counts_once(tmp_path):
    """Whole but for the line break: no writer is at it any more, and the next one closes it."""
    path = tmp_path / "replies.jsonl"
    ReplyCache(path).add("k", Reply("one"))
    path.write_bytes(path.read_bytes().rstrip())
    cache = ReplyCache(path)
    assert cache.replies("k") == [Reply("one")]
    cache.add("k", Reply("two"))
    for each in (cache, ReplyCache(path)):
        assert each.replies("k") == [Reply("one"), Reply("two")]


def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    path = tmp_path / "replies.jsonl"
    cache = ReplyCache(path)
    cache.add("k", Reply("one"), "s")
    assert cache.replies("k") == [Reply("one")]
    ReplyCache(tmp_path / "new.jsonl").add("l", Reply("two"), "s")
    (tmp_path / "new.jsonl").replace(path)
    assert (cache.replies("k"), cache.replies("l")) == ([], [Reply("two")])
    assert cache.spent("s").replies == 1
    path.write_bytes(b"")
    assert (cache.replies("l"), cache.spent("s")) == ([], Spent())
    path.unlink()
    assert cache.replies("l") == []


def test_processes_share_a_file_and_agree_on_what_was_spent(tmp_path):
    path = tmp_path / "replies.jsonl"
    program = """
import sys
from pathlib import Path
from leaven.ground.chat import Reply, Usage
from leaven.ground.replies import ReplyCache
cache = ReplyCache(Path(sys.argv[1]))
for n in range(60):
    cache.asking(f"{sys.argv[2]} {n}", "s")
    if n % 3 == 0:
        cache.failed(f"{sys.argv[2]} {n}", "s")
    elif n % 3 == 1:
        cache.add(f"{sys.argv[2]} {n}", Reply("x" * 3000, usage=Usage(3, 2)), "s")
    seen = cache.spent("s")
    assert seen.given == 3 * seen.replies and seen.written == 2 * seen.replies
"""
    processes = [subprocess.Popen([sys.executable, "-c", program, str(path), str(n)]) for n in range(3)]
    cache, before = ReplyCache(path), 0
    while any(process.poll() is None for process in processes):
        seen = cache.spent("s")
        assert before <= seen.replies <= 60
        assert (seen.given, seen.written) == (3 * seen.replies, 2 * seen.replies)
        before = seen.replies
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert cache.spent("s") == ReplyCache(path).spent("s") == Spent(60, 180, 120, 0, 60)


def test_a_line_that_is_being_written_is_waited_for(tmp_path):
    path = tmp_path / "replies.jsonl"
    ReplyCache(path).add("k", Reply("one"))
    line, cache = path.read_bytes(), ReplyCache(path)
    seen: list[list[Reply]] = []
    reader = threading.Thread(target=lambda: seen.append(cache.replies("k")))
    with path.open("ab", buffering=0) as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        writer.write(line[:20])
        reader.start()
        time.sleep(0.05)
        writer.write(line[20:])
    reader.join()
    assert seen == [[Reply("one"), Reply("one")]]


def test_offline_nothing_is_asked_or_written(tmp_path):
    path = tmp_path / "replies.jsonl"
    ReplyCache(path).add("k", Reply("one"))
    before = path.read_bytes()
    cache = ReplyCache(path, offline=True)
    assert cache.replies("k") == [Reply("one")]
    for write in (lambda: cache.asking("k", "s"), lambda: cache.add("k", Reply("two")), lambda: cache.failed("k", "s")):
        with pytest.raises(LeavenError, match="the judge is offline: nothing is asked, and replies.jsonl is only read"):
            write()
    assert path.read_bytes() == before
    assert ReplyCache(tmp_path / "none" / "replies.jsonl", offline=True).replies("k") == []
    assert not (tmp_path / "none").exists()


EVENTS = st.lists(
    st.tuples(st.sampled_from(["asking", "add", "failed"]), st.sampled_from("kl"), st.sampled_from(["", "s"])),
    max_size=12,
)


@given(events=EVENTS, cut=st.integers(0, 400), turns=st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_reader_who_follows_sees_what_one_who_comes_late_sees(tmp_path_factory, events, cut, turns):
    path = tmp_path_factory.mktemp("replies") / "replies.jsonl"
    writers = ReplyCache(path), ReplyCache(path)
    for number, ((event, key, scope), turn) in enumerate(zip(events, turns, strict=False)):
        writer = writers[turn]
        if event == "add":
            writer.add(key, Reply(f"{number}", usage=Usage(number, 1) if turn else None), scope)
        else:
            getattr(writer, event)(key, scope)
        if number == 5 and cut < 40:
            with path.open("ab") as file:
                file.write(b'{"key":"k","text":"torn","finish":"","refused":false}'[:cut])
        writers[0].spent(scope)
    late = ReplyCache(path)
    for scope in ("", "s"):
        assert writers[0].spent(scope) == writers[1].spent(scope) == late.spent(scope)
        assert late.spent(scope).unanswered >= 0
    for key in "kl":
        assert writers[0].replies(key) == writers[1].replies(key) == late.replies(key)
