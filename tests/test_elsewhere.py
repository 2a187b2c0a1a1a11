"""Verdicts on runs trained elsewhere: the Python API, the command, the page, and what is left alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import leaven
from leaven.cli import app, main
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file
from tests.analyze.imported.tables import long_rows, write

MAPPING = """\
study: ours
question: Does code help?
metrics:
  val_bpb: {margin: 0.5, primary: true}
  acc: {margin: 2}
baseline: no-code
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "my runs.csv", long_rows())


def run(*words: str) -> tuple[int, str]:
    """Exit code and what was printed; mistakes go through the same door as at a terminal."""
    result = CliRunner().invoke(app, ["verdict", *words])
    if isinstance(result.exception, BadInput):
        return result.exception.exit_code, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_from_python(table: Path, tmp_path: Path) -> None:
    before = sha256_file(table)
    found = leaven.verdict_from(table, baseline="no-code", out=tmp_path / "page")
    gains = found.gains().set_index(["variant", "measure"])
    assert gains.loc[("code-25", "val_bpb"), "verdict"] == "better"
    assert found.name == "my-runs"
    assert found.transfer() is None
    assert len(found.scores()) == 6
    assert set(found.noise()["variant"]) == {"no-code", "code-25", "code-90"}
    with pytest.raises(BadInput, match="no shares"):
        found.optimum()
    imported = json.loads((tmp_path / "page/verdict.json").read_text())["imported"]
    assert imported["files"] == {"my runs.csv": {"sha256": before, "bytes": table.stat().st_size, "rows": 30}}
    assert imported["mapping"]["baseline"] == "no-code"
    assert sha256_file(table) == before
    assert {path.name for path in table.parent.iterdir()} == {"my runs.csv", "page"}


def test_mappings_as_data_are_checked_too(table: Path) -> None:
    found = leaven.verdict_from(table, mapping={"baseline": "no-code", "metrics": {"val_bpb": {"margin": 0.5}}})
    assert [row["name"] for row in found.verdict()["measures"]] == ["val_bpb"]
    with pytest.raises(BadInput, match='metrics.val_bpb.marg: unknown field "marg"; did you mean "margin"'):
        leaven.verdict_from(table, mapping={"metrics": {"val_bpb": {"marg": 1}}})


def test_the_page_says_where_the_numbers_came_from(table: Path, tmp_path: Path) -> None:
    found = leaven.verdict_from(table, baseline="no-code")
    page = found.report(tmp_path / "page").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", " ", page)
    for said in (sha256_file(table), "my runs.csv", "trained and evaluated", "elsewhere", "by their names", "30"):
        assert said in text
    assert "Everything was run with leaven" not in text
    first = {path: path.read_bytes() for path in (tmp_path / "page").rglob("*") if path.is_file()}
    found.report(tmp_path / "page")
    assert all(path.read_bytes() == data for path, data in first.items())


def test_names_are_text_on_the_page(tmp_path: Path) -> None:
    rows = [{**row, "variant": row["variant"].replace("code-25", "<script>alert(1)</script>")} for row in long_rows()]
    found = leaven.verdict_from(write(tmp_path / "r.csv", rows), baseline="no-code", out=tmp_path / "page")
    page = (tmp_path / "page/report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert any("<script>" in line for line in found.lines())


def test_what_would_steer_a_terminal_is_seen_instead(tmp_path: Path) -> None:
    rows = [{**row, "variant": row["variant"].replace("code-25", "\x1b[31mred")} for row in long_rows()]
    found = leaven.verdict_from(write(tmp_path / "r.csv", rows), baseline="no-code")
    assert "\x1b" not in "".join(found.lines())
    assert any("[31mred" in line for line in found.lines())


def test_other_peoples_folders_are_left_alone(table: Path, tmp_path: Path) -> None:
    found = leaven.verdict_from(table, baseline="no-code")
    for out in (tmp_path, table):
        with pytest.raises(BadInput, match="--out"):
            found.report(out)
    assert [path.name for path in tmp_path.iterdir()] == ["my runs.csv"]


def test_another_studys_page_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "results.csv", long_rows(5 if name == "A" else 4))
    for name, number in (("A", ""), ("B", "-2"), ("A", ""), ("B", "-2")):
        code, said = run("--from", f"{name}/results.csv", "--baseline", "no-code")
        assert code == 0
        assert f"report    runs/from-results{number}/report.html" in said
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"from-results", "from-results-2"}


def test_names_in_mistakes_do_not_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "variant": row["variant"].replace("code-25", "\x1b[31mred")} for row in long_rows()]
    path = write(tmp_path / "r.csv", rows)
    monkeypatch.setattr("sys.argv", ["leaven", "verdict", "--from", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\\x1b[31mred" in said
    assert "\n  taken: column variant as variant" in said


def test_numbers_are_names_too(tmp_path: Path) -> None:
    rows = [{**row, "variant": len(row["variant"]) if row["variant"] == "no-code" else "x"} for row in long_rows()]
    rows = [row for place, row in enumerate(rows) if place % 6 < 4]
    path = write(tmp_path / "r.csv", rows)
    assert {row["variant"] for row in leaven.verdict_from(path, baseline=7).verdict()["comparisons"]} == {"x"}
    with pytest.raises(BadInput, match='no variant "3"'):
        leaven.verdict_from(path, baseline=3)
    with pytest.raises(BadInput, match="no column names a size"):
        leaven.verdict_from(path, baseline=7, sizes="1B")


def test_the_command(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map.yaml").write_text(MAPPING)
    code, said = run("--from", "my runs.csv", "--mapping", "map.yaml")
    assert code == 0
    assert said.startswith("taken     my runs.csv was read as a table with a row for each value\n")
    assert "report    runs/from-ours/report.html" in said
    assert "Holm over 2 primary comparisons; baseline no-code" in said
    assert (tmp_path / "runs/from-ours/report.html").is_file()
    code, said = run("--from", "my runs.csv", "--baseline", "no-code", "--out", "there", "--json")
    data = json.loads(said)
    assert data["report"] == "there/report.html"
    assert data["verdict"]["imported"]["files"]["my runs.csv"]["rows"] == 30


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pocket", "--from", "my runs.csv"], "STUDY: has no effect with --from"),
        (["--from", "my runs.csv", "--seeds", "3"], "--seeds: has no effect with --from"),
        (["--baseline", "a"], "--baseline: has no effect without --from"),
        (["--from", "nothing.csv"], "nothing.csv: there is no such file or folder"),
        (["--from", "my runs.csv"], "which variant is the baseline is not known"),
        (["--from", "my runs.csv", "--baseline", "no-code", "--size", "1B"], "no column names a size"),
    ],
)
def test_mistakes(table: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str) -> None:
    monkeypatch.chdir(table.parent)
    code, printed = run(*words)
    assert code == 2
    assert said in printed
