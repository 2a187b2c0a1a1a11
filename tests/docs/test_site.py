"""The site is built without a warning, and nothing in it is fetched from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import DOCS, ROOT

FETCHED = re.compile(
    r"<(?:link[^>]*\brel=[\"']?(?:stylesheet|preconnect|preload|icon|manifest)[^>]*\bhref|script[^>]*\bsrc|img[^>]*\bsrc|"
    r"iframe[^>]*\bsrc|source[^>]*\bsrc(?:set)?|video[^>]*\bsrc|audio[^>]*\bsrc)=[\"']?((?:https?:)?//[^\"'>\s]+)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    pytest.importorskip("material", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.mark.peer
def test_every_page_is_there(site: Path) -> None:
    for path in DOCS.rglob("*.md"):
        assert (site / path.relative_to(DOCS)).with_suffix(".html").exists()


@pytest.mark.peer
def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    assert FETCHED.search('<link rel="stylesheet" href="https://fonts.googleapis.com/css">')
    assert FETCHED.search("<script src=//unpkg.com/x.js></script>")
    for path in site.rglob("*.html"):
        assert not FETCHED.findall(path.read_text(encoding="utf-8")), path.name
    for path in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//[^)\"']+", path.read_text(encoding="utf-8"))
