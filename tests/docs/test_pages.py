"""Every page can be read, its commands can be typed, and the short ones do what they say."""

from __future__ import annotations

import os
import sys

import pytest
from command_line import mistake
from execute import follow
from material import MATERIAL
from pages import Block, Page, pages

PAGES = pages()
SHORT = [page for page in PAGES if not page.long and any(not part.reason for part in page.commands)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_can_be_typed(page: Page) -> None:
    found = {f"{page.name}:{c.line}": wrong for c in page.commands if (wrong := mistake(c.text))}
    assert not found
    assert set(page.needs) <= set(MATERIAL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_programs_are_python(page: Page) -> None:
    for block in page.parts:
        if isinstance(block, Block) and block.language == "python" and not block.title:
            compile(block.text, f"{page.name}:{block.line}", "exec")


@pytest.mark.parametrize("page", SHORT, ids=lambda page: page.name)
def test_short_pages(page: Page, tmp_path, monkeypatch) -> None:
    assert follow(page, tmp_path) > 0


def test_what_is_not_executed_says_why(capsys) -> None:
    parts = [part for page in PAGES for part in page.parts if isinstance(part, Block) is False or part.language == "python"]
    left = [part for part in parts if part.reason]
    reasons: dict[str, int] = {}
    for part in left:
        reasons[part.reason] = reasons.get(part.reason, 0) + 1
    with capsys.disabled():
        told = "".join(f"\n  {count:3} {reason}" for reason, count in sorted(reasons.items()))
        print(f"\ndocs: {len(parts)} commands and programs, {len(left)} not executed:{told}", file=sys.stderr)
    assert len(left) < len(parts) / 2, "most of the documentation is not executed"
    assert os.environ.get("PYTEST_CURRENT_TEST")


def test_a_page_without_commands_is_found_out(tmp_path) -> None:
    bad = tmp_path / "bad.md"
    bad.write_text("```console\nno prompt\n```\n", encoding="utf-8")
    from pages import ROOT, read

    with pytest.raises(ValueError, match="begins with"):
        read(ROOT / os.path.relpath(bad, ROOT))
