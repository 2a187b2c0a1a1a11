"""The process that steps are forked from: it has imported the heavy libraries once, so a step starts in milliseconds.

It speaks JSON lines over a socket with the scheduler: orders come in, what the steps say and how they ended goes out.
It has one thread and no JAX backend, so forking it is safe. When the scheduler ends, however it ends, the socket
closes, every step is killed and the nursery ends: a killed run leaves no process behind. Steps publish atomically
and keep checkpoints, so killing one loses seconds.

Multiprocessing's fork server is not used because it imports the user's main script again in every process.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from typing import Any

PRELOAD = (
    "jax.numpy",
    "numpy",
    "pyarrow.parquet",
    "leaven.engine.worker",
    "leaven.engine.kinds",
    "leaven.train.stage",
    "leaven.evaluate.harness",
)
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "JAX_PLATFORMS": "cpu",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PYTHONHASHSEED": "0",
}
"""A step has one core; libraries that start a thread for each core of the machine are told so. Nothing downloads."""


class Nursery:
    """The scheduler's end: start steps, hear from them, stop everything."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        environment = {
            **os.environ,
            **{name: os.environ.get(name, value) for name, value in ONE_THREAD.items()},
        }
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "leaven.engine.nursery", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the scheduler only, which then closes the socket
            )
        self._buffer = b""

    def start(self, order: dict[str, Any]) -> None:
        self.socket.sendall(json.dumps(order).encode() + b"\n")

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        """What steps have said since the last call; waits `timeout` seconds. Raises EOFError when it is gone."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(1 << 16)
        except TimeoutError:
            return []
        if not data:
            raise EOFError("the process that steps are started from has ended")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines if line]

    def close(self) -> None:
        """End the nursery and every step still running."""
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (prctl PR_SET_PDEATHSIG = 1)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)


class _Forks:
    """The nursery's side: children by the pipe they speak through."""

    def __init__(self, upstream: socket.socket) -> None:
        self.upstream = upstream
        self.selector = selectors.DefaultSelector()
        self.selector.register(upstream, selectors.EVENT_READ)
        self.children: dict[int, tuple[int, str, bytes]] = {}
        self.buffer = b""

    def serve(self) -> None:
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.upstream:
                    if not self.orders():
                        return
                else:
                    self.hear(key.fd)

    def orders(self) -> bool:
        """Take orders; False when the scheduler is gone."""
        try:
            data = self.upstream.recv(1 << 16)
        except ConnectionError:
            return False
        if not data:
            return False
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            self.fork(json.loads(line))
        return True

    def fork(self, order: dict[str, Any]) -> None:
        ours, theirs = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                die_with_parent()
                self.selector.close()
                self.upstream.close()
                os.close(ours)
                for other in self.children:
                    os.close(other)
                from leaven.engine.worker import work

                code = work(order, theirs)
            finally:
                os._exit(code)
        os.close(theirs)
        self.children[ours] = (pid, order["identity"], b"")
        self.selector.register(ours, selectors.EVENT_READ)

    def hear(self, pipe: int) -> None:
        pid, step_id, kept = self.children[pipe]
        data = os.read(pipe, 1 << 16)
        if data:
            *lines, rest = (kept + data).split(b"\n")
            self.children[pipe] = (pid, step_id, rest)
            self.say(b"".join(line + b"\n" for line in lines))
            return
        self.selector.unregister(pipe)
        os.close(pipe)
        del self.children[pipe]
        _, status = os.waitpid(pid, 0)
        self.say(
            json.dumps({"identity": step_id, "event": "exit", "code": os.waitstatus_to_exitcode(status)}).encode()
            + b"\n"
        )

    def say(self, data: bytes) -> None:
        if data:
            self.upstream.sendall(data)

    def kill(self) -> None:
        for pid, _, _ in self.children.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def main() -> None:
    die_with_parent()
    for name in PRELOAD:
        __import__(name)
    with socket.socket(fileno=int(sys.argv[1])) as upstream:
        forks = _Forks(upstream)
        try:
            forks.serve()
        except BrokenPipeError:
            pass
        finally:
            forks.kill()


if __name__ == "__main__":
    main()
