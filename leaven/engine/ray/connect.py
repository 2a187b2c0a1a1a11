"""Reaching a Ray cluster, and what to say where that fails."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from leaven.engine import devices
from leaven.engine.devices import Device
from leaven.engine.ray.local_cluster import LocalCluster, lock
from leaven.ground.errors import BadInput

CLIENT_PORT = 10001
"""Where the head of a cluster listens for Ray's client."""
PATIENCE = 5.0
"""Seconds for a machine to take a connection."""
TRIES = 3
PASSING = "Starting Ray client server failed"
"""What the head says when a process of its own for a new client did not stand within 30 seconds; the next one may."""
FIELD = "--on"
RESOURCES = {"gpu": "GPU", "tpu": "TPU"}
"""What Ray calls the accelerators that JAX computes on."""
KIND = "accelerator_type:"
"""What Ray puts before the name of a kind of accelerator; a machine has a little of it, however many devices."""


def ray() -> Any:
    """The library. Raises BadInput where it is not installed."""
    try:
        return import_module("ray")
    except ImportError:
        raise BadInput("Ray is not installed", field=FIELD, fix='pip install "leaven[cluster]"') from None


@contextlib.contextmanager
def nowhere() -> Iterator[None]:
    """In an empty folder: Ray puts the one that it is called from in front of every worker's path, where a types.py or
    random.py of the user's would be imported instead of Python's own."""
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
        yield


class Connection:
    """To the cluster that `--on` names. `address`: for people; `close` leaves it, and ends it if it is our own."""

    def __init__(self, on: str, device: str = "auto", environment: Mapping[str, str] = os.environ) -> None:
        self.cluster: LocalCluster | None = None
        head, _, rest = on.partition(":")
        if head == "local-cluster":
            lock()
        self.ray = ray()
        if head == "local-cluster":
            self.cluster = LocalCluster(int(rest), _accelerators(device))
            target, self.address = self.cluster.address, f"this computer, {rest} nodes"
        elif on == "ray":
            target = environment.get("RAY_ADDRESS") or "auto"
            self.address = target
        else:
            target = self.address = on
        try:
            target = probed(target)
            self._join(target)
        except BaseException:
            self._end_cluster()
            raise

    def _join(self, target: str) -> None:
        options: dict[str, Any] = {"address": target, "log_to_driver": False, "logging_level": logging.ERROR}
        if not target.startswith("ray://"):
            options["configure_logging"] = False
        for left in reversed(range(TRIES)):
            try:
                with nowhere():
                    self.ray.init(**options)
                return
            except (ConnectionError, RuntimeError, ValueError, OSError, self.ray.exceptions.RayError) as error:
                if not left or PASSING not in str(error):
                    raise refused(error, self.address, self.ray.__version__) from None

    def close(self) -> None:
        try:
            self.ray.shutdown()
        finally:
            self._end_cluster()

    def _end_cluster(self) -> None:
        if self.cluster:
            self.cluster.close()
            self.cluster = None


def probed(target: str) -> str:
    """The address with its port, after somebody took a connection there. Raises BadInput."""
    if target in ("auto", "local"):
        return target
    client = target.startswith("ray://")
    try:
        parts = urlsplit(target if client else f"//{target}")
        host, port = parts.hostname, parts.port or (CLIENT_PORT if client else None)
    except ValueError:
        host, port = None, None
    if not host or not port:
        form = "ray://HOST[:PORT]" if client else "HOST:PORT (RAY_ADDRESS)"
        raise BadInput(f'"{target}" is no address of a Ray cluster', field=FIELD, fix=f"It is written {form}.")
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except OSError as error:
        why = "it does not answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        hint = f"ray start --head --ray-client-server-port {port}" if client else f"ray start --head --port {port}"
        raise BadInput(
            f"there is no Ray cluster at {host}:{port}: {why}",
            field=FIELD,
            fix=f"Start one ({hint}) or correct the address.",
        ) from None
    written = f"[{host}]" if ":" in host else host
    return f"ray://{written}:{port}" if client else f"{written}:{port}"


def refused(error: Exception, address: str, version: str) -> BadInput:
    """What Ray says, for people."""
    said = " ".join(str(error).rpartition("Error: ")[2].split())  # the last line of a traceback from the other side
    if "could not find any running ray" in said.lower():
        return BadInput(
            "no Ray cluster is running on this computer",
            field=FIELD,
            fix="Start one (ray start --head), set RAY_ADDRESS, or give --on ray://HOST or local-cluster:N.",
        )
    if "version" in said.lower() and ("mismatch" in said.lower() or "differ" in said.lower()):
        return BadInput(
            f"the cluster at {address} has another version of Ray or Python: {said[:300]}",
            field=FIELD,
            fix=f"Ray {version} is installed here; install the same version of both on either side.",
        )
    return BadInput(f"the Ray cluster at {address} cannot be joined: {said[:300]}", field=FIELD)


def _accelerators(device: str) -> dict[str, int]:
    """What Ray is told that this computer has."""
    found = devices.find(device)
    return {RESOURCES[found.platform]: found.count} if found.platform in RESOURCES else {}


def wanted(asked: str, resources: Mapping[str, float], machines: Sequence[Mapping[str, float]] = ()) -> tuple[str, str]:
    """The platform that models are computed on in a cluster with these resources, and Ray's kind of accelerator where
    it is known: that of the most devices, so that every stage is computed on one kind. `machines`: resources of each.

    Raises BadInput for an unknown word, or a device that the cluster does not have.
    """
    if asked not in devices.CHOICES:
        raise BadInput(f'"{asked}" is not one of {", ".join(devices.CHOICES)}', field="--device")
    found = [platform for platform, name in RESOURCES.items() if resources.get(name, 0) >= 1]
    if asked == "cpu" or (asked == "auto" and not found):
        return "cpu", ""
    if asked != "auto" and asked not in found:
        raise BadInput(
            f"the cluster has no {RESOURCES[asked]}", field="--device", fix="--device cpu computes on the cores."
        )
    platform = found[0] if asked == "auto" else asked
    devices_of: dict[str, float] = {}
    for each in machines:
        count = each.get(RESOURCES[platform], 0)
        for kind in each:
            if count and kind.startswith(KIND):
                devices_of[kind] = devices_of.get(kind, 0) + count
    return platform, max(sorted(devices_of), key=lambda kind: devices_of[kind], default="").removeprefix(KIND)


def described(said: Mapping[str, Any], asked: str) -> Device:
    """The device that a machine told of (`node.look`). Raises BadInput where it was asked for and cannot be used."""
    if "device" in said:
        return Device(**said["device"])
    if asked != "auto":
        raise BadInput(
            f"JAX cannot use it on {said['host']}: {said['why']}",
            field="--device",
            fix="--device cpu computes on the cores.",
        )
    return Device("cpu", "cpu", note=f"{said['host']} has an accelerator that JAX cannot use: {said['why']}")
