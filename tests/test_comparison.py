"""`leaven compare`: pages in, a table, JSON and a page out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from leaven.cli import app
from leaven.comparison import compare
from leaven.ground.errors import BadInput
from leaven.ground.files import write_json
from leaven.report.page import write_report


def comparisons(effect: float, verdict: str) -> list[dict[str, Any]]:
    row = {"baseline": "text-only", "unit": "%", "better": "lower", "primary": True, "seeds": 3, "items": 90}
    return [
        {**row, "variant": name, "measure": measure, "effect": effect, "low": effect - 1, "high": effect + 1}
        | {"verdict": verdict, "p": 0.01, "p_holm": 0.02}
        for name in ("balanced→text", "=cmd|'/c calc'!A1")
        for measure in ("prose bits-per-byte", "<img src=x onerror=alert(1)>")
    ]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name, effect, verdict, weight in (("one", -4.0, "better", 0.5), ("two", 3.0, "worse", 0.25)):
        verdict_data = {"study": name, "baseline": "text-only", "comparisons": comparisons(effect, verdict)}
        study = {"name": name, "question": "Does it?", "mixtures": {"balanced": {"code": weight}}}
        stages = [{"name": "a", "kind": "pretrain", "identity": identity} for identity in ("s1", name)]
        write_report({"verdict": verdict_data, "study": study, "stages": stages}, tmp_path / name)
    return tmp_path


def test_two_studies_are_put_side_by_side(runs: Path) -> None:
    found = compare("one", "two", runs).found
    assert [row["difference"] for row in found["pairs"]] == pytest.approx([7.0] * 4)
    assert all(row["flips"] and row["apart"] for row in found["pairs"])
    assert found["shared"] == 1
    assert [row["field"] for row in found["declared"]] == ["mixtures.balanced.code"]


def test_the_page_shows_both_and_runs_nothing(runs: Path, tmp_path: Path) -> None:
    page = compare("one", "two", runs).report(tmp_path / "page")
    said = page.read_text(encoding="utf-8")
    assert "<img src=x" not in said
    assert "turned round" in said
    assert "mixtures.balanced.code" in said
    assert (tmp_path / "page" / "figures" / "compare.png").stat().st_size > 5000
    assert len(json.loads((tmp_path / "page" / "data" / "compare.json").read_text())["pairs"]) == 4


def test_the_command_prints_a_table_or_json(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    done = CliRunner().invoke(app, ["compare", "one", "two", "--runs", str(runs)])
    assert done.exit_code == 0, done.output
    assert "4 primary comparisons in common: 4 with another verdict, 4 of them from better to worse" in done.output
    assert "+7.0 % [+5.6, +8.4]" in done.output
    assert max(map(len, done.output.splitlines())) <= 100
    said = " ".join(done.output.split())
    assert "balanced→text vs text-only prose bits-per-byte A −4.0 % [−5.0, −3.0] better B +3.0 %" in said
    assert "B − A +7.0 % [+5.6, +8.4] turned round" in said
    assert "…" not in done.output
    assert "mixtures.balanced.code 0.5 0.25" in said
    told = CliRunner().invoke(
        app, ["compare", "one", "two", "--runs", str(runs), "--json", "--out", str(tmp_path / "p")]
    )
    assert json.loads(told.output)["names"] == ["one", "two"]
    assert (tmp_path / "p" / "report.html").is_file()


def test_a_page_folder_will_do(runs: Path) -> None:
    assert compare(runs / "one", runs / "one", "nowhere").found["names"] == [str(runs / "one")] * 2


def test_a_study_that_is_not_there_is_named_with_those_that_are(runs: Path) -> None:
    with pytest.raises(BadInput, match='no finished study "tow"; did you mean "two"') as told:
        compare("one", "tow", runs)
    assert "one, two" in str(told.value)


def test_a_damaged_verdict_is_said(runs: Path) -> None:
    write_json(runs / "two" / "data" / "verdict.json", [1])
    with pytest.raises(BadInput, match="cannot be read"):
        compare("one", "two", runs)
    (runs / "two" / "data" / "verdict.json").write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        compare("one", "two", runs)


@pytest.mark.parametrize("wrong", [{"comparisons": {"a": 1}}, {"comparisons": [3]}, {"comparisons": [{"effect": "1"}]}])
def test_a_verdict_of_another_form_is_said(runs: Path, wrong: dict[str, Any]) -> None:
    write_json(runs / "two" / "data" / "verdict.json", wrong)
    with pytest.raises(
        BadInput, match=r"cannot be read \((comparisons is no list|effect of a comparison is no number)"
    ):
        compare("one", "two", runs)


def test_effects_without_intervals_are_put_side_by_side(runs: Path, tmp_path: Path) -> None:
    path = runs / "two" / "data" / "verdict.json"
    verdict = json.loads(path.read_text(encoding="utf-8"))
    for row in verdict["comparisons"]:
        row |= {"low": None, "high": None}
    verdict["comparisons"][0] |= {"effect": None, "verdict": None}
    write_json(path, verdict)
    done = CliRunner().invoke(app, ["compare", "one", "two", "--runs", str(runs), "--out", str(tmp_path / "page")])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "B not known B − A not known" in said
    assert "B +3 %, no interval worse B − A +7 %, no interval turned round" in said
    assert "no interval is known" in (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
