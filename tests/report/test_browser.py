"""The page in a real browser, where one is installed: nothing refused, nothing logged, the script runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leaven.report import tournament
from leaven.report.contents import read
from leaven.report.tournament import write_tournament

from . import browser, votes

DRIVER = """
const set = (name, value) => {
  const field = document.querySelector(`[data-filter=${name}]`);
  field.value = value;
  field.dispatchEvent(new Event("input"));
};
const step = (by) => document.querySelector(`[data-step="${by}"]`).click();
const told = () => [
  document.querySelector(".filters output").textContent,
  [...document.querySelectorAll(".sample")].filter((sample) => !sample.hidden).map((sample) =>
    [sample.dataset.pair, sample.dataset.outcome, sample.dataset.category].join("|")),
];
const seen = {start: told()};
step(1); seen.next = told(); step(-1); step(-1); seen.back = told();
set("outcome", "lose"); seen.lose = told();
set("category", "open_qa"); seen.both = told();
set("words", "no such words"); seen.none = told();
set("category", ""); set("outcome", ""); set("words", "GIVE ME 7 REASONS"); seen.words = told();
set("words", ""); set("pair", document.querySelector("[data-filter=pair]").options[2].value); seen.pair = told();
const output = document.createElement("code");
output.id = "driven";
output.textContent = JSON.stringify(seen);
document.body.append(output);
"""


@browser.WITHOUT
def test_a_browser_has_nothing_to_complain_about(rendered: Path, tmp_path: Path) -> None:
    """Every refused load, refused script and script error is a console message; a request would be refused."""
    seen = browser.load(rendered / "report.html", tmp_path)
    assert not seen.console
    assert "Copy this paragraph" in seen.words
    assert ("button", False) in [(tag, "hidden" in a) for tag, a in seen.elements if a.get("class") == "copy"]
    assert seen.title == "Does a little code leaven a small language model? · leaven"


@browser.WITHOUT
def test_samples_are_browsed_by_pair_outcome_category_and_words(tmp_path: Path) -> None:
    write_tournament(votes.tournament(), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    (tmp_path / "driven.html").write_text(browser.driven(page, DRIVER), encoding="utf-8")
    found = browser.load(tmp_path / "driven.html", tmp_path / "profile")
    assert not found.console
    seen: dict[str, Any] = json.loads(found.words[found.words.index('{"start"') :].strip())
    rows = votes.samples()
    assert seen["start"][0] == "1 of 24"
    assert all(len(shown) == 1 for where, (_, shown) in seen.items() if where != "none")
    assert seen["next"][0] == "2 of 24"
    assert seen["next"][1] != seen["start"][1]
    assert seen["back"] == seen["start"]
    lost = [row for row in rows if row["outcome"] == "lose"]
    assert seen["lose"][0] == f"1 of {len(lost)}"
    both = [row for row in lost if row["category"] == "open_qa"]
    assert seen["both"][0] == f"1 of {len(both)}"
    assert seen["both"][1][0].endswith("|lose|open_qa")
    assert seen["none"] == ["no sample matches", []]
    assert seen["words"][0] == "1 of 1"
    variant, baseline = votes.pairs()[1]
    assert seen["pair"] == ["1 of 4", [seen["pair"][1][0]]]
    assert seen["pair"][1][0].startswith(f"{variant} against {baseline}|")


def test_without_javascript_the_first_samples_are_in_sight_and_controls_are_not() -> None:
    page = tournament.page(read({"samples": votes.samples()}), [])
    before, _, after = page.partition('<details class="rest">')
    assert before.count('<article class="sample"') == 3
    assert after.count('<article class="sample"') == 21
    assert 'aria-label="which samples are shown" hidden>' in page
