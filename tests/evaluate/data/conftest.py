"""The real benchmark files, files written by a test, and a hub on loopback that also serves downloads."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from leaven.evaluate.data.places import Wanted


def _corpus_hub() -> Any:
    """The corpus tests' hub, which speaks what `huggingface_hub` asks."""
    path = Path(__file__).parents[2] / "corpus" / "hub" / "conftest.py"
    spec = importlib.util.spec_from_file_location("corpus_hub_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


server = _corpus_hub()
COMMIT, OLDER, Hub, snapshot_of = server.COMMIT, server.OLDER, server.Hub, server.snapshot_of
cache = server.cache

WANTED = {
    "piqa": Wanted("piqa", "baber/piqa", None, "validation"),
    "arc_easy": Wanted("arc_easy", "allenai/ai2_arc", "ARC-Easy", "test"),
    "boolq": Wanted("boolq", "aps/super_glue", "boolq", "validation"),
    "cb": Wanted("cb", "aps/super_glue", "cb", "validation"),
    "copa": Wanted("copa", "aps/super_glue", "copa", "validation"),
    "winogrande": Wanted("winogrande", "allenai/winogrande", "winogrande_xl", "validation"),
    "hellaswag": Wanted("hellaswag", "Rowan/hellaswag", None, "validation"),
    "triviaqa": Wanted("triviaqa", "mandarjoshi/trivia_qa", "rc.nocontext", "validation"),
    "nq_open": Wanted("nq_open", "google-research-datasets/nq_open", None, "validation"),
    "sciq": Wanted("sciq", "allenai/sciq", None, "test"),
    "social_iqa": Wanted("social_iqa", "lighteval/siqa", None, "validation"),
    "storycloze_2016": Wanted("storycloze_2016", "LSDSem/story_cloze", "2016", "test"),
    "lambada_openai": Wanted("lambada_openai", "EleutherAI/lambada_openai", "default", "test"),
    "quac": Wanted("quac", "allenai/quac", None, "validation"),
    "humaneval": Wanted("humaneval", "openai/openai_humaneval", None, "test"),
    "mbpp": Wanted("mbpp", "google-research-datasets/mbpp", "full", "test"),
}


@pytest.fixture(scope="session")
def wanted() -> dict[str, Wanted]:
    return WANTED


@pytest.fixture(scope="session")
def bench() -> Path:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "benchdata"
    if not folder.is_dir():
        pytest.skip(
            "no shared benchmark files: benchdata is not beside the checkout and LEAVEN_SHARED does not name it"
        )
    return folder


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows, text or bytes below the test's folder and returns the folder."""

    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") and isinstance(content, str) else data)
        return tmp_path

    return written


def _serving(hub: Any) -> type:
    """The hub, with the answers that a download needs: HEAD, and content without a range."""

    class Handler(server.handler(hub, "hub")):  # type: ignore[misc]
        def do_HEAD(self) -> None:  # noqa: N802
            self.do_GET()

        def resolve(self, dataset: str, path: str) -> None:
            data = hub.files.get(path)
            if data is None:
                return self.answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            if self.command == "GET":
                hub.served.append((path, {}))
            tag = hashlib.sha256(data).hexdigest() if path.endswith(".parquet") else hashlib.sha1(data).hexdigest()
            headers = {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT, "Content-Length": str(len(data))}
            self.answer(200, b"" if self.command == "HEAD" else data, headers)

    return Handler


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The hub that leaven is told to ask; every data set's name has the files put into `hub.files`."""
    import huggingface_hub

    made = Hub()
    running = ThreadingHTTPServer(("127.0.0.1", 0), _serving(made))
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.address = f"http://127.0.0.1:{running.server_address[1]}"
    monkeypatch.setenv("HF_ENDPOINT", made.address)
    try:
        yield made
        huggingface_hub.close_session()
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
