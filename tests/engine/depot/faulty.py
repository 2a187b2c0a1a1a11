"""An S3 server on loopback, and a proxy before it that fails requests: in every verb, in every way a network can."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
INTERNAL = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
FAULTS = ("500", "503", "reset", "lost answer", "cut answer", "cut request")


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that holds nothing yet; it ends with this process, however that ends."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout
            host, port = server.stdout.readline().split()
            yield f"http://{host}:{port}"
        finally:
            server.kill()


class Proxy(ThreadingHTTPServer):
    """Passes requests on; of each verb every `every`-th fails, the ways of `FAULTS` in turn. 0: none fails."""

    daemon_threads = True

    def __init__(self, behind: str, every: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.every = behind.removeprefix("http://"), every
        self.seen: dict[str, int] = {}
        self.failed: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._ways = {verb: itertools.cycle(FAULTS) for verb in ("GET", "HEAD", "PUT", "POST", "DELETE")}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self, verb: str) -> str:
        with self._lock:
            self.seen[verb] = self.seen.get(verb, 0) + 1
            if not self.every or self.seen[verb] % self.every:
                return ""
            way = next(self._ways[verb])
            self.failed.append((verb, way))
            return way

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _answer(self) -> None:
        way = self.server.fault(self.command)
        if way == "cut request":
            self.rfile.read(int(self.headers.get("Content-Length", 0)) // 2)
            self._reset()
            return
        body = self._body()
        if way in ("500", "503"):
            data = SLOW_DOWN if way == "503" else INTERNAL
            self._send(int(way), {"Content-Type": "application/xml"}, data)
            return
        if way == "reset":
            self._reset()
            return
        behind = http.client.HTTPConnection(self.server.behind, timeout=30)
        left_out = {"transfer-encoding", "content-length", "expect", "connection"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        behind.request(self.command, self.path, body, {**headers, "Content-Length": str(len(body))})
        answer = behind.getresponse()
        data = answer.read()
        behind.close()
        if way == "lost answer":
            self._reset()
            return
        told = {name: value for name, value in answer.getheaders() if name.lower() not in left_out}
        if self.command == "HEAD" and answer.getheader("Content-Length"):
            told["Content-Length"] = str(answer.getheader("Content-Length"))
        self._send(answer.status, told, data, cut=way == "cut answer")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.wfile.flush()
            self._reset()

    def _reset(self) -> None:
        """Hang up without a word: the other side reads a reset connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""


@contextlib.contextmanager
def proxy(behind: str, every: int) -> Iterator[Proxy]:
    """A proxy that serves while the block lasts."""
    with Proxy(behind, every) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
