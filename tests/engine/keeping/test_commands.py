"""`leaven store …` on the command line: exit codes, JSON, and nothing removed without a word."""

from __future__ import annotations

import json
import signal
import sys

import pytest
import typer

from leaven import cli


@pytest.fixture
def leaven(monkeypatch, capsys, tmp_path):
    """`leaven store` in this process, with the shop's runs: (exit code, stdout, stderr)."""
    before = signal.getsignal(signal.SIGTERM)

    def call(*words, runs="runs"):
        monkeypatch.setattr(sys, "argv", ["leaven", "store", *words, "--runs", str(tmp_path / runs)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


def test_looking(shop, leaven):
    shop.study()
    shop.study("gone", corpus=2, kept=False, folder=False)
    code, said, _ = leaven("ls")
    assert (code, said.count("\n")) == (0, 12)
    assert said.endswith("5 steps that no kept study needs (leaven store gc)\n")
    rows = json.loads(leaven("ls", "--unused", "--kind", "stage", "--json")[1])
    assert [(row["kind"], row["studies"]) for row in rows] == [("stage", [])] * 2
    assert len(json.loads(leaven("ls", "--study", "micro", "--sort", "size", "--json")[1])) == 5
    used = json.loads(leaven("du", "--json")[1])
    mine = sum(row["bytes"] for row in json.loads(leaven("ls", "--study", "micro", "--json")[1]))
    assert used["studies"][0]["bytes"] == used["studies"][0]["own"] == mine
    assert used["steps"]["bytes"] == mine + used["unused"]["bytes"]
    assert sum(row["bytes"] for row in used["kinds"]) == used["steps"]["bytes"]
    assert "micro@" in leaven("du")[1]


def test_shared_bytes_are_nobodys_own(shop, leaven):
    shop.study("one")
    shop.study("two")
    used = json.loads(leaven("du", "--json")[1])
    verdicts = next(row["bytes"] for row in used["kinds"] if row["kind"] == "verdict")
    assert sum(row["own"] for row in used["studies"]) == verdicts
    assert used["shared"] == used["steps"]["bytes"] - verdicts


def test_verify_ends_with_1_where_something_is_damaged(shop, leaven):
    graph = shop.study()
    assert leaven("verify")[0] == 0
    (shop.store.folder(graph.find("verdict").identity) / "told.json").write_text("[]")
    code, said, _ = leaven("verify", "--study", "micro")
    assert code == 1
    assert "verdict: told.json was changed after it was written" in said
    assert leaven("verify", "corpus")[0] == 0
    code, said, _ = leaven("verify", "--repair", "--json")
    assert (code, len(json.loads(said)["moved"])) == (1, 1)
    assert leaven("verify")[0] == 0
    assert len(shop.there()) == 4


def test_nothing_is_removed_where_nobody_can_be_asked(shop, leaven, monkeypatch):
    shop.study("gone", kept=False, folder=False)
    code, said, _ = leaven("gc")
    assert (code, said.splitlines()[-1]) == (0, "nothing was removed; --yes removes it")
    assert not json.loads(leaven("gc", "--json")[1])["removed"]
    assert len(shop.there()) == 5
    code, said, _ = leaven("gc", "--older-than", "1h", "--yes")
    assert code == 0
    assert said.splitlines()[-1].startswith("removed   5 steps")
    assert not shop.there()
    assert leaven("gc")[1] == "nothing may go: 0 steps stay\n"


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 5)])
def test_who_is_asked_decides(shop, leaven, monkeypatch, answer, left):
    shop.study("gone", kept=False, folder=False)
    monkeypatch.setattr("leaven.cli_store.sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda words: answer == "y\n")
    assert leaven("gc")[0] == 0
    assert len(shop.there()) == left


def test_from_one_machine_to_another(shop, leaven, tmp_path):
    shop.study()
    file = tmp_path / "micro.tar.zst"
    code, said, _ = leaven("export", "micro", str(file), "--without", "stage")
    assert (code, "2 steps were left out" in said) == (0, True)
    code, said, _ = leaven("import", str(file), "--json", runs="there")
    told = json.loads(said)
    assert (code, told["study"], told["new"], told["missing"]) == (0, "micro", 3, 2)
    code, said, _ = leaven("import", str(file), "--as", "theirs", runs="there")
    assert "0 steps new, 3 there already" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ls", "--sort", "colour"], "--sort"),
        (["ls", "--kind", "stag"], 'did you mean "stage"?'),
        (["ls", "--study", "nano"], 'no study "nano" is kept'),
        (["gc", "--older-than", "long"], '"long" is no age'),
        (["gc", "--forget", "nano"], 'no study "nano" is kept'),
        (["export", "nano", "x.tar"], 'no study "nano" is kept'),
        (["import", "nowhere.tar"], "nowhere.tar: FILE: cannot be read"),
        (["import", "pyproject.toml"], "cannot be read"),
        (["verify", "nothing"], 'no step "nothing" in this store'),
    ],
)
def test_mistakes(shop, leaven, monkeypatch, tmp_path, words, says):
    monkeypatch.chdir(tmp_path)
    shop.study()
    code, said, complained = leaven(*words)
    assert (code, said) == (2, "")
    assert says in complained


def test_a_file_that_is_no_archive_and_a_store_that_is_not_there(shop, leaven, tmp_path):
    (tmp_path / "text").write_text("hello")
    code, _, complained = leaven("import", str(tmp_path / "text"))
    assert (code, "it is cut off" in complained) == (2, True)
    code, _, complained = leaven("verify", runs="nowhere")
    assert (code, "there is no store" in complained) == (2, True)
    assert not (tmp_path / "nowhere").exists()


def test_repair_says_what_it_has_done(shop, leaven):
    graph = shop.study()
    (shop.store.folder(graph.find("verdict").identity) / "told.json").write_text("[]")
    assert "--repair moves them aside" in leaven("verify")[1]
    said = leaven("verify", "--repair")[1]
    assert "the next run computes 1 step again" in said
    assert "--repair" not in said


def test_an_empty_set_is_no_set(shop, leaven):
    shop.study()
    code, _, complained = leaven("gc", "--forget", "micro@", "--yes")
    assert (code, '"micro@" names no set' in complained) == (2, True)
    assert len(shop.there()) == 5


def test_du_tells_a_url_and_its_copy(shop, leaven, tmp_path, monkeypatch):
    shop.study()
    url = f"file://{tmp_path}/runs/store"
    code, said, _ = leaven("du", "--store", url, runs="elsewhere")
    assert (code, said.splitlines()[0].startswith(f"store     {url}: 5 steps")) == (0, True)
    assert said.splitlines()[1] == f"copy      {tmp_path}/elsewhere/store: 0 B of it"


def test_logs_of_other_processes_go_with_their_step(shop, leaven):
    graph = shop.study("gone", kept=False, folder=False)
    first, *_ = graph.steps
    other = shop.store.logs / f"{first}.1.log"
    other.write_text("said\n")
    assert leaven("gc", "--yes")[0] == 0
    assert not other.exists()


def test_every_command_that_reads_steps_takes_a_store():
    missing = []

    def walk(command, words):
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, [*words, name])
        options = {option for parameter in command.params for option in parameter.opts}
        if "--runs" in options and "--store" not in options:
            missing.append(" ".join(words))

    walk(typer.main.get_command(cli.app), [])
    assert missing == ["compare"]  # reads the pages of two studies, and no step
