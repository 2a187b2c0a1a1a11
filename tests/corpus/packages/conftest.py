"""Archives that tell when their code is run, and registries of them that need no network."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from leaven.corpus.packages import Package


def archive(top: str, files: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return sink.getvalue()


def package(registry: str, name: str, data: bytes, version: str = "1.0.0") -> Package:
    digest = hashlib.sha256(data).hexdigest()
    return Package(registry, name, version, digest, "MIT", ("Python",), len(data))  # type: ignore[arg-type]


def sdist(name: str, told: Path, extra: dict[str, str]) -> bytes:
    """A source archive all of whose code creates `told` when it is run."""
    tell = f"open({str(told)!r}, 'w').close()\n"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n\nAbout it.\n"
    files = {"PKG-INFO": head, "setup.py": tell, "backend.py": tell, "sitecustomize.py": tell, **extra}
    return archive(f"{name.replace('-', '_')}-1.0.0", files)


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A file that is there once code of a package has run."""
    return tmp_path / "told"


PROJECT = '[build-system]\nrequires = ["{}"]\nbuild-backend = "{}"\n'
BACKENDS = {
    "old-style": {},
    "of-setuptools": {"pyproject.toml": PROJECT.format("setuptools", "setuptools.build_meta")},
    "own-backend": {"pyproject.toml": PROJECT.format("no-such-thing-0", "backend") + 'backend-path = ["."]\n'},
    "not-installed": {"pyproject.toml": PROJECT.format("no-such-thing-0", "no_such:thing")},
}


@pytest.fixture
def index(tmp_path: Path, told: Path, monkeypatch: pytest.MonkeyPatch) -> list[Package]:
    """Four source archives in a folder that pip's own configuration names; no other place is asked."""
    folder = tmp_path / "index"
    folder.mkdir()
    found = []
    for name, extra in BACKENDS.items():
        data = sdist(name, told, extra)
        (folder / f"{name.replace('-', '_')}-1.0.0.tar.gz").write_bytes(data)
        found.append(package("pypi", name, data))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    return found


@pytest.fixture
def npm_registry(tmp_path: Path, told: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Package]]:
    """A registry on loopback with two packages whose scripts tell, one of them with a scope."""
    tarballs: dict[str, bytes] = {}
    for name in ("plain", "@scope/thing"):
        scripts = dict.fromkeys(("prepack", "prepare", "install", "preinstall", "postpack"), f"touch {told}")
        about = {"name": name, "version": "1.0.0", "license": "MIT", "scripts": scripts}
        tarballs[name] = archive("package", {"package.json": json.dumps(about), "index.js": "1\n", "LICENSE": "MIT"})

    class Registry(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            path = unquote(self.path.partition("?")[0]).strip("/")
            body = tarballs.get(path.removesuffix(".tgz")) if path.endswith(".tgz") else self.about(path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def about(self, name: str) -> bytes | None:
            if name not in tarballs:
                return None
            shasum = hashlib.sha1(tarballs[name]).hexdigest()
            version = {"name": name, "version": "1.0.0", "dist": {"tarball": f"{url}/{name}.tgz", "shasum": shasum}}
            return json.dumps({"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}).encode()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("npm_config_registry", url)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    yield [package("npm", name, data) for name, data in tarballs.items()]
    server.shutdown()
    thread.join()
    server.server_close()
