"""Run commands one after the other, in turns, and measure them from outside: time and memory of all their processes."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

EVERY = 0.05
"""Seconds between two looks at the processes."""


@dataclass(frozen=True)
class Measured:
    """One command.

    Attributes:
        wall: seconds from start to end, interpreter and imports included.
        memory: most bytes resident at once in the command and all its descendants; pages shared by processes count
            once for each (what each would need alone), so this is an upper bound.
        single: most bytes resident in any one of these processes.
        result: what the command printed as its last line, which is JSON.
    """

    wall: float
    memory: int
    single: int
    result: dict[str, Any]


def measure(command: Sequence[str | Path]) -> Measured:
    """Run a command to its end. Raises RuntimeError with the end of its output if it fails."""
    begin = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = _Watch(process.pid)
    watch.start()
    out, err = process.communicate()
    wall = time.perf_counter() - begin
    watch.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{err.decode()[-3000:]}")
    return Measured(wall, watch.memory, watch.single, json.loads(out.decode().strip().splitlines()[-1]))


def in_turns(sides: Mapping[str, Sequence[str | Path]], rounds: int, told: bool = True) -> dict[str, list[Measured]]:
    """Each side once, in order, `rounds` times (A B C A B C …), so that a noisy minute falls on all of them."""
    found: dict[str, list[Measured]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name, command in sides.items():
            one = measure(command)
            found[name].append(one)
            if told:
                seconds = one.result.get("seconds", one.wall)
                print(f"round {turn + 1} {name}: {seconds:.2f} s, {one.memory / 1e6:.0f} MB", flush=True)
    return found


def summary(runs: Sequence[Measured], size: int) -> dict[str, Any]:
    """Medians of the rounds, all their seconds, and the last result. `size` is in bytes."""
    seconds = [run.result.get("seconds", run.wall) for run in runs]
    middle = statistics.median(seconds)
    return {
        "seconds": round(middle, 3),
        "rounds": [round(value, 3) for value in seconds],
        "mb_per_second": round(size / 1e6 / middle, 3),
        "wall": round(statistics.median(run.wall for run in runs), 3),
        "peak_mb": round(max(run.memory for run in runs) / 1e6),
        "peak_mb_one_process": round(max(run.single for run in runs) / 1e6),
        "result": runs[-1].result,
    }


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = [line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return {
        "processor": model[0] if model else "unknown",
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


class _Watch(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.memory, self.single = pid, 0, 0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(EVERY):
            sizes = []
            try:
                root = psutil.Process(self.pid)
                tree = [root, *root.children(recursive=True)]
            except psutil.Error:
                continue
            for process in tree:
                try:
                    sizes.append(process.memory_info().rss)
                except psutil.Error:
                    continue
            if sizes:
                self.memory, self.single = max(self.memory, sum(sizes)), max(self.single, max(sizes))

    def stop(self) -> None:
        self._done.set()
        self.join()
