"""Every page can be read, its commands can be typed, and the short ones do what they say."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from command_line import mistake
from execute import follow
from material import MATERIAL
from pages import Block, Page, pages, read
from told import unsaid

PAGES = pages()
SHORT = [page for page in PAGES if not page.long and page.done]


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
def test_short_pages(page: Page, tmp_path) -> None:
    assert follow(page, tmp_path) > 0


def test_what_is_not_executed_says_why(capsys) -> None:
    typed = [part for page in PAGES for part in page.typed]
    left = Counter(part.reason for part in typed if part.reason)
    told = "".join(f"\n  {count:3} {reason}" for reason, count in sorted(left.items()))
    with capsys.disabled():
        print(f"\ndocs: {len(typed)} commands and programs, {left.total()} not executed:{told}", file=sys.stderr)
    assert left.total() < len(typed) / 2, "most of the documentation is not executed"
    assert not [page.name for page in PAGES if page.needs and not page.done]


def test_a_typing_mistake_is_found() -> None:
    assert mistake("leaven run pocket --sett a=1")
    assert mistake("leaven rum pocket")
    assert mistake("leaven bench 1m --calls many")
    assert mistake("make trst")
    assert mistake("pip install 'leaven[nothing]'")
    assert mistake("A=1 leaven plan x.yaml --set a=1 | head -3") is None
    assert mistake("leaven corpus stats x.yaml text --sweep c4.min_sentences=1,2 > out.txt") is None


def test_what_is_printed_is_held_against_what_is_shown() -> None:
    printed = "one 1.5 %\ntwo  3 of 4\nthree [−1.0, +2.0]\n"
    assert unsaid(["one 2 %", "three [+0.3, +17]"], printed) is None
    assert unsaid(["…", "two … of 9", "…"], printed) is None
    assert unsaid(["two 3 of 4", "one 1.5 %"], printed) == "one 1.5 %"
    assert unsaid(["one 1.5 points"], printed) == "one 1.5 points"


def test_a_page_that_cannot_be_followed_is_found_out(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("pages.DOCS", tmp_path)

    def page(text: str) -> Page:
        (tmp_path / "bad.md").write_text(text, encoding="utf-8")
        return read(tmp_path / "bad.md")

    with pytest.raises(ValueError, match="begins with"):
        page("```console\nno prompt\n```\n")
    with pytest.raises(ValueError, match="no end"):
        page("```console\n$ true\n")
    with pytest.raises(ValueError, match="means nothing"):
        page("<!-- not run -->\n```console\n$ true\n```\n")
    with pytest.raises(AssertionError, match="ends with 1, not 0"):
        follow(page("```console\n$ false\n```\n"), tmp_path)
    with pytest.raises(AssertionError, match="did not print\nb"):
        follow(page("```console\n$ echo a\na\nb\n```\n"), tmp_path)
    with pytest.raises(AssertionError, match="stand 0 times"):
        follow(page('```text title="a"\none\n```\n```diff title="a"\n-two\n+three\n```\n'), tmp_path)
    changed = page(
        '```text title="a"\none\ntwo\n```\n```diff title="a"\n-two\n+three\n```\n```console\n$ cat a\none\nthree\n```\n'
    )
    assert follow(changed, tmp_path) == 1
