"""The process that steps are forked from: it has imported the heavy libraries once, so a step starts in milliseconds.

It speaks JSON lines over a socket with the scheduler: orders come in, what the steps say and how they ended goes out.
It has one thread and no JAX backend, so forking it is safe. When the scheduler ends, however it ends, the socket
closes, every step is killed and the nursery ends: a killed run leaves no process behind. Steps publish atomically
and keep checkpoints, so killing one loses seconds.

Multiprocessing's fork server is not used because it imports the user's main script again in every process.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from leaven.corpus.hub.snapshot import UNASKED
from leaven.ground.errors import LeavenError

PRELOAD = (
    "jax.numpy",
    "numpy",
    "pyarrow.parquet",
    "leaven.engine.worker",
    "leaven.engine.kinds",
    "leaven.engine.stages",
    "leaven.corpus.select",
    "leaven.corpus.shards",
    "leaven.evaluate.harness",
)
GRACE = 9.0
"""Seconds that a step has to keep the answers it pays for when all ends; it waits 8 for them itself."""
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
    # Large arrays in large pages: a call of the compiled step maps its temporaries anew, and faults page by page
    # otherwise (docs/notebook.md). No bit of a result changes.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""A step has one core; libraries that start a thread for each core of the machine are told so. A step that computes on
another device is told in its order. Nothing downloads."""
SAME_RESULTS = {"PYTHONHASHSEED": "0", "JAX_ENABLE_X64": "0"}
"""Not the user's to change: these alter numbers without altering any identity."""


def asked() -> dict[str, str]:
    """Whether the user, not leaven, decided about the network: a source of the hub is what was asked for by name."""
    return {} if "HF_HUB_OFFLINE" in os.environ else {UNASKED: "1"}


