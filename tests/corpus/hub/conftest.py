"""A hub on loopback that answers what `huggingface_hub` really asks, and a local cache in its layout."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlparse

import pytest

COMMIT = "a" * 39 + "1"
OLDER = "b" * 39 + "2"
TOKEN = "hf_aVerySecretToken"


@dataclass
class Hub:
    """Attributes:
    files: path → content at `COMMIT`.
    refuse: data set → (status, X-Error-Code).
    trouble: one answer each, taken in order by requests for content: "cut", "429", "503", "whole", "changed".
    asked: (path, headers) of every request to the hub, `served` those of the store of content.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    refuse: dict[str, tuple[int, str]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    served: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    page: int = 3
    address: str = ""
    store: str = ""


def handler(hub: Hub, of: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            url = urlparse(self.path)
            (hub.asked if of == "hub" else hub.served).append(
                (self.path, {name.lower(): value for name, value in self.headers.items()})
            )
            if of == "store":
                return self.content(hub.files[unquote(url.path).removeprefix("/blob/")])
            match = re.fullmatch(r"(/api)?/datasets/([^/]+/[^/]+)/(revision|tree|resolve)/([^/]+)/?(.*)", url.path)
            if match is None:
                return self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            _, dataset, verb, revision, path = match.groups()
            if dataset in hub.refuse:
                status, code = hub.refuse[dataset]
                return self.answer(status, b'{"error": "no"}', {"X-Error-Code": code} if code else {})
            if unquote(revision) not in ("main", "refs/convert/parquet", COMMIT):
                return self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return {"revision": self.revision, "tree": self.tree, "resolve": self.resolve}[verb](dataset, unquote(path))

        def revision(self, dataset: str, path: str) -> None:
            self.answer(200, json.dumps({"_id": "1", "id": dataset, "sha": COMMIT}).encode())

        def tree(self, dataset: str, path: str) -> None:
            below = sorted(name for name in hub.files if not path or name.startswith(f"{path}/"))
            if not below:
                return self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            start = int(parse_qs(urlparse(self.path).query).get("cursor", ["0"])[0])
            rows = [{"type": "directory", "path": "data", "oid": "c" * 40, "size": 0}] if start == 0 else []
            for name in below[start : start + hub.page]:
                data = hub.files[name]
                row = {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                if name.endswith(".parquet"):
                    row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
                rows.append(row)
            more = start + hub.page
            link = f'<{hub.address}{urlparse(self.path).path}?recursive=true&cursor={more}>; rel="next"'
            self.answer(200, json.dumps(rows).encode(), {"Link": link} if more < len(below) else {})

        def resolve(self, dataset: str, path: str) -> None:
            if path not in hub.files:
                return self.answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            headers = {"Location": f"{hub.store}/blob/{quote(path)}", "X-Repo-Commit": COMMIT, "ETag": '"x"'}
            self.answer(302, b"", headers)

        def content(self, data: bytes) -> None:
            trouble = hub.trouble.pop(0) if hub.trouble else ""
            if trouble in ("429", "503"):
                return self.answer(int(trouble), b"", {"Retry-After": "7"})
            if trouble == "whole":
                return self.answer(200, data)
            told = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            assert told is not None
            start, end = int(told[1]), min(int(told[2]), len(data) - 1)
            if start >= len(data):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            size = len(data) + 1 if trouble == "changed" else len(data)
            headers = {"Content-Range": f"bytes {start}-{end}/{size}"}
            self.answer(206, data[start : end + 1], headers, cut=trouble == "cut")

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

    return Handler


@contextmanager
def served(hub: Hub, of: str) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub, of))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of snapshots, and an environment that says nothing else about the hub."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HOME", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    # Read from the environment when it was imported, which another test's library may have made say offline.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def fake(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub that leaven is told to ask; it has one data set, `people/stories`."""
    import huggingface_hub

    hub = Hub()
    with served(hub, "store") as hub.store, served(hub, "hub") as hub.address:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub
        huggingface_hub.close_session()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that would have been slept."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


def snapshot_of(cache: Path, files: dict[str, bytes], links: bool = True, dataset: str = "people/stories") -> Path:
    """Files of `dataset` at `COMMIT`, as the hub's tools leave them in a cache."""
    storage = cache / f"datasets--{dataset.replace('/', '--')}"
    for path, data in files.items():
        target = storage / "snapshots" / COMMIT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256 if path.endswith(".parquet") else hashlib.sha1
        blob = storage / "blobs" / digest(data).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        if links:
            blob.write_bytes(data)
            target.symlink_to(Path("../" * (path.count("/") + 2)) / "blobs" / blob.name)
        else:
            target.write_bytes(data)
    (storage / "refs").mkdir(parents=True)
    (storage / "refs" / "main").write_text(COMMIT)
    return storage
