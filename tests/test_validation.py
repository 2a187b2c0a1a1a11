from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from leaven import cli_validation
from leaven.analyze.published import SETS
from leaven.analyze.published.check import Check, beside
from leaven.ground.errors import BadInput
from leaven.sentences_validation import validation_lines
from leaven.validation import Checked, Validation, state, validate

app = typer.Typer()
app.command()(cli_validation.validate)

GOOD = Check("rates", "win_rate of a", "board.csv:2", 26.5, 26.4596, 0.05, True)
KNOWN = replace(GOOD, what="win_rate of b", ours=27.5, ok=False, defect="a stale count")
WRONG = replace(GOOD, what="win_rate of \x1b[31mc", ours=27.5, ok=False)
LEFT = replace(GOOD, what="controlled rates", published=None, ours=None, ok=None, note="a file is missing")


def found(*checks: Check) -> Validation:
    return Validation((Checked("boards", "some boards", Path("there"), checks),), {})


def shared(name: str) -> Path:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[1] / "../shared")) / name
    if not folder.is_dir():
        pytest.skip(f"no {name}: it is not beside the checkout and LEAVEN_SHARED does not name it")
    return folder


def test_what_becomes_of_a_figure() -> None:
    assert [state(check) for check in (GOOD, KNOWN, WRONG, LEFT)] == (
        ["reproduced", "documented", "not reproduced", "not checked"]
    )
    assert found(GOOD, KNOWN, LEFT).well
    assert not found(GOOD, WRONG).well


def test_what_nobody_published_counts_only_where_it_differs() -> None:
    agrees = beside("sign tests", "p", "board.csv, computed from it", "0.28", 0.2822, note="56 lost")
    small = beside("sign tests", "another p", "board.csv", "< 0.001", 1.2e-5)
    assert (agrees.published, small.published) == (None, None)
    assert [state(check) for check in (agrees, small)] == ["beside", "beside"]
    held = found(GOOD, agrees, small)
    assert (held.well, held.counts["reproduced"], held.counts["beside"]) == (True, 1, 2)
    text = "\n".join(validation_lines(held))
    assert "1 of 1 figures reproduced" in text
    assert " ".join(text.split()).count("(< 0.001) < 0.001") == 1
    differs = beside("sign tests", "p", "board.csv", "< 0.001", 0.002)
    assert state(differs) == "not reproduced"
    assert not found(GOOD, differs).well


def test_the_lines() -> None:
    text = "\n".join(validation_lines(found(GOOD, KNOWN, WRONG, LEFT)))
    assert "boards: some boards · there" in text
    assert "documented   win_rate of b, board.csv:2: a stale count" in text
    assert "differs      win_rate of \\x1b[31mc, board.csv:2" in text
    assert "\x1b" not in text
    assert "not checked  controlled rates, board.csv:2: a file is missing" in text
    last = text.partition("in all")[2].replace("·", "").split()
    assert " ".join(last) == (
        "1 of 3 figures reproduced within rounding 1 documented as wrong where published 1 not reproduced"
    )


def test_of_many_figures_only_those_that_differ_are_listed() -> None:
    many = [replace(GOOD, what=f"win_rate of m{i}") for i in range(40)]
    text = "\n".join(validation_lines(found(*many, KNOWN)))
    assert "m7" not in text
    assert "win_rate of b" in text
    few = "\n".join(validation_lines(found(*many[:5])))
    assert "m4" in few


def test_the_paper_needs_no_files() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert "not checked  alpaca_eval: its files were not given (--data)" in result.output
    built_in = [name for name, published in SETS.items() if not published.needs]
    assert [name for name in built_in if f"{name}: " not in result.output] == []
    assert "not reproduced" not in result.output
    assert "(< 0.001)" in result.output


def test_the_papers_scores_and_claims() -> None:
    data = json.loads(CliRunner().invoke(app, ["paper_scores", "paper_claims", "paper_weak_points", "--json"]).output)
    counts = {"reproduced": 83, "documented": 15, "not reproduced": 0, "not checked": 0, "beside": 14}
    assert data["counts"] == counts


def test_json_says_everything() -> None:
    data = json.loads(CliRunner().invoke(app, ["paper_winrates", "--json"]).output)
    assert data["well"] is True
    counts = {"reproduced": 22, "documented": 3, "not reproduced": 0, "not checked": 0, "beside": 14}
    assert data["counts"] == counts
    assert data["missing"] == {}
    (only,) = data["sets"]
    assert only["name"] == "paper_winrates"
    assert {"what", "source", "published", "ours", "tolerance", "ok", "note", "defect", "state"} <= set(
        only["checks"][0]
    )


def test_a_figure_that_differs_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(SETS["paper_winrates"], checks=lambda folder: [WRONG])
    monkeypatch.setitem(SETS, "paper_winrates", broken)  # type: ignore[arg-type]
    result = CliRunner().invoke(app, ["paper_winrates"])
    assert result.exit_code == 1
    assert "not reproduced" in result.output


def test_all_that_is_shared_is_reproduced() -> None:
    """The files lie in a folder of the set's name, or in the folder itself."""
    folder = shared("benchdata")
    result = CliRunner().invoke(app, ["paper_winrates", "alpaca_eval", "--data", str(folder)])
    assert result.exit_code == 0
    assert "1,125 of 1,133 figures reproduced within rounding" in result.output
    assert validate(["alpaca_eval"], [folder]) == validate(["alpaca_eval"], [folder / "alpaca_eval"])


REFERENCE = ("regmix", "nanochat_seeds", "polypythias", "dclm", "unavailable")


def test_the_reference_numbers_are_reproduced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of METHODS.md §2 and §8 whose data is at hand; those whose data is not are named."""
    monkeypatch.setenv("COLUMNS", "100")
    folder = shared("published")
    found = validate(REFERENCE, [folder])
    assert (found.well, found.counts["not reproduced"], found.counts["reproduced"]) == (True, 0, 328)
    agree = {each.name: sum(state(check) == "beside" for check in each.checks) for each in found.sets}
    assert {name: agree[name] for name in ("nanochat_seeds", "polypythias", "dclm", "unavailable")} == (
        {"nanochat_seeds": 9, "polypythias": 60, "dclm": 19, "unavailable": 10}
    )
    assert agree["regmix"] >= 86
    result = CliRunner().invoke(app, [*REFERENCE, "--data", str(folder)])
    assert result.exit_code == 0
    assert "github, gap < 0.25 %: accuracy" in result.output
    assert "not checked  optimal share of code of 10 metrics, METHODS.md §8.3" in result.output


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='called "alpaca_evil"; did you mean "alpaca_eval"'):
        validate(["alpaca_evil"])
    with pytest.raises(BadInput, match="no such folder"):
        validate([], [tmp_path / "none"])
    with pytest.raises(BadInput, match="--data: leaderboards of AlpacaEval: no folder was given"):
        validate(["alpaca_eval"])
    with pytest.raises(BadInput, match="their files are not there"):
        validate(["alpaca_eval"], [tmp_path])
    assert validate([]).missing == {name: published.needs for name, published in SETS.items() if published.needs}


def test_a_folder_without_any_set_is_not_passed_over(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="empty: --data: leaderboards of AlpacaEval: their files are not there"):
        validate([], [tmp_path / "empty"])
