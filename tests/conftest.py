"""A chat server on this machine that answers by script."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import settings

# `make test` asks the same examples every time, so that a commit passes everywhere or nowhere; pytest alone explores.
settings.register_profile("check", derandomize=True)

# Bytes are compared, and programs compiled, for the processor, also where there is something faster. Tests of
# accelerators are run with JAX_PLATFORMS set.
os.environ.setdefault("JAX_PLATFORMS", "cpu")


@dataclass
class Answer:
    """What the server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    """Seconds between single bytes of the body."""
    head_drip: float = 0.0
    """Seconds between single bytes of the status line and the headers."""
    cut: int | None = None
    """Bytes of the body after which the connection ends."""
    raw: bytes | None = None
    """Sent as it is instead of all this, and then the connection ends."""


def says(text: str, finish: str = "stop", *, usage: tuple[int, int] | None = None, **message: Any) -> Answer:
    """A well-formed chat completion; `usage` tokens given and written."""
    choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    counts = {"usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}} if usage else {}
    return Answer(body=json.dumps({"choices": [choice], **counts}).encode())


@dataclass
class Server:
    """Answers from `script` in turn and then by `default`; keeps the requests and their headers."""

    url: str
    script: list[Answer] = field(default_factory=list)
    default: Callable[[dict[str, Any]], Answer] = lambda request: says("Preferred: Answer (A)")
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answer = Answer
    says = staticmethod(says)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # It is on this machine, whatever proxy this machine uses.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                state.requests.append(request)
                state.headers.append(dict(self.headers))
                state.paths.append(self.path)
                answer = state.script.pop(0) if state.script else state.default(request)
            time.sleep(answer.delay)
            try:
                if answer.raw is not None:
                    self.wfile.write(answer.raw)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                if answer.head_drip:
                    head, self._headers_buffer = b"".join(self._headers_buffer), []
                    for byte in head:
                        self.wfile.write(bytes([byte]))
                        time.sleep(answer.head_drip)
                self.end_headers()
                body = answer.body[: answer.cut]
                for byte in [body] if not answer.drip else [bytes([b]) for b in body]:
                    self.wfile.write(byte)
                    self.wfile.flush()
                    time.sleep(answer.drip)
            except OSError:
                # The client gave up on a slow answer, as the test wants it to.
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Server(f"http://127.0.0.1:{http.server_port}/v1")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        http.shutdown()
        thread.join()
