"""The page as a document: well-formed, self-contained, escaped, deterministic, whole even where parts are missing."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from leaven.ground.errors import LeavenError
from leaven.report import page
from leaven.report.contents import read
from leaven.report.markup import VOID
from leaven.report.page import write_report

FIGURES = ("gains", "scores", "winrates", "strengths", "curves", "stages")


class Outline(HTMLParser):
    """Every element with its attributes; raises on a tag that closes what is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def outline(out: Path) -> Outline:
    parsed = Outline()
    parsed.feed((out / "report.html").read_text(encoding="utf-8"))
    parsed.close()
    assert not parsed.open
    return parsed


def shown(data: dict[str, Any]) -> Outline:
    """The page alone, without its files."""
    contents = read(data)
    parsed = Outline()
    parsed.feed(page.page(contents, page.figures(contents)))
    parsed.close()
    assert not parsed.open
    return parsed


@pytest.fixture(scope="module")
def parsed(rendered: Path) -> Outline:
    return outline(rendered)


def test_loads_nothing_from_anywhere(rendered: Path, parsed: Outline) -> None:
    for _, attributes in parsed.elements:
        for name in ("src", "href", "xlink:href", "action", "srcset", "data", "poster"):
            target = attributes.get(name)
            if target is not None:
                assert not re.match(r"[a-z]+:|//", target, re.IGNORECASE), target
    styles = (rendered / "report.html").read_text(encoding="utf-8").split("</style>")[0]
    assert "@import" not in styles
    assert "url(" not in styles


def test_links_lead_to_files_and_parts_that_exist(rendered: Path, parsed: Outline) -> None:
    names = [attributes["id"] for _, attributes in parsed.elements if attributes.get("id")]
    assert len(names) == len(set(names))
    targets = [a.get("href") or a.get("xlink:href") for _, a in parsed.elements]
    for target in filter(None, targets):
        assert target[1:] in names if target.startswith("#") else (rendered / target).exists(), target


