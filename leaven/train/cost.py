"""What training took, apart from what it made: seconds, seconds of compilation, seconds without input, memory."""

from __future__ import annotations

import re
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

COMPILATION = "/jax/core/compile/backend_compile_duration"
"""The event by which jax tells how long a compilation, or its reading from the cache, took."""

_compiled: list[float] = []


def _hear(event: str, duration_secs: float, **_: Any) -> None:
    if event == COMPILATION:
        _compiled.append(duration_secs)


jax.monitoring.register_event_duration_secs_listener(_hear)


@dataclass(frozen=True)
class Cost:
    """Of one process, since it last began or resumed: seconds are of the wall, `tokens` those of this process' steps.

    `input_wait` is how long the device had nothing to do because its next batch was not ready. `device_bytes` is the
    largest amount of device memory in use, where the device tells.
    """

    seconds: float
    compile_seconds: float
    input_wait: float
    tokens: int
    device: str
    devices: int
    device_bytes: int | None

    @property
    def tokens_per_second(self) -> float:
        """Without compilation."""
        return self.tokens / max(self.seconds - self.compile_seconds, 1e-9)


class Clock:
    """Started with the work; `cost` says what it took until now."""

    def __init__(self) -> None:
        self.began, self.compiled_before = time.monotonic(), len(_compiled)
        self.input_wait, self.tokens = 0.0, 0

    def working(self) -> float:
        """Seconds since the clock was made that no compilation took."""
        return time.monotonic() - self.began - sum(_compiled[self.compiled_before :])

    def cost(self) -> Cost:
        """What was spent since the clock was made."""
        devices = jax.devices()
        return Cost(
            seconds=time.monotonic() - self.began,
            compile_seconds=sum(_compiled[self.compiled_before :]),
            input_wait=self.input_wait,
            tokens=self.tokens,
            device=devices[0].device_kind,
            devices=len(devices),
            device_bytes=device_bytes(),
        )


def device_bytes() -> int | None:
    """The largest amount of memory in use on any device of this process so far; None where devices do not tell."""
    told = [device.memory_stats() or {} for device in jax.local_devices()]
    peaks = [stats["peak_bytes_in_use"] for stats in told if "peak_bytes_in_use" in stats]
    return max(peaks) if peaks else None


def process_bytes() -> int:
    """The largest amount of memory that this process had so far, everything counted."""
    try:
        # What `getrusage` tells is, on Linux, also the largest of whatever the process was before it became this one.
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
