"""A Ray cluster of several nodes on this computer, for one run: `--on local-cluster:N`.

A supervisor of our own starts it and ends with the run, however the run ends: it reads from a pipe that
only the driver holds. What Ray starts is adopted by it when Ray's own parents end, so nothing is left behind; where
the supervisor itself was killed, the driver ends what it left.
Invariant: Ray listens on every interface of the computer, and answers only who has the token of this run.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from leaven.engine import hardware
from leaven.engine.here import MEMORY_SHARE
from leaven.ground.errors import BadInput, LeavenError

PATIENCE = 120.0
"""Seconds for the cluster to stand; it takes about four."""
STORE = 80_000_000
"""Bytes of Ray's object store on each node: orders and ends of steps are small, and results go through files."""
LONGEST = 40
"""Letters of a temporary folder below which Ray's sockets still have names that the system accepts (107 bytes)."""
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: processes whose parent has ended become children of this one."""


def lock() -> None:
    """Have this process, and what it starts, speak to Ray with a token that nobody else has: whoever reaches a cluster
    without one can run code there. It stays for the process: Ray reads it once. Ray is best imported afterwards.

    Raises BadInput where the installed Ray has no tokens (before 2.52).
    """
    os.environ["RAY_AUTH_MODE"] = "token"
    if not os.environ.get("RAY_AUTH_TOKEN"):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    if find_spec("ray") and not find_spec("ray._private.authentication"):
        raise BadInput(
            "this Ray would let everybody in the network run code on a cluster of this computer",
            field="--on local-cluster",
            fix='pip install -U "ray[client]>=2.52"',
        )
    if "ray" in sys.modules:  # it has read the environment already, in which there was none
        import_module("ray._raylet").Config.initialize("")


class LocalCluster:
    """The driver's end, after `lock`. `address`: for ray.init."""

    def __init__(self, nodes: int, accelerators: dict[str, int] | None = None) -> None:
        code = "import json, sys; sys.path[:] = json.loads(sys.argv[2]); " + (
            "import leaven.engine.ray.local_cluster as c; c.main(json.loads(sys.argv[1]))"
        )
        cores = max(1, len(hardware.cores()) // nodes)
        memory = int(hardware.memory() * MEMORY_SHARE) // nodes
        base = tempfile.gettempdir()
        self.folder = Path(tempfile.mkdtemp(prefix="leaven-ray-", dir=base if len(base) <= LONGEST else "/tmp"))
        asked = {"nodes": nodes, "cores": cores, "memory": memory, "accelerators": accelerators or {}}
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, json.dumps({**asked, "folder": str(self.folder)}), json.dumps(sys.path)],
            env={**os.environ, "RAY_TMPDIR": str(self.folder), "RAY_USAGE_STATS_ENABLED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,  # Ctrl-C reaches the driver only, which then closes the pipe
        )
        try:
            self.address = self._address()
        except BaseException:
            self.close()
            raise

    def _address(self) -> str:
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if line:
            return str(json.loads(line)["address"])
        said = (self.folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        why = said[-1] if said else f"it did not stand within {PATIENCE:.0f} seconds"
        raise LeavenError(f"Ray cannot start a cluster on this computer: {why}")

    def close(self) -> None:
        """End it and everything in it."""
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.returncode:
            _end_strays(self.process.pid, self.folder)
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def main(asked: dict[str, Any]) -> None:
    """The supervisor. Says the address on its standard output; ends when its standard input does."""
    ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    said = os.dup(1)
    os.dup2(2, 1)  # Ray speaks there too
    try:
        os.write(said, json.dumps({"address": _start(asked)}).encode() + b"\n")
        while os.read(0, 1):
            pass
    finally:
        _end_all()
        shutil.rmtree(asked["folder"], ignore_errors=True)
        os._exit(0)  # not through Ray's own handlers: what they would end has ended


def _start(asked: dict[str, Any]) -> str:
    cluster = import_module("ray.cluster_utils").Cluster(shutdown_at_exit=False)
    for number in range(asked["nodes"]):
        accelerators = asked["accelerators"] if number == 0 else {}
        cluster.add_node(
            num_cpus=asked["cores"],
            memory=asked["memory"],
            num_gpus=accelerators.get("GPU", 0),
            resources={name: count for name, count in accelerators.items() if name != "GPU"},
            object_store_memory=STORE,
            include_dashboard=False,
        )
    return str(cluster.address)


def _end_strays(session: int, folder: Path) -> None:
    """Kill what a supervisor that was killed has left: its session, of which some of Ray's processes write their names
    over their environment, and what was started for its folder in a session of its own."""
    import psutil

    until = time.monotonic() + 10
    while time.monotonic() < until:
        left = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if _is_of(process.pid, session) or process.environ().get("RAY_TMPDIR") == str(folder):
                    left.append(process)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not left:
            return
        time.sleep(0.05)


def _is_of(process: int, session: int) -> bool:
    try:
        return os.getsid(process) == session
    except OSError:
        return False


def _end_all() -> None:
    """Kill every process below this one, those too that appear meanwhile."""
    import psutil

    until = time.monotonic() + 10
    while time.monotonic() < until:
        below = psutil.Process().children(recursive=True)
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not below:
            return
        time.sleep(0.02)
