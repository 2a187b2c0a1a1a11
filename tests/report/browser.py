"""A headless browser that loads a page and says what became of it, and a server that notes who asks it for anything."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--enable-logging=stderr",
    "--virtual-time-budget=2000",
)
WITHOUT = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@dataclass(frozen=True)
class Seen:
    """What a page became: its elements with attributes, its words, its title, and what it wrote to the console."""

    elements: list[tuple[str, dict[str, str | None]]]
    words: str
    title: str
    console: list[str]

    def ids(self) -> set[str]:
        return {str(attributes["id"]) for _, attributes in self.elements if attributes.get("id")}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag = self.elements[-1][0] if self.elements else ""
        if tag == "title" and not self.title:
            self.title = data
        if tag not in ("style", "script"):
            self.said.append(data)


def load(page: Path, profile: Path) -> Seen:
    """The page after its scripts ran. Skips the test where the browser does not start."""
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    told = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        pytest.skip(f"Chromium does not start here: {told[-200:]}")
    reader = _Reader()
    reader.feed(done.stdout.decode("utf-8", "replace"))
    reader.close()
    console = [line for line in told.splitlines() if "CONSOLE" in line]
    return Seen(reader.elements, "".join(reader.said), reader.title, console)


def driven(page: str, script: str) -> str:
    """A copy of the page with one more script at its end, which its policy allows by hash like the page's own."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert page.count("script-src 'sha256-") + page.count("script-src &#x27;sha256-") == 1
    allowed = page.replace("script-src &#x27;", f"script-src &#x27;sha256-{digest}&#x27; &#x27;", 1)
    return allowed.replace("</script></body>", f"</script><script>{script}</script></body>", 1)


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """An address of this computer's own, and the list of paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