def test_policy_allows_the_one_script_and_nothing_else(rendered: Path, parsed: Outline) -> None:
    policy = next(a["content"] for _, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy")
    scripts = re.findall(r"<script>(.*?)</script>", (rendered / "report.html").read_text(encoding="utf-8"), re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}'" in policy


def test_hostile_completions_are_text(parsed: Outline, hostile: str) -> None:
    assert not [a for _, a in parsed.elements if any(name.startswith("on") for name in a)]
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert [tag for tag, _ in parsed.elements].count("style") == 1
    assert "img" not in {tag for tag, _ in parsed.elements}
    said = "".join(parsed.text)
    assert '<script>alert(1)</script><img src=x onerror="alert(2)">' in said
    assert "\\u{0}\\u{1b}[31m \\u{202e}gnp.exe" in said
    assert "\u202e" not in said
    assert hostile not in said


def test_hostile_names_stay_text_everywhere(data: dict[str, Any], tmp_path: Path) -> None:
    name = '"><script>alert(1)</script>$x^2$ & <b>'
    spoiled = json.loads(json.dumps(data).replace(json.dumps("balanced→text"), json.dumps(name)))
    spoiled["study"]["question"] = "</title><script>alert(2)</script>"
    write_report(spoiled, tmp_path)
    parsed = outline(tmp_path)
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert name in "".join(parsed.text)


def test_answers_come_first_with_badge_effect_and_interval(parsed: Outline) -> None:
    said = re.sub(r"\s+", " ", "".join(parsed.text))
    order = [
        "Does a little code leaven a small language model?",
        "12 primary comparisons with text-only:",
        "balanced→text against text-only on prose bits-per-byte: equivalent, as the interval shows.",
        "Proxy scale: transfer to larger models is unproven.",
        "What would change it",
        "Gains over the baseline",
        "Scores, seed by seed",
        "Completions preferred by the judge",
        "Bits per byte over training",
        "The tree of stages",
        "What was excluded, and why",
        "Noise and power",
        "Realised tokens",
        "The corpus",
        "Judged prompts",
        "Costs",
        "Identities",
        "Methods",
        "The study file",
    ]
    body = said[said.index("leaven · study pocket") :].replace("AnswersFiguresExcluded", "", 1)
    body = body[body.index("Study file") + len("Study file") :]
    places = [body.find(words) for words in order[2:]]
    assert -1 not in places
    assert places == sorted(places)
    assert "+0.2 % [−0.3, +0.7]" in said
    assert "it is not a reader" in said


def test_every_figure_is_there_as_drawing_and_files(rendered: Path, parsed: Outline) -> None:
    for name in FIGURES:
        assert (rendered / "figures" / f"{name}.svg").stat().st_size > 2000
        assert (rendered / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert any(tag == "figure" and a.get("id") == name for tag, a in parsed.elements)
    drawings = [a for tag, a in parsed.elements if tag == "svg" and a.get("role") == "img"]
    assert len(drawings) > 20
    assert all(a.get("aria-label") for a in drawings)


def test_equal_data_gives_equal_bytes(data: dict[str, Any], rendered: Path, tmp_path: Path) -> None:
    write_report(data, tmp_path / "elsewhere")
    first = {p.relative_to(rendered): p.read_bytes() for p in sorted(rendered.rglob("*")) if p.is_file()}
    again = {
        p.relative_to(tmp_path / "elsewhere"): p.read_bytes()
        for p in sorted((tmp_path / "elsewhere").rglob("*"))
        if p.is_file()
    }
    assert first == again


def test_writing_leaves_the_data_as_it_was(data: dict[str, Any], tmp_path: Path) -> None:
    del data["stages"], data["verdict"]["scores"], data["verdict"]["winrates"]
    before = copy.deepcopy(data)
    write_report(data, tmp_path)
    assert data == before


@pytest.mark.parametrize(
    ("missing", "absent"),
    [
        ("winrates", "Completions preferred"),
        ("scores", "Scores, seed by seed"),
        ("comparisons", "Gains over the baseline"),
        ("stages", "The tree of stages"),
        ("curves", "Bits per byte over training"),
        ("samples", "Judged prompts"),
        ("corpus", "The corpus"),
    ],
)
def test_a_missing_part_is_left_out(data: dict[str, Any], missing: str, absent: str) -> None:
    if missing == "curves":
        for stage in data["stages"]:
            stage["curve"] = {}
    else:
        where = data if missing in data else data["verdict"]
        where[missing] = None
        where["answers"] = None
    if missing in ("samples", "corpus"):  # no need to draw anything
        data["stages"] = data["verdict"]["scores"] = data["verdict"]["comparisons"] = None
    assert absent not in "".join(shown(data).text).split("Study file", 1)[1]


def test_nothing_at_all_still_gives_a_page(tmp_path: Path) -> None:
    write_report({}, tmp_path)
    said = "".join(outline(tmp_path).text)
    assert "No primary comparison could be made" in said
    assert (tmp_path / "data" / "gains.csv").read_text().startswith("variant,baseline,measure")


def test_everything_excluded_says_so(data: dict[str, Any], tmp_path: Path) -> None:
    task = data["verdict"]["excluded"][0]
    data["verdict"] |= {
        "comparisons": [],
        "scores": [],
        "answers": [],
        "measures": [],
        "winrates": [],
        "excluded": [{**task, "task": name} for name in ("facts", "entities", "boolean")],
    }
    data["stages"] = []
    write_report(data, tmp_path)
    said = "".join(outline(tmp_path).text)
    assert "No primary comparison could be made" in said
    assert "boolean, entities and facts" in said


def test_null_and_infinite_numbers_are_dashes(data: dict[str, Any]) -> None:
    row = data["verdict"]["comparisons"][0]
    row |= {"low": None, "high": None, "p_holm": None, "verdict": "unresolved"}
    data["verdict"]["comparisons"][1] |= {"effect": None, "low": None, "high": None}
    data["verdict"]["scores"][0] |= {"low": float("nan"), "high": float("inf"), "seeds": [None]}
    data["verdict"]["winrates"][0] |= {"net": None, "low": None, "high": None}
    data["verdict"]["measures"][0]["margin"] = None
    data["costs"] = {"flops": None, "wall_seconds": float("inf")}
    data["stages"] = data["stages"][:3]
    said = "".join(shown(data).text)
    assert "nan" not in re.findall(r"\b\w+\b", said)
    assert "None" not in said


def test_an_old_report_survives_a_failed_write(
    rendered: Path, data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report({}, tmp_path)
    (tmp_path / "log.txt").write_text("not the report's")
    before = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    move = Path.replace
    moves = iter(range(100))

    def full(self: Path, target: Path) -> Path:
        if self.parent.name == ".report.part" and next(moves) == 2:
            raise OSError(28, "No space left on device")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    monkeypatch.setattr(page, "figures", lambda contents: [])
    with pytest.raises(LeavenError, match="No space left on device"):
        write_report(data, tmp_path)
    monkeypatch.undo()
    assert {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_what_a_killed_write_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".report.part" / "old").mkdir(parents=True)
    (tmp_path / ".report.part" / "old" / "report.html").write_text("half")
    write_report({}, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "figures", "report.html"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LeavenError, match="cannot write the report"):
        write_report({}, tmp_path / "file")
