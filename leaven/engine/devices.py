"""What models are trained, evaluated and judged on: the processor, or an accelerator that JAX can use.

Looking must not take a device away from the steps that need it, so no JAX backend is ever made in this process: device
nodes and installed packages say what there might be, and one short-lived process asks JAX.
Invariant: where nothing is found, everything is as on a machine that never had an accelerator.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from leaven.ground.errors import BadInput, LeavenError
from leaven.study.step import Step

CHOICES = ("auto", "cpu", "gpu", "tpu")
PATIENCE = 120.0
"""Seconds until a device that does not answer is given up: the first look at a GPU takes about ten."""


@dataclass(frozen=True)
class Hint:
    """Signs of an accelerator: device nodes, the packages through which JAX uses it, what to call and how to get it."""

    name: str
    nodes: tuple[str, ...]
    packages: tuple[str, ...]
    setting: str
    install: str


HINTS = {
    "gpu": Hint("an NVIDIA GPU", ("nvidia[0-9]*",), ("jax-cuda13-plugin", "jax-cuda12-plugin"), "cuda", "jax[cuda13]"),
    "tpu": Hint("a TPU", ("accel[0-9]*", "vfio/[0-9]*"), ("libtpu",), "tpu", "jax[tpu]"),
}


@dataclass(frozen=True)
class Device:
    """What a run computes on. `kind`: as the device calls itself; `memory`: bytes that one lets a program have;
    `setting`: JAX's name of the platform; `note`: what else is here, and why it is not used."""

    platform: str
    kind: str
    count: int = 1
    memory: int | None = None
    setting: str = "cpu"
    note: str = ""

    @property
    def accelerates(self) -> bool:
        return self.platform != "cpu"

    def words(self) -> str:
        """For people."""
        note = f"; {self.note}" if self.note else ""
        if not self.accelerates:
            return f"cpu, one core a step{note}"
        many = f"{self.count} × " if self.count > 1 else ""
        memory = f", {self.memory / 2**30:.0f} GiB{' each' if many else ''}" if self.memory else ""
        return f"{self.platform}: {many}{self.kind}{memory}; one step at a time on it{note}"

    def data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


PROCESSOR = Device("cpu", "cpu")


def uses_model(step: Step) -> bool:
    """Whether a step computes with a model: those go where the device is, all others stay on cores."""
    if step.kind == "judge":
        return bool(step.fields["judge"] in ("reference-likelihood", "local"))
    return step.kind in ("stage", "evaluate", "complete")


def find(asked: str = "auto", nodes: Path = Path("/dev"), environment: Mapping[str, str] = os.environ) -> Device:
    """The device that a run computes on.

    Args:
        asked: one of `CHOICES`. With `auto`, JAX_PLATFORMS of the environment decides, and without it what is found.

    Raises:
        BadInput: an unknown word, or a device asked for that is not here or that JAX cannot use.
    """
    if asked not in CHOICES:
        raise BadInput(f'"{asked}" is not one of {", ".join(CHOICES)}', field="--device")
    given = environment.get("JAX_PLATFORMS", "")
    if asked == "cpu" or (asked == "auto" and given.split(",")[0] == "cpu"):
        return PROCESSOR
    if asked == "auto" and given:
        return _given(given)
    notes = []
    for platform in HINTS if asked == "auto" else (asked,):
        hint = HINTS[platform]
        found, why = _look(hint, nodes)
        if found:
            return found
        if why and (asked != "auto" or _present(hint, nodes)):
            notes.append(why)
    if asked != "auto":
        raise BadInput(notes[0], field="--device", fix="leaven doctor tells more; --device cpu computes on the cores.")
    return Device("cpu", "cpu", note="; ".join(notes))


def _given(setting: str) -> Device:
    try:
        return ask(setting)
    except LeavenError as error:
        raise BadInput(
            f'JAX finds no device "{setting}": {error}', field="JAX_PLATFORMS", fix="Unset it, or give --device."
        ) from None


def _look(hint: Hint, nodes: Path) -> tuple[Device | None, str]:
    """The device, or why there is none."""
    if not _present(hint, nodes):
        return None, f"there is no sign of {hint.name}"
    if not any(_installed(package) for package in hint.packages):
        return None, f"{hint.name} is here that JAX cannot use yet (pip install '{hint.install}')"
    try:
        return ask(f"{hint.setting},cpu"), ""
    except LeavenError as error:
        return None, f"{hint.name} is here that JAX cannot use: {error}"


def _present(hint: Hint, nodes: Path) -> bool:
    return any(True for pattern in hint.nodes for _ in nodes.glob(pattern))


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


QUESTION = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import jax
devices = jax.devices()
memory = (devices[0].memory_stats() or {}).get("bytes_limit")
print(json.dumps([devices[0].platform, devices[0].device_kind, len(devices), memory]))
"""


@lru_cache
def ask(setting: str) -> Device:
    """What JAX finds under a value of JAX_PLATFORMS, asked once. Raises LeavenError with its reason if nothing."""
    command = [sys.executable, "-P", "-c", QUESTION, json.dumps(sys.path)]
    # The question must not take the memory that another process is using.
    environment = {**os.environ, "JAX_PLATFORMS": setting, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    try:
        said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise LeavenError(f"it did not answer within {PATIENCE:.0f} seconds") from None
    return answer(said.stdout, said.stderr, setting)


def answer(said: str, complained: str, setting: str) -> Device:
    """The device that the question's output names. Raises LeavenError where it names none, or only the processor."""
    try:
        platform, kind, count, memory = json.loads(said.splitlines()[-1])
    except (IndexError, ValueError, TypeError):
        lines = [line for line in complained.splitlines() if line.strip()]
        raise LeavenError(lines[-1] if lines else "it said nothing") from None
    if platform == "cpu":
        if setting.split(",")[0] == "cpu":
            return PROCESSOR
        raise LeavenError("it sees only the processor")
    return Device(platform, kind, count, memory, setting)
