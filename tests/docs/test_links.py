"""Links lead somewhere, headings that are linked exist, and what is generated is as it would be generated now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from links import anchors, links
from pages import DOCS, ROOT

ALL = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in links(path):
        if link.startswith("https://"):
            continue
        assert not link.startswith(("http:", "/")), link
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link}: there is no {target.relative_to(ROOT)}"
        if anchor:
            assert anchor in anchors(target), f"{link}: {target.name} has no such heading"
        if path.is_relative_to(DOCS):
            assert target.is_relative_to(DOCS), f"{link} leaves docs/, which the site cannot follow"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md")):
        name = str(path.relative_to(DOCS))
        assert f": {name}\n" in navigation or name.startswith("decisions/0"), f"mkdocs.yml does not name {name}"


def test_references_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "docs" / "write.py", "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
