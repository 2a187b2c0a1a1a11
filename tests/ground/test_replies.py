"""The reply cache: appends whole lines, survives kills and company, and says when it cannot."""

from __future__ import annotations

import json
import threading

import pytest

from leaven.ground.chat import Reply
from leaven.ground.errors import LeavenError
from leaven.ground.replies import ReplyCache


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
