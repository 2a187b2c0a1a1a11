"""Text that attacks the page, everywhere text can come from, in a real browser: it stays text.

Attacks try to run script, to load something, to leave the page, or to look like a part of it. A script that runs would
set the title, add an element, write to the console and ask a server on this computer, each of which is looked for. The
last tests switch the defences off one by one and see the attacks succeed, so that the others can fail.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

import pytest

from leaven.report import markup, page, tournament
from leaven.report.contents import read
from leaven.report.markup import seen
from leaven.report.page import write_report
from leaven.report.tournament import write_tournament

from . import browser, votes

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def attacks(address: str) -> list[str]:
    """Strings that would do something if any of them were read as anything but text."""
    run = (
        "document.title='PWNED';document.body.appendChild(document.createElement('b')).id='pwned';"
        f"console.log('PWNED');fetch('{address}/ran')"
    )
    coded = escape(run, quote=True)
    return [
        f"<script>{run}</script>",
        f'"><script>{run}</script>',
        f"'-->]]></script><script>{run}</script>",
        f"</pre></article></main><script>{run}</script>",
        f"</style><script>{run}</script>",
        f"</title></textarea></option></select><script>{run}</script>",
        f'<img src="{address}/image" onerror="{coded}">',
        f'" onmouseover="{coded}" autofocus onfocus="{coded}" x="',
        f'<svg onload="{coded}"><animate onbegin="{coded}" attributeName=x dur=1s></svg>',
        f'<details open ontoggle="{coded}"><input autofocus onfocus="{coded}">',
        f'<a href="javascript:{coded}" id=lure>here</a><a href="data:text/html,<script>{coded}</script>">there</a>',
        f'<iframe srcdoc="<script>parent.{coded}</script>"></iframe><iframe src="javascript:{coded}"></iframe>',
        f'<meta http-equiv="refresh" content="0;url={address}/left"><base href="{address}/">',
        f'<link rel=stylesheet href="{address}/style"><style>@import "{address}/import";main{{display:none}}</style>',
        f'<object data="{address}/object"></object><embed src="{address}/embed"><video poster="{address}/poster">',
        f"{{{{constructor.constructor('{run}')()}}}} ${{{run}}} #{{{run}}} <%= {run} %> {{% {run} %}} {{prompt}}",
        f"&lt;script&gt;{run}&lt;/script&gt; &#60;script&#62;{run}&#x3c;/script&#x3e; &amp;lt;b&amp;gt; &NoEntity; &",
        f"javascript:{run}",
        f'style="background:url({address}/css)" ;}}*{{background:url({address}/css)}}',
        "\\u003cscript\\u003e \u2028\u2029\u0085 \x00\x01\x08\x1b[2J\x7f\x9b \ud800\udfff\udc00 \ufeff\u200b\u00ad",
        "safe \u202e\u2066gnp.exe\u2069\u202c \u200f\u061c end",
        "\x00" * 5000,
        "=cmd|' /C calc'!A0",
        "a" * 100_000,
        "<" * 3000,
        "Z" + "\u0301\u0316" * 300,
        "<!--",
        "<plaintext>",
    ]


def names(address: str) -> list[str]:
    """An attack for each of four arms, short enough to be a name."""
    found = attacks(address)
    return [found[0], f"\u202e\x00\ud800 {found[8]}", f"$x^2$ {found[4]}", f"=1+1 {found[7]} {'n' * 300}"]


def spoiled_samples(address: str, arms: list[str]) -> list[dict[str, Any]]:
    """One sample a field and attack, and one with all of them at once."""
    found = attacks(address)
    rows = []
    for i, attack in enumerate([*found, "\n".join(found)]):
        row = dict(votes.samples()[i % 24])
        place = votes.ARMS.index
        row |= {"variant": arms[place(row["variant"])], "baseline": arms[place(row["baseline"])]}
        row |= dict.fromkeys(("prompt", "given", "category", "variant_text", "baseline_text", "reason", "id"), attack)
        row |= {"overlap": attack, "rule": attack if i % 2 else "", "replies": [[attack, attack], [attack]]}
        row |= {"outcome": attack} if i % 9 == 8 else {}
        rows.append(row)
    return rows


def spoiled_tournament(address: str) -> dict[str, Any]:
    found, arms = attacks(address), names(address)
    asked = found[1]
    data = votes.tournament()
    for old, new in zip(votes.ARMS, arms, strict=True):
        data = _renamed(data, old, new)
    for row in data["winrates"]:
        row |= {"judge": found[2], "judge_what": found[3], "warnings": found[:9], "reasons": {found[5]: 3}}
    data["strengths"][-1]["why"] = asked
    data["title"] = found[5]
    data["samples"] = spoiled_samples(address, arms)
    data["prompts"] |= {"set": asked, "origin": found[10], "frame": "\n".join(found), "stop": found}
    data["prompts"]["overlap"] = {attack: {"kind": found[2], "prompts": 3} for attack in found[:5]}
    data["judge"] |= {"name": found[2], "what": found[3], "template": found[6], "gate": found[1]}
    data["rules"]["stop"] = found
    data["provenance"] = {found[0]: found[1], "nested": {found[2]: [found[3]]}}
    return data


def spoiled_study(address: str, data: dict[str, Any]) -> dict[str, Any]:
    judged = spoiled_tournament(address)
    for old, new in zip(("text-only", "balanced-only", "balanced→text", "code→text"), names(address), strict=True):
        data = _renamed(data, old, new)
    data["verdict"]["winrates"], data["verdict"]["strengths"] = judged["winrates"], judged["strengths"]
    data["study"]["question"] = judged["title"]
    return data | {key: judged[key] for key in ("samples", "prompts", "judge", "rules")}


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(held, old, new) for key, held in value.items()}
    return [_renamed(held, old, new) for held in value] if isinstance(value, list) else value


def study_page(address: str, data: dict[str, Any]) -> str:
    contents = read(spoiled_study(address, data))
    return page.page(contents, page.figures(contents)[:3])


def tournament_page(address: str, folder: Path) -> str:
    write_tournament(spoiled_tournament(address), folder)
    return (folder / "report.html").read_text(encoding="utf-8")


@browser.WITHOUT
@pytest.mark.parametrize("policy", [True, False])
@pytest.mark.parametrize("kind", ["study", "tournament"])
def test_attacks_stay_text(kind: str, policy: bool, data: dict[str, Any], tmp_path: Path) -> None:
    """With the page's policy and without it: escaping alone is enough."""
    with browser.listening() as (address, asked):
        made = study_page(address, data) if kind == "study" else tournament_page(address, tmp_path / "out")
        (tmp_path / "page.html").write_text(made if policy else POLICY.sub("", made, count=1), encoding="utf-8")
        found = browser.load(tmp_path / "page.html", tmp_path / "profile")
    assert not asked
    assert not found.console
    assert "pwned" not in found.ids()
    assert "lure" not in found.ids()
    assert found.title != "PWNED"
    assert {tag for tag, _ in found.elements}.isdisjoint({"iframe", "img", "object", "embed", "video", "base", "link"})
    assert not [name for _, a in found.elements for name in a if name.startswith("on")]
    assert sum(tag == "script" for tag, _ in found.elements) == 1
    for attack in attacks(address)[:19]:
        assert attack in found.words, attack
    assert "\\u{2028}\\u{2029}\\u{85} \\u{0}\\u{1}\\u{8}\\u{1b}[2J\\u{7f}\\u{9b} \\u{d800}\\u{dfff}" in found.words
    assert "\\u{0} ×4000" in found.words
    assert "(96,000 more characters)" in found.words
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069\u2028\ud800-\udfff]", found.words)