class Nursery:
    """The scheduler's end: start steps, hear from them, stop everything.

    `packages`: imported once, beside PRELOAD, for every step to have (`Store.packages`).
    """

    def __init__(self, packages: Sequence[str] = ()) -> None:
        self.socket, theirs = socket.socketpair()
        # The path of this process, word for word: with `-m`, a random.py or types.py in the folder that leaven is
        # called from would be imported instead of Python's own.
        code = "import json, sys; sys.path[:] = json.loads(sys.argv[2]); import leaven.engine.nursery as n; n.main()"
        imported = json.dumps([*PRELOAD, *packages])
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", code, str(theirs.fileno()), json.dumps(sys.path), imported],
                pass_fds=[theirs.fileno()],
                env={**ONE_THREAD, **os.environ, **SAME_RESULTS, **asked()},
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the scheduler only, which then closes the socket
            )
        self._buffer = b""
        self.pays = False

    def start(self, order: dict[str, Any]) -> None:
        """Send an order, however long; waits until the nursery takes it. Raises EOFError when it is gone."""
        self.socket.settimeout(None)
        self.pays = self.pays or any(is_paid(member) for member in order["members"])
        try:
            self.socket.sendall(json.dumps(order).encode() + b"\n")
        except ConnectionError:
            raise self._gone() from None

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        """What steps have said since the last call; waits `timeout` seconds. Raises EOFError when it is gone."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(1 << 16)
        except TimeoutError:
            return []
        except ConnectionError:
            data = b""
        if not data:
            raise self._gone()
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        messages = [json.loads(line) for line in lines if line]
        for message in messages:
            if message["event"] == "unable":
                raise LeavenError(f"steps cannot be started: {message['note']}")
        return messages

    def _gone(self) -> EOFError:
        return EOFError("the process that steps are started from has ended")

    def close(self) -> None:
        """End the nursery and every step still running. One that pays for its answers may keep what is under way."""
        self.socket.close()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
                return
            if self.pays:
                words = "waiting for answers of the judge that are under way; Ctrl-C leaves them"
                print(words, file=sys.stderr, flush=True)
            self.process.wait(GRACE + 2)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
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
        self.children: dict[int, tuple[int, list[str], bytes]] = {}
        self.paid: set[int] = set()
        """Processes of steps that pay for what they are answered."""
        self.buffer = b""
        self.unsent = b""

    def serve(self) -> None:
        while True:
            for key, events in self.selector.select():
                if key.fileobj is not self.upstream:
                    self.hear(key.fd)
                    continue
                if events & selectors.EVENT_WRITE:
                    self.say(b"")
                if events & selectors.EVENT_READ and not self.orders():
                    return

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
        members = [member["identity"] for member in order["members"]]
        ours, theirs = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(ours)
            os.close(theirs)
            note = f"no process could be started for it: {error.strerror}\n  Run fewer steps at once: --jobs 1."
            for step_id in members:
                self.tell(identity=step_id, event="failed", note=note, code=1)
                self.tell(identity=step_id, event="exit", code=1)
            return
        if pid == 0:
            code = 1
            try:
                die_with_parent()
                signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where a shell started us with &
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
        if any(is_paid(member) for member in order["members"]):
            self.paid.add(pid)
        self.children[ours] = (pid, members, b"")
        self.selector.register(ours, selectors.EVENT_READ)

    def hear(self, pipe: int) -> None:
        pid, members, kept = self.children[pipe]
        data = os.read(pipe, 1 << 16)
        if data:
            *lines, rest = (kept + data).split(b"\n")
            self.children[pipe] = (pid, members, rest)
            self.say(b"".join(line + b"\n" for line in lines))
            return
        self.selector.unregister(pipe)
        os.close(pipe)
        del self.children[pipe]
        _, status = os.waitpid(pid, 0)
        self.paid.discard(pid)
        for step_id in members:
            self.tell(identity=step_id, event="exit", code=os.waitstatus_to_exitcode(status))

    def tell(self, **message: Any) -> None:
        self.say(json.dumps(message).encode() + b"\n")

    def say(self, data: bytes) -> None:
        """Send what the scheduler has room for and keep the rest: who waited to be heard here could not listen, and
        if the scheduler waits to be heard too, both wait for ever.
        """
        self.unsent += data
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                self.unsent = self.unsent[self.upstream.send(self.unsent, socket.MSG_DONTWAIT) :]
        waiting = selectors.EVENT_WRITE if self.unsent else 0
        self.selector.modify(self.upstream, selectors.EVENT_READ | waiting)

    def kill(self) -> None:
        """End every step; those that pay for answers are interrupted first and have GRACE seconds to keep them."""
        running = {pid for pid, _, _ in self.children.values()}
        for pid in running:
            os.kill(pid, signal.SIGINT if pid in self.paid else signal.SIGKILL)
        until = time.monotonic() + GRACE
        while self.paid & running and time.monotonic() < until:
            ended = {pid for pid in self.paid & running if os.waitpid(pid, os.WNOHANG)[0]}
            running -= ended
            time.sleep(0.02)
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def is_paid(member: dict[str, Any]) -> bool:
    """Whether a step asks an endpoint that may charge for each answer."""
    return bool(member["kind"] == "judge" and member["fields"].get("judge") == "endpoint")


def prepare() -> None:
    """What every step would do for itself. Objects that are here now are no garbage: a step that looks through them
    all would copy the pages they lie in, 0.1 s each time (docs/notebook.md)."""
    from leaven.engine.worker import packages

    packages()
    gc.collect()
    gc.freeze()


def main() -> None:
    die_with_parent()
    with socket.socket(fileno=int(sys.argv[1])) as upstream:
        forks = _Forks(upstream)
        try:
            for name in json.loads(sys.argv[3]):
                importlib.import_module(name)
            prepare()
            forks.serve()
        except ConnectionError:
            pass  # the scheduler is gone
        except (ImportError, MemoryError) as error:
            with contextlib.suppress(ConnectionError):
                forks.tell(event="unable", note=f"{type(error).__name__}: {error}\n  leaven doctor may say more.")
        finally:
            forks.kill()


if __name__ == "__main__":
    main()
