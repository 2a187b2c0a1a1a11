"""The page in a real browser, where one is installed: nothing refused, nothing logged, the script runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-logging=stderr")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_has_nothing_to_complain_about(rendered: Path, tmp_path: Path) -> None:
    """Every refused load, refused script and script error is a console message; a request would be refused."""
    page = (rendered / "report.html").as_uri()
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path}", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"Chromium does not start here: {done.stderr[-200:]}")
    assert "CONSOLE" not in done.stderr
    assert 'data-of="methods-text">Copy' in done.stdout
    assert "<title>Does a little code leaven a small language model? · leaven</title>" in done.stdout
