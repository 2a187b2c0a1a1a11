"""In a worker process of Ray: a step is handed to a nursery, so that it is forked in milliseconds with the environment
that it has on any computer, and what it says goes to the board.

A worker process keeps its nursery for the tasks that follow. When Ray kills the worker, the nursery's socket closes and
every step with it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from leaven.engine.devices import ask
from leaven.engine.nursery import Nursery
from leaven.engine.sameness import fingerprint, machine, scratch, unfit
from leaven.engine.stores import packages_of
from leaven.ground.errors import LeavenError

TELL_EVERY = 0.3
"""Seconds between two messages to the board: a step that ends before says all at its end."""
VISIBLE = ("CUDA_VISIBLE_DEVICES", "TPU_VISIBLE_CHIPS", "TPU_CHIPS_PER_HOST_BOUNDS", "TPU_HOST_BOUNDS")
"""What Ray sets for the accelerators that it gives to a task."""
THREADS = "OMP_NUM_THREADS"
"""Set by Ray to the cores of a task; a step decides that for itself."""
LOST = (-9, -15)
"""How a process ends that was killed from outside, as everything is on a machine that goes away."""

MEETING = 300.0
"""Seconds that a process of a gang waits for the first one's address."""

_nurseries: dict[tuple[str | None, ...], Nursery] = {}
"""By the accelerators that a nursery sees: they are read when JAX starts, from the environment it was born with."""


def bodies() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """What Ray carries to the machines: a step's task, and the question for the device. Functions within a function
    travel with their code, so that a machine without this leaven can say so."""

    def step(order: dict[str, Any], ticket: str, board: Any, ours: dict[str, str]) -> dict[str, Any]:
        import socket

        import ray

        node = ray.get_runtime_context().get_node_id()
        try:
            from leaven.engine.ray.node import attend
        except ImportError as error:
            return {"node": node, "host": socket.gethostname(), "unfit": f"leaven cannot be imported there: {error}"}
        return {"node": node, **attend(order, ticket, board, ours)}

    def device(setting: str) -> dict[str, Any]:
        from leaven.engine.ray.node import look

        return look(setting)

    return step, device


def attend(order: dict[str, Any], ticket: str, board: Any, ours: Mapping[str, str]) -> dict[str, Any]:
    """Have an order executed; returns when its process has ended.

    Returns:
        `messages`: what it said that was not told to the board, its end included; or `lost`: why its process is gone
        that should be started again; or `unfit`: why nothing is computed here. `told`: messages sent to the board.
    """
    host = socket.gethostname()
    why = unfit({"fingerprint": fingerprint()}, ours)
    if why:
        return {"host": host, "unfit": why}
    members = {member["identity"] for member in order["members"]}
    process = (order["gang"] or {"process": 0})["process"]
    teller = _Teller(
        ticket, process, board, [{"identity": step_id, "event": "where", "where": host} for step_id in members]
    )
    try:
        nursery = _nursery(order["store"])
        whole = {"store": placed(order["store"]), "gang": _met(order["gang"], ticket, board), "fan": _fan(order["fan"])}
        nursery.start({**order, **whole})
        while members:
            for message in nursery.messages(TELL_EVERY):
                if message["identity"] not in members:  # of an attempt before, whose end nobody waited for
                    continue
                if message["event"] == "exit" and message["code"] in LOST:
                    return {"host": host, "lost": f"its process on {host} was killed"}
                teller.hear(message)
                if message["event"] == "exit":
                    members.remove(message["identity"])
            teller.tell()
    except EOFError:
        _forget()
        return {"host": host, "lost": f"the process that steps are started from was killed on {host}"}
    except LeavenError as error:
        _forget()
        for step_id in sorted(members):
            teller.hear({"identity": step_id, "event": "failed", "note": f"{error} ({host})", "code": 1})
            teller.hear({"identity": step_id, "event": "exit", "code": 1})
    return {"host": host, "messages": teller.left, "told": teller.settled()}


