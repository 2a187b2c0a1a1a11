"""Problems from an endpoint: a scripted server, a kept reply for every request, and nothing that leaks."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leaven.corpus.document import Document, Tally
from leaven.corpus.plan import SourcePlan
from leaven.corpus.synthetic import documents, source, verify
from leaven.corpus.synthetic.endpoint import Writer, messages, wish, written
from leaven.ground.errors import BadInput, LeavenError
from leaven.sandbox.level import none

KEY = "sk-very-secret-0123456789"


def exercise(number: int) -> dict[str, Any]:
    """A right problem, a different one for each number."""
    code = (
        f'def add_{number}(n: int) -> int:\n    """Add {number} to n, but never go above 1000."""\n'
        f"    result = n + {number}\n    return min(result, 1000)\n"
    )
    tests = [f"assert add_{number}({n}) == {min(n + number, 1000)}" for n in (0, 5, 2000, -3)]
    given = {"n": "st.integers(0, 500)"}
    return {
        "code": code,
        "tests": tests,
        "properties": [{"given": given, "holds": f"add_{number}(n) <= 1000"}],
        "contracts": ["post: _ <= 1000"],
    }


@pytest.fixture
def writing(server, monkeypatch: pytest.MonkeyPatch):
    """The server as one that writes problem after problem, the same for the same request; asked four at a time."""
    monkeypatch.setattr(source, "WAVE", 4)

    def answer(request: dict[str, Any]):
        return server.says(json.dumps(exercise(sum(request["messages"][1]["content"].encode()))))

    server.default = answer
    return server


def plan(url: str, count: int, seed: int = 0, **options: Any) -> SourcePlan:
    endpoint = {"url": url, "model": "m", **options.pop("endpoint", {})}
    return SourcePlan(
        "s", "synthetic", "generated", 1 << 20, seed=seed, options={"count": count, "endpoint": endpoint, **options}
    )


def built(plan: SourcePlan, folder: Path) -> tuple[list[Document], Tally]:
    tally = Tally()
    return list(documents(plan, tally, cache=folder)), tally


def test_documents_are_verified_and_say_so(writing, tmp_path: Path) -> None:
    found, tally = built(plan(writing.url, 3, verify="properties"), tmp_path)
    assert len(found) == 3
    assert tally.files == len(writing.requests) == 4
    assert all(document.labels["verified"] == "properties" for document in found)
    assert all(document.labels["model"] == "m" for document in found)
    assert all(document.labels["isolation"] for document in found)
    assert all(document.licence == "" for document in found)
    assert len({document.group for document in found}) == 3


def test_requests_are_varied_and_a_function_of_the_seed(writing, tmp_path: Path) -> None:
    asked = [messages(0, number)[1]["content"] for number in range(200)]
    assert len(set(asked)) > 190
    assert asked == [messages(0, number)[1]["content"] for number in range(200)]
    assert asked != [messages(1, number)[1]["content"] for number in range(200)]
    assert len(Counter(wish(0, number)["topics"] for number in range(200))) > 30
    assert all("{" not in text.replace('{"given": {"argument"', "").replace("{{", "") for text in asked)
    built(plan(writing.url, 1), tmp_path)
    assert sorted(r["messages"][1]["content"] for r in writing.requests) == sorted(asked[:4])


def test_a_finished_build_is_made_again_without_a_network(writing, tmp_path: Path) -> None:
    writing.script = [writing.answer(status=400, body=b"no")] * 2
    first = built(plan(writing.url, 5, endpoint={"at_once": 1}), tmp_path)
    asked = len(writing.requests)
    again = built(plan("http://127.0.0.1:9/v1", 5, endpoint={"key": "NO_SUCH_KEY", "at_once": 9}), tmp_path)
    assert again == first
    assert len(writing.requests) == asked == 8
    assert first[1].dropped["endpoint: rejected"] == 2


def test_an_interrupted_build_goes_on_from_there(writing, tmp_path: Path) -> None:
    whole = built(plan(writing.url, 5), tmp_path / "whole")[0]
    writing.requests.clear()
    writing.script = [writing.default({"messages": messages(0, number)}) for number in range(5)]
    writing.script += [writing.answer(status=401, body=b"")]
    one = plan(writing.url, 5, endpoint={"at_once": 1})
    with pytest.raises(BadInput, match="Look at endpoint.url"):
        built(one, tmp_path / "torn")
    assert len((tmp_path / "torn" / "synthetic" / "replies.jsonl").read_bytes().splitlines()) == 5
    assert built(one, tmp_path / "torn")[0] == whole
    assert len(writing.requests) == 6 + 3


def test_an_endpoint_that_is_down_stops_the_build_and_keeps_what_it_said(server, tmp_path: Path) -> None:
    writer = Writer.of({"url": server.url, "model": "m"}, tmp_path)
    object.__setattr__(writer.chat, "tries", 2)
    object.__setattr__(writer.chat, "first_wait", 0.001)
    server.default = lambda request: server.answer(status=503)
    with pytest.raises(LeavenError, match="no answer in 2 tries.*\n.*run again"):
        list(written(writer, 0, 0, 8, Tally()))
    assert len(server.requests) <= 2 * 8


def test_the_number_of_requests_under_way_changes_nothing(writing, tmp_path: Path) -> None:
    one = built(plan(writing.url, 5, endpoint={"at_once": 1}), tmp_path / "one")
    many = built(plan(writing.url, 5, endpoint={"at_once": 8}), tmp_path / "many")
    assert one == many


def test_the_budget_is_kept_and_a_shortfall_said(writing, tmp_path: Path) -> None:
    found, tally = built(plan(writing.url, 500, endpoint={"budget": 6}), tmp_path)
    assert len(writing.requests) == 6
    assert tally.skipped == {"problems that the endpoint's budget did not reach": 500 - len(found)}


def test_bad_replies_are_counted_and_the_good_kept(writing, tmp_path: Path) -> None:
    good = exercise(1)
    replies = [
        json.dumps(good),
        json.dumps({**exercise(1), "tests": good["tests"][::-1]}),
        "Sorry.",
        json.dumps({**exercise(2), "tests": ["assert add_2(1) == 77"] * 3}),
        json.dumps({**exercise(3), "tests": ["assert add_3"] * 3}),
        json.dumps({**exercise(4), "properties": [{"given": {"n": "st.integers()"}, "holds": "add_4(n) == 0"}]}),
        json.dumps({**exercise(5), "code": exercise(5)["code"].replace("n + 5", "eval('n')")}),
        json.dumps({**exercise(7), "code": exercise(7)["code"].replace("n + 7", "n + 7 + len([0] * 10**12)")}),
        json.dumps(exercise(8)),
    ]
    writing.script = [writing.says(text) for text in replies]
    writing.script += [writing.says("half", finish="length"), writing.says("", finish="content_filter")]
    found, tally = built(plan(writing.url, 90, verify="properties", endpoint={"budget": 11, "at_once": 1}), tmp_path)
    assert [document.text.split("(")[0] for document in found] == ["def add_1", "def add_8"]
    assert tally.dropped == {
        "same solution as another": 1,
        "endpoint: no JSON object": 1,
        "solution: failed": 1,
        "tests pass an empty body": 1,
        "property does not hold": 1,
        "endpoint: code uses a name that no exercise needs": 1,
        "solution: memory": 1,
        "endpoint: reply cut off": 1,
        "endpoint: refused": 1,
    }


def test_without_isolation_nothing_is_executed_unless_allowed(
    writing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "probe", none)
    with pytest.raises(LeavenError, match="install bubblewrap"):
        built(plan(writing.url, 3), tmp_path)
    found, _ = built(plan(writing.url, 3, allow_unisolated=True), tmp_path)
    assert {document.labels["isolation"] for document in found} == {"none"}


def test_the_key_is_sent_and_kept_nowhere(
    writing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PROBLEM_KEY", KEY)
    writing.script = [writing.says(f"your key is {KEY}")]
    built(plan(writing.url, 2, endpoint={"key": "PROBLEM_KEY"}), tmp_path)
    assert all(headers["Authorization"] == f"Bearer {KEY}" for headers in writing.headers)
    kept = (tmp_path / "synthetic" / "replies.jsonl").read_text()
    assert KEY not in kept
    assert "your key is [key]" in kept
    assert KEY not in caplog.text
    monkeypatch.delenv("PROBLEM_KEY")
    with pytest.raises(BadInput, match="PROBLEM_KEY holds no usable key for the source's endpoint"):
        built(plan(writing.url, 2, seed=5, endpoint={"key": "PROBLEM_KEY"}), tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "m"}, "endpoint.url: missing"),
        ({"url": "http://h/v1"}, "endpoint.model: missing"),
        ({"url": "ftp://h", "model": "m"}, "endpoint.url: .*not an http"),
        ({"url": "http://h/v1", "model": "m", "budget": 0}, "at least 1"),
        ({"url": "http://h/v1", "model": "m", "temperature": "hot"}, "are numbers"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        Writer.of(options, tmp_path)
