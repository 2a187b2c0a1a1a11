"""What this computer is and how much of it we may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil


def processor() -> str:
    """The processor's name as the system gives it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown processor"


def cores() -> list[int]:
    """The cores this process may use: a container's or taskset's limit is respected."""
    return sorted(os.sched_getaffinity(0))


def memory() -> int:
    """Bytes of memory that can be had now, the control group's limit included."""
    available = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text().strip())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text().strip())
        available = min(available, limit - used)
    return available
