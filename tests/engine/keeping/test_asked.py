"""A study that came from another machine is asked by its name, and no source is looked at."""

from __future__ import annotations

import json
import signal
import sys

import pytest

from leaven import cli
from leaven.engine.keeping import shelf
from leaven.engine.keeping.records import records
from leaven.engine.store import Store

VERDICT = {
    "comparisons": [],
    "baseline": "text\x1b[31m",
    "winrates": [],
    "excluded": [],
    "left_out": [],
    "proxy_sentence": "a proxy",
}


@pytest.fixture
def leaven(monkeypatch, capsys, tmp_path):
    """The command line in this process, with folders of runs below tmp_path: (exit code, stdout, stderr)."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)

    def call(*words, runs="there"):
        monkeypatch.setattr(sys, "argv", ["leaven", *words, "--runs", runs])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def moved(make_shop, leaven):
    """Two sets of a study, each with its verdict; the older one is moved to `there`."""
    shop = make_shop("runs")
    publish = shop.publish

    def with_verdict(step, finished):
        if step.kind == "verdict":
            out, _ = shop.store.begin(step.identity)
            (out / "verdict.json").write_text(json.dumps(VERDICT | {"proxy_sentence": step.identity}))
            shop.store.publish(step, {"seconds": 1.0, "finished": finished})
        else:
            publish(step, finished)

    shop.publish = with_verdict
    graph = shop.study(seeds=2)
    assert leaven("store", "export", "micro", "micro.tar", runs="runs")[0] == 0
    shop.study(seeds=3)
    assert leaven("store", "import", "micro.tar")[0] == 0
    return shop, graph


def test_its_verdict_page_and_status_are_known(moved, leaven):
    _, graph = moved
    verdict = graph.find("verdict").identity
    code, said, complained = leaven("verdict", "micro")
    assert (code, said.splitlines()[1].strip(), complained) == (0, verdict, "")
    assert "\x1b" not in said
    assert json.loads(leaven("verdict", "micro", "--json")[1])["proxy_sentence"] == verdict
    assert leaven("report", "micro")[:2] == (0, "there/micro/report.html\n")
    code, said, _ = leaven("status", "micro")
    assert (code, "5 of 5 steps done" in said, "  stage      2/2" in said) == (0, True, True)
    told = json.loads(leaven("status", "micro", "--json")[1])
    assert (told["done"], told["running"], told["kept"]) == (5, None, f"micro@{records(moved[0].store)[0].set}")


def test_watching_it_finds_it_done(moved, leaven, tmp_path):
    _, graph = moved
    code, said, _ = leaven("watch", "micro", "--once")
    assert (code, "has not been run" in said, "micro · done" in said, "5 of 5 steps" in said) == (0, False, True, True)
    assert json.loads(leaven("watch", "--json")[1])[0]["state"] == "done"
    stage = next(step.identity for step in graph.of_kind("stage"))
    shelf.remove(Store(tmp_path / "there/store"), tmp_path / "there/store/steps" / stage)
    assert "4 of 5 steps · 1 waiting" in leaven("watch", "micro", "--once")[1]


def test_each_set_is_asked_by_its_name_and_the_latest_without(moved, leaven):
    shop, graph = moved
    older, newer = sorted(records(shop.store), key=lambda record: len(record.steps))
    assert graph.find("verdict").identity in leaven("verdict", older.label, runs="runs")[1]
    newest = records(shop.store)[-1]
    assert (
        next(each for each in newest.steps if newest.steps[each][0] == "verdict")
        in (leaven("verdict", "micro", runs="runs")[1])
    )
    assert leaven("report", newer.label, runs="runs")[1] == "runs/micro/report.html\n"
    code, said, complained = leaven("report", older.label, runs="runs")
    assert (code, said, f"the page there is of {newer.label}" in complained) == (2, "", True)


def test_what_is_not_there_is_said(moved, leaven, tmp_path):
    shop, graph = moved
    (tmp_path / "there/micro/report.key").unlink()
    assert "there is no whole page" in leaven("report", "micro")[2]
    assert "has no effect on micro@" in leaven("verdict", "micro", "--seeds", "3")[2]
    code, said, complained = leaven("verdict", "micr")
    assert (code, said, 'did you mean "micro"?' in complained) == (2, "", True)
    assert "that the store keeps" in complained
    assert 'no study "micro@0' in leaven("verdict", "micro@0123")[2]
    there = type(shop)(tmp_path / "there")
    shelf.remove(there.store, there.store.folder(graph.find("verdict").identity))
    code, said, complained = leaven("verdict", "micro")
    assert (code, said, "is not in this store" in complained) == (2, "", True)
    assert "leaven run with its study file" in leaven("status", "micro")[1]


@pytest.mark.parametrize("content", ["{}", "[]", "no json", '{"comparisons": 1}'])
def test_a_verdict_that_somebody_made_up_ends_in_a_sentence(make_shop, leaven, content):
    shop = make_shop("there")
    shop.publish = lambda step, finished: _publish(shop.store, step, content)
    shop.study()
    code, said, complained = leaven("verdict", "micro")
    assert (code, said, "cannot be read by this version" in complained) == (2, "", True)


def _publish(store, step, content):
    out, _ = store.begin(step.identity)
    (out / "verdict.json").write_text(content)
    store.publish(step, {"seconds": 1.0, "finished": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize("content", ["{}", "\x1b[31m", '{"kept": 2}'])
def test_a_broken_record_is_told_and_stops_only_what_removes(make_shop, leaven, content):
    shop = make_shop("there")
    shop.study()
    shop.study("other", corpus=2)
    next((shop.store.root / "kept").glob("other@*")).write_text(content)
    for words in (["ls"], ["du"], ["ls", "--json"], ["du", "--json"], ["verify"], ["status", "micro"]):
        code, said, complained = leaven(*(words if words[0] == "status" else ["store", *words]))
        assert (code, bool(said)) == (0, True)
        if words[0] != "status":
            assert "warning   there/store/kept/other@" in complained
            assert "\x1b" not in complained
    code, said, complained = leaven("store", "gc", "--yes")
    assert (code, said, "cannot be read" in complained) == (2, "", True)
    assert len(shop.there()) == 10
