"""What this computer is and how much of it we may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

GROUP = Path("/sys/fs/cgroup")
"""Limits of the control group this process is in (version 2)."""


def processor() -> str:
    """The processor's name as the system gives it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown processor"


def cores() -> list[int]:
    """The cores this process may use: taskset's limit and a container's share of the processor are respected."""
    allowed = sorted(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):
        quota, period = (GROUP / "cpu.max").read_text().split()
        return allowed[: max(1, int(quota) // int(period))]  # "max" is no number: no limit
    return allowed


def memory() -> int:
    """Bytes of memory that can be had now, the control group's limit included."""
    available = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):
        limit = int((GROUP / "memory.max").read_text().strip())
        used = int((GROUP / "memory.current").read_text().strip())
        available = min(available, limit - used)
    return available