@browser.WITHOUT
def test_filters_work_on_attacks(tmp_path: Path) -> None:
    """An attack as a category is a choice like any other, and finds its sample."""
    choose = """
    const field = document.querySelector("[data-filter=category]");
    const shown = [...field.options].slice(1).map((option) => {
      field.value = option.value;
      field.dispatchEvent(new Event("input"));
      return document.querySelector(".filters output").textContent;
    });
    const output = document.createElement("code");
    output.textContent = "driven" + JSON.stringify(shown);
    document.body.append(output);
    """
    with browser.listening() as (address, asked):
        made = tournament_page(address, tmp_path / "out")
        (tmp_path / "page.html").write_text(browser.driven(made, choose), encoding="utf-8")
        found = browser.load(tmp_path / "page.html", tmp_path / "profile")
        many = len({seen(row["category"]) for row in spoiled_samples(address, names(address))})
    assert not asked
    assert not found.console
    told = json.loads(found.words.split("driven")[-1].strip())
    assert told == ["1 of 1"] * many


@browser.WITHOUT
@pytest.mark.parametrize("policy", [True, False])
def test_attacks_succeed_where_nothing_is_escaped(
    policy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the tests above can fail; and that the policy alone still keeps every script from running."""
    monkeypatch.setattr(markup, "escape", lambda raw, quote: raw)
    with browser.listening() as (address, asked):
        made = tournament.page(read({"samples": spoiled_samples(address, names(address))}), [])
        (tmp_path / "page.html").write_text(made if policy else POLICY.sub("", made, count=1), encoding="utf-8")
        found = browser.load(tmp_path / "page.html", tmp_path / "profile")
    assert ("pwned" in found.ids()) is not policy
    assert (found.title == "PWNED") is not policy
    assert ("/ran" in asked) is not policy
    assert found.console


def test_exports_of_attacks_are_whole_and_no_formulas(data: dict[str, Any], tmp_path: Path) -> None:
    address = "http://127.0.0.1:9"
    hostile = spoiled_study(address, data)
    hostile["stages"] = hostile["verdict"]["scores"] = hostile["verdict"]["comparisons"] = []
    write_report(hostile, tmp_path)
    lines = (tmp_path / "data" / "samples.jsonl").read_text(encoding="utf-8").split("\n")
    texts = [json.loads(line)["variant_text"] for line in lines if line]
    assert texts[0] == attacks(address)[0]
    assert "a" * 100_000 in texts
    written = (tmp_path / "data" / "winrates.csv").read_text(encoding="utf-8")
    assert "'=1+1" in written
    assert not re.search(r'(?m)(^|,)"?[=+@]', re.sub(r'"(?:[^"]|"")*"', "quoted", written))
    assert "\x00" not in written
