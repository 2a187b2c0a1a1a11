"""The pages that take minutes, followed one after the other with one store: what one has trained the next finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from execute import follow
from pages import Page, pages

LONG = [page for page in pages() if page.long]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.mark.long
@pytest.mark.parametrize("page", LONG, ids=lambda page: page.name)
def test_long_pages(page: Page, tmp_path: Path, runs: Path) -> None:
    assert follow(page, tmp_path, None if page.alone else runs) > 0
