"""What this computer can do for leaven, and how to make it do more."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from leaven.engine import devices, hardware
from leaven.engine.store import LEAST_FREE
from leaven.ground.errors import LeavenError
from leaven.sandbox.level import probe


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: what was looked at, what was found, whether it is well, and what would help."""

    what: str
    found: str
    well: bool
    advice: str = ""


def examine(runs: Path) -> list[Finding]:
    """Look at Python, devices, memory, isolation, disk and optional packages. With an accelerator it takes seconds."""
    version = sys.version_info
    findings = [
        Finding(
            "python",
            platform.python_version(),
            (3, 11) <= version[:2] <= (3, 13),
            "leaven supports Python 3.11 to 3.13",
        ),
        Finding("processor", f"{hardware.processor()}, {len(hardware.cores())} cores for leaven", True),
        _memory(),
        _device(),
        _isolation(),
        _disk(runs),
    ]
    for package, use in (("torch", "checks against peers"), ("transformers", "checks against peers")):
        present = find_spec(package) is not None
        findings.append(Finding(package, "installed" if present else f"not installed (optional: {use})", True))
    git = shutil.which("git") is not None
    findings.append(Finding("git", "installed" if git else "not installed: commits cannot be read as a source", True))
    return findings


def _memory() -> Finding:
    free = hardware.memory()
    return Finding(
        "memory",
        f"{free / 1e9:.1f} GB free",
        free > 2e9,
        "the pocket study needs up to 4 GB; --jobs 1 needs 2 GB",
    )


def _device() -> Finding:
    try:
        device = devices.find()
    except LeavenError as error:
        return Finding("device", f"none that jax {version('jax')} can use", False, str(error))
    found = f"{device.words()} (jax {version('jax')})"
    return Finding("device", found, not device.note, f"{device.note}: until then everything runs on the cores")


def _isolation() -> Finding:
    level = probe()
    advice = "apt-get install bubblewrap, or allow user namespaces; without either, code tasks are left out"
    return Finding(
        "isolation",
        f"{level.label}{f' ({level.reason})' if level.reason else ''}{f'; {level.detail}' if level.detail else ''}",
        level.name != "none",
        advice,
    )


def _disk(runs: Path) -> Finding:
    folder = runs.resolve()
    while not os.path.exists(folder):
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK) or not folder.is_dir():
        return Finding("disk", f"{folder} cannot be written", False, "give another folder: --runs DIR")
    return Finding(
        "disk",
        f"{free / 1e9:.1f} GB free where results go",
        free > LEAST_FREE,
        "give a folder on another disk: --runs DIR",
    )