class _Teller:
    """What a step says, gathered; of its progress the newest counts."""

    def __init__(self, ticket: str, process: int, board: Any, left: list[dict[str, Any]]) -> None:
        self.ticket, self.process, self.board, self.left = ticket, process, board, left
        self.told, self.last = 0, time.monotonic()
        self.sent: Any = None

    def hear(self, message: dict[str, Any]) -> None:
        if message["event"] == "progress":
            self.left = [
                old for old in self.left if old["event"] != "progress" or old["identity"] != message["identity"]
            ]
        self.left.append(message)

    def tell(self) -> None:
        """To the board, where there is anything and the last time is a while ago. Ends are not for the board."""
        now = time.monotonic()
        if now - self.last < TELL_EVERY:
            return
        kept = [message for message in self.left if message["event"] in ("failed", "exit")]
        said = [message for message in self.left if message["event"] not in ("failed", "exit")]
        if said:
            self.sent, self.last = self.board.tell.remote(self.ticket, self.process, said), now
            self.left, self.told = kept, self.told + len(said)

    def settled(self) -> int:
        """How many messages the board was sent, once it has them: the driver asks for what it has not heard."""
        if self.sent is None:
            return 0
        import ray

        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(self.sent, timeout=2)
        return self.told


def _nursery(where: Mapping[str, Any]) -> Nursery:
    seen = tuple(os.environ.get(name) for name in VISIBLE)
    if seen not in _nurseries:
        with _as_elsewhere():
            _nurseries[seen] = Nursery(packages_of(where))
    return _nurseries[seen]


def _forget() -> None:
    """Nurseries that are gone, or that cannot start steps."""
    for nursery in _nurseries.values():
        nursery.close()
    _nurseries.clear()


@contextlib.contextmanager
def _as_elsewhere() -> Iterator[None]:
    """Without what Ray adds to the environment for threads."""
    threads = os.environ.pop(THREADS, None)
    try:
        yield
    finally:
        if threads is not None:
            os.environ[THREADS] = threads


def placed(where: Mapping[str, Any]) -> dict[str, Any]:
    """The store as it is found on this machine. A store on an URL has its copy in this machine's own folder; one on a
    shared path leaves compiled programs there, except on the driver's computer (`home`), which has its own."""
    rest = {name: value for name, value in where.items() if name != "home"}
    home = where.get("home") == machine()
    if home and "url" not in rest:
        return rest
    own = scratch(rest.get("url") or rest["root"])
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    if "url" in rest:
        return {**rest, "root": str(own / "store"), "cache": str(own / "store" / "cache")}
    return {**rest, "cache": str(own / "cache")}


def _fan(fan: dict[str, Any]) -> dict[str, Any]:
    """Where other machines are asked for their help: the address of the cluster as it is known inside."""
    if not fan:
        return {}
    import ray

    return {**fan, "address": ray.get_runtime_context().gcs_address}


def _met(gang: dict[str, Any] | None, ticket: str, board: Any) -> dict[str, Any] | None:
    """A gang with the address at which it meets: the first process chooses it, the others read it from the board.

    Raises LeavenError where it is not said.
    """
    if not gang:
        return None
    import ray

    if gang["process"] == 0:
        address = free_address()
        ray.get(board.leave.remote(ticket, address))
        return {**gang, "coordinator": address}
    until = time.monotonic() + MEETING
    while time.monotonic() < until:
        address = ray.get(board.read.remote(ticket))
        if address:
            return {**gang, "coordinator": address}
        time.sleep(TELL_EVERY)
    raise LeavenError(f"the first process of {gang['processes']} did not say within {MEETING:.0f} s where it is")


def look(setting: str) -> dict[str, Any]:
    """What JAX finds on this machine, with the accelerators that Ray gave to the task."""
    try:
        return {"host": socket.gethostname(), "device": ask(setting).data()}
    except LeavenError as error:
        return {"host": socket.gethostname(), "why": str(error)}


def free_address() -> str:
    """HOST:PORT of this machine at which the first process of a gang may listen."""
    import ray

    host = ray.util.get_node_ip_address()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def store_probe(root: Path) -> Path:
    """The file of a store that machines read to show that they see it."""
    return root / ".seen"
