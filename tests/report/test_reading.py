"""The page on a phone, on paper and to a screen reader, in a real browser where one is installed."""

from __future__ import annotations

import json
import re
import subprocess
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from leaven.report.page import write_report
from leaven.report.palette import NEUTRAL, SERIES, VERDICT

from . import browser
from .test_gates import two_sizes

WIDTHS = """
const wide = [...document.querySelectorAll("main *, header *, nav *, footer *")].filter((element) => {
  if (element.closest(".scroll, svg, pre, details:not([open])")) return false;
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.right > document.documentElement.clientWidth + 1;
}).map((element) => element.tagName + "." + element.className);
const output = document.createElement("code");
output.textContent = "WIDTHS" + JSON.stringify({
  page: document.documentElement.scrollWidth, room: document.documentElement.clientWidth, wide: wide.slice(0, 5)});
document.body.append(output);
"""


FRAME = """
onload = () => {
  const found = document.querySelector("iframe").contentDocument.body.textContent;
  const told = document.createElement("code");
  told.textContent = found.slice(found.lastIndexOf("WIDTHS"));
  document.body.append(told);
};
"""


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from .conftest import study_data

    out = tmp_path_factory.mktemp("sized")
    write_report(two_sizes(study_data()), out)
    return out


@browser.WITHOUT
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(sized: Path, tmp_path: Path, width: int) -> None:
    page = browser.driven((sized / "report.html").read_text(encoding="utf-8"), WIDTHS)
    # The window of a headless browser has a least width; a frame is as wide as it is told.
    frame = (
        f'<!doctype html><iframe srcdoc="{escape(page)}" width="{width}" height="900"></iframe><script>{FRAME}</script>'
    )
    (tmp_path / "frame.html").write_text(frame, encoding="utf-8")
    seen = browser.load(tmp_path / "frame.html", tmp_path / "profile")
    told = re.search(r"WIDTHS(\{.*?\})", seen.words)
    assert told is not None
    found: dict[str, Any] = json.loads(told[1])
    assert found["wide"] == []
    assert found["page"] <= found["room"]


@browser.WITHOUT
def test_it_prints(sized: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.pdf"
    command = [str(browser.BROWSER), *browser.FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, f"--print-to-pdf={out}", (sized / "report.html").as_uri()],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.skip("Chromium does not print here")
    assert out.read_bytes().startswith(b"%PDF")
    assert out.stat().st_size > 20_000


def test_every_picture_is_told_in_words_and_has_its_numbers(sized: Path) -> None:
    page = (sized / "report.html").read_text(encoding="utf-8")
    pictures = re.findall(r"<svg [^>]*>", page)
    assert len(pictures) > 10
    assert all("aria-label=" in tag or 'aria-hidden="true"' in tag for tag in pictures)
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) > 5
    for figure in figures:
        assert "<table>" in figure
        assert 'class="says"' in figure


def test_headings_leave_out_no_level(sized: Path) -> None:
    page = (sized / "report.html").read_text(encoding="utf-8")
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def luminance(color: str) -> float:
    """Relative luminance of a colour (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_stand_out_from_the_paper(scheme: int) -> None:
    """WCAG 2.2: 4.5 for words (1.4.3), 3 for lines and marks (1.4.11)."""
    paper = luminance(NEUTRAL["paper"][scheme])

    def contrast(color: str) -> float:
        low, high = sorted((paper, luminance(color)))
        return (high + 0.05) / (low + 0.05)

    words = [NEUTRAL["ink"][scheme], NEUTRAL["soft"][scheme], *(pair[scheme] for pair in VERDICT.values())]
    assert min(map(contrast, words)) >= 4.5
    assert min(contrast(pair[scheme]) for pair in SERIES) >= 3
