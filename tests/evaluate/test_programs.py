"""Programs: what is asked, what is run, what becomes of it."""

from __future__ import annotations

import errno
import subprocess

import pytest

from leaven.evaluate import programs
from leaven.evaluate.item import Program
from leaven.evaluate.programs import END, asks, attempt, newlines, source
from leaven.ground.errors import LeavenError
from leaven.sandbox.level import none, probe
from leaven.sandbox.run import Outcome

ONE = Program("1", "", "def f():\n", "assert f() == 1\n", "    return 1\n")
TWO = Program("2", "", "def g():\n", "assert g() == 2\n", "    return 2\n")


@pytest.fixture(scope="module")
def level():
    found = probe()
    if found.name == "none":
        pytest.skip(f"no isolation here: {found.reason}")
    return found


def test_where_a_body_ends():
    assert END.split("    return 1\n\nassert f()", maxsplit=1)[0] == "    return 1"
    assert END.split("    if x:\n        return 1\ndef g():", maxsplit=1)[0] == "    if x:\n        return 1"


def test_every_sample_has_a_key_of_its_own():
    settings = {"samples": 3, "temperature": 0.8, "top_p": 0.95, "tokens": 9, "until": ["\nclass"]}
    asked = asks("t", [ONE, TWO], settings)
    assert [ask.prompt for ask in asked] == [ONE.prompt] * 3 + [TWO.prompt] * 3
    assert {(ask.tokens, ask.stops, ask.temperature, ask.top_p) for ask in asked} == {(9, ("\nclass",), 0.8, 0.95)}
    assert len({ask.key for ask in asked}) == 6
    assert asks("t", [TWO], settings) == asked[3:]
    assert asks("t", [ONE], {**settings, "samples": 1})[0] == asked[0]
    assert asks("other", [ONE], settings)[0].key != asked[0].key


def test_samples_stay_with_their_problem(level):
    texts = ["    return 1", "    return 2", "    return 1", "    return 2"]
    found = attempt("t", [ONE, TWO], {"samples": 2, "until": ["\nclass"]}, lambda asked: texts, level)
    assert [entry.outcomes for entry in found] == [("passed", "failed"), ("failed", "passed")]
    assert [entry.texts for entry in found] == [("    return 1", "    return 2")] * 2
    assert found[0].passed == (True, False)
    assert found[0].level.startswith(level.name)


def test_without_stop_strings_the_body_ends_by_its_own_rule(level):
    (found,) = attempt("t", [ONE], {}, lambda asked: ["    return 1\nassert False"], level)
    assert found.texts == ("    return 1",)
    assert found.outcomes == ("passed",)


def test_lines_that_end_in_carriage_returns(level):
    windows = Program("1", "", "def f():\r\n", "assert f() == 1\r\n", "")
    (found,) = attempt("t", [windows], {"until": []}, lambda asked: ["    x = 1\r\n    return x\r\n"], level)
    assert found.outcomes == ("passed",)
    assert newlines("a\r\nb\rc\n") == "a\nb\nc\n"


def test_known_solutions_pass_and_empty_bodies_do_not(suite, level):
    from leaven.evaluate.item import read_items

    items = [item for item in read_items(suite / "items" / "programs.jsonl", "program") if isinstance(item, Program)]
    right = attempt("t", items, {}, lambda asked: [item.solution for item in items], level)
    assert [entry.outcomes for entry in right] == [("passed",)] * len(items)
    wrong = attempt("t", items, {}, lambda asked: ["    pass"] * len(items), level)
    assert not any(any(entry.passed) for entry in wrong)


def test_nothing_runs_without_isolation():
    with pytest.raises(LeavenError, match="cannot be isolated"):
        attempt("t", [ONE], {}, lambda asked: ["    return 1"], none("nothing works here"))


def test_a_fault_of_the_machine_is_no_failure_of_the_program(level, monkeypatch):
    monkeypatch.setattr(programs, "run_many", lambda *a, **k: [Outcome("error", "", "no memory", 0.0, "bubblewrap")])
    with pytest.raises(LeavenError, match=r"1 of 1 programs could not be started \(no memory\)"):
        attempt("t", [ONE], {}, lambda asked: ["    return 1"], level)


def test_one_program_that_did_not_start_loses_nothing(level, monkeypatch):
    real, refused = subprocess.Popen, []

    def once(*args, **kwargs):
        if not refused:
            refused.append(args)
            raise OSError(errno.EAGAIN, "no process to be had")
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", once)
    texts = ["    return 1", "    return 2"]
    found = attempt("t", [ONE, TWO], {"until": []}, lambda asked: texts, level)
    assert refused
    assert [entry.outcomes for entry in found] == [("passed",), ("passed",)]


def test_the_program_is_the_prompt_and_what_was_written():
    assert source(ONE, "    return 1") == "def f():\n    return 1\n"
