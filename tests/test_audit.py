"""`leaven audit`: lines, JSON and page say the same, and nothing of the page comes from elsewhere."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from leaven import cli_audit
from leaven.audit import Audit, audit
from leaven.ground.errors import LeavenError
from leaven.sentences_audit import audit_lines

app = typer.Typer()
app.command()(cli_audit.audit)


@pytest.fixture(scope="module")
def found() -> Audit:
    return audit()


def test_the_counts(found: Audit) -> None:
    assert found.counts == {"reproduces": 45, "reproduces from other numbers": 13, "does not reproduce": 5}
    assert len(found.weak_points) == 5


def test_the_lines(found: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = "\n".join(audit_lines(found))
    said = " ".join(text.split())
    assert "3.2 % the scores give 5.7 % (5.5 to 5.9); another baseline: 51.8 / 50.2 − 1 = 3.2 %" in said
    assert "21 % the scores give 4.2 % (3.1 to 5.3); no other reading fits, of 32 tried" in said
    assert "code→text at 2.8B over balanced→text at 470M" in said
    assert "45 of 63 printed figures reproduce as stated" in said
    assert "a standard error of 0.82 points" in said
    (drop,) = [line.split() for line in text.splitlines() if line.lstrip().startswith("43.1 % less") and "over" in line]
    assert "46.3 % less" in " ".join(drop[3:])
    assert "wins + ½ ties 53.3 % (53.2 to 53.4) reproduces" in said
    assert max(map(len, audit_lines(found))) <= 100


def test_json_says_everything() -> None:
    data = json.loads(CliRunner().invoke(app, ["--json"]).output)
    assert set(data) == {"paper", "counts", "figures", "weak_points", "scores"}
    assert len(data["figures"]) == 63
    assert len(data["scores"]) == 110
    first = data["figures"][2]
    assert (first["printed"], first["verdict"]) == ("3.2 %", "reproduces from other numbers")
    assert first["found"][0]["base"] == "0 % code, final"
    assert first["stated"]["value"] == pytest.approx(5.7142857)


def test_the_page_stands_alone_and_has_a_row_a_figure(found: Audit, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--out", str(tmp_path / "page")])
    assert result.exit_code == 0
    page = tmp_path / "page" / "report.html"
    assert result.output.rstrip().endswith(f"page    {page}")
    html = page.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(https?:)?//', html)
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
    assert "Of 63 figures in the text of" in text
    assert "21 % on world knowledge, balanced→text over code→text: the scores give 4.2 % (3.1 to 5.3)." in text
    assert html.count('class="badge') >= 63 + 18
    rows = list(csv.DictReader(io.StringIO((page.parent / "data" / "claims.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 63
    assert rows[2]["found"].startswith("another baseline: 51.8 / 50.2")
    assert json.loads((page.parent / "data" / "audit.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(found.data())
    )
    assert (page.parent / "figures" / "printed-and-obtained.svg").stat().st_size > 1000
    assert found.write(tmp_path / "again").read_bytes() == page.read_bytes()


def test_a_folder_that_cannot_be_written_is_told(found: Audit, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LeavenError, match="cannot write the report"):
        found.write(tmp_path / "file")
