"""The page of a tournament: whole, partial, repeated, replaced."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from leaven.ground.errors import LeavenError
from leaven.report import tournament
from leaven.report.contents import read
from leaven.report.tournament import write_tournament

from . import votes


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tournament")
    write_tournament(votes.tournament(), out)
    return out


def told(out: Path) -> str:
    html = (out / "report.html").read_text(encoding="utf-8")
    body = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_one_sentence_a_pair_with_interval_and_corrected_p(written: Path) -> None:
    said = told(written)
    assert (
        "▲ better code→text is preferred over text-only: net win +20.6 points [+9.6, +31.6], p = 0.002 (Holm)" in said
    )
    assert "cannot be told from text-only: net win −4.6 points" in said
    assert "4 errors apart" in said


def test_the_parts_are_those_of_a_study_and_in_order(written: Path) -> None:
    said = told(written)
    order = (
        "Which recipe writes answers",
        "The judge goes by length",
        "Completions preferred by the judge",
        "Strength of each arm",
        "How the judge judged",
        "What was judged",
        "Every arm completed every prompt by the same rules: at most 256 tokens",
        "Give me 3 reasons",
        "Costs of judging",
        "Copy this paragraph",
        "judge: template",
    )
    places = [said.find(words, said.find("Identities")) for words in order[1:]]
    assert -1 not in places
    assert places == sorted(places)


def test_files_lie_beside_the_page(written: Path) -> None:
    assert sorted(p.name for p in written.iterdir()) == ["data", "figures", "report.html"]
    assert sorted(p.name for p in (written / "figures").iterdir()) == [
        "strengths.png",
        "strengths.svg",
        "winrates.png",
        "winrates.svg",
    ]
    assert {p.name for p in (written / "data").iterdir()} == {
        *(f"{name}.{kind}" for name in ("winrates", "strengths") for kind in ("csv", "parquet")),
        "samples.jsonl",
        "samples.parquet",
        "votes.parquet",
    }
    table = pq.read_table(written / "data" / "votes.parquet").to_pydict()
    assert table["length_b"] == [30, 31, 32]
    assert table["scripted"] == [False] * 3
    rates = pq.read_table(written / "data" / "winrates.parquet").to_pydict()
    assert rates["controls_right"] == [19] * 6
    assert rates["ruled_identical"] == [1] * 6
    first = json.loads((written / "data" / "samples.jsonl").read_text(encoding="utf-8").split("\n")[0])
    assert json.loads(first["replies"]) == votes.samples()[0]["replies"]


def test_every_link_leads_somewhere(written: Path) -> None:
    html = (written / "report.html").read_text(encoding="utf-8")
    ids = set(re.findall(r' id="([^"]+)"', html))
    for target in re.findall(r' href="([^"]+)"', html):
        assert target[1:] in ids if target.startswith("#") else (written / target).exists(), target


def test_equal_data_gives_equal_bytes_and_is_left_as_it_was(written: Path, tmp_path: Path) -> None:
    data = votes.tournament()
    write_tournament(data, tmp_path)
    assert data == votes.tournament()
    for path in sorted(p for p in written.rglob("*") if p.is_file()):
        assert (tmp_path / path.relative_to(written)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("missing", [*votes.tournament(), "everything"])
def test_every_part_may_be_missing(missing: str) -> None:
    data: dict[str, Any] = {} if missing == "everything" else {**votes.tournament(), missing: None}
    html = tournament.page(tournament.contents(data), [])
    assert "None" not in unescape(re.sub(r"<[^>]+>", "", html.split("</style>")[1].split("<script>")[0]))


def test_nothing_at_all_still_gives_a_page(tmp_path: Path) -> None:
    write_tournament({}, tmp_path)
    assert "No pair was judged." in told(tmp_path)
    assert (tmp_path / "data" / "winrates.csv").read_text().startswith("variant,baseline,wins")


def test_old_samples_are_shown() -> None:
    old = [{"prompt": "A", "variant": "b", "baseline": "a", "variant_text": "x", "baseline_text": "", "outcome": "win"}]
    html = tournament.page(read({"samples": old}), [])
    assert "b preferred" in html
    assert "(nothing)" in html
    assert "What the judge wrote" not in html
    assert 'class="filters"' not in html


def test_a_script_is_never_a_result(tmp_path: Path) -> None:
    write_tournament(votes.tournament(scripted=True), tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<title>SCRIPTED · Which recipe" in html
    assert "<h1>SCRIPTED, not a result: Which recipe" in html
    assert 'class="watermark"' in html
    said = told(tmp_path)
    assert "is preferred over" not in said
    assert "got more made-up votes than" in said
    assert not re.search(r'class="badge (better|worse|equivalent)"', html)
    assert html.count('class="chip loud">SCRIPTED') == 24
    assert set(pq.read_table(tmp_path / "data" / "votes.parquet").to_pydict()["scripted"]) == {True}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LeavenError, match="cannot write the report"):
        write_tournament({}, tmp_path / "file")
