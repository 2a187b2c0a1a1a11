"""What the engine takes for each step beside the step itself: a thousand steps that do next to nothing.

Usage: python benchmarks/engine/overhead.py OUT.json [--on local local-cluster:2] [--steps 1000] [--jobs 2]

    overhead a step = (seconds of the whole run × steps at once − seconds inside of steps) / steps

once with everything (importing, starting a cluster) and once from the fiftieth end on. Inside is what a step's manifest
says it took; a step's fork, its log and the publishing of its results count as overhead. `cpu_ms`: what a step takes of
the processor all in all, on this computer. The last row runs the same study again, when everything exists. Rows are
added to OUT.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from work import study, tiny

from leaven.engine.executors import Where, place_of
from leaven.engine.schedule import run
from leaven.ground.files import read_json, write_json
from leaven.study.step import Step

FIRST = 50
"""Ends after which the start is taken to be over."""


def children() -> float:
    """Seconds of a processor that ended processes below this one took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(on: str, steps: int, jobs: int, folder: Path, again: bool = False) -> list[dict[str, Any]]:
    lab = study(folder / "raw", folder / on.replace(":", "-"))
    lab.store.prepare()
    graph = tiny(lab.prepare(), steps)
    place, device = place_of(Where(on, shared=() if on == "local" else (folder,)), lab.store, jobs=jobs)
    ends: list[tuple[str, float]] = []
    seats: list[int] = []

    def hear(step: Step, message: dict[str, Any]) -> None:
        if message["event"] == "ended":
            ends.append((step.identity, time.perf_counter()))

    def watch(state: Any) -> None:
        seats.append(state.at_once)

    begin, cpu, below = time.perf_counter(), time.process_time(), children()
    with lab.store.lock():
        state = run(graph, lab.store, place, hear=hear, watch=watch, status=folder / "status.json", device=device)
    wall, cpu, below = time.perf_counter() - begin, time.process_time() - cpu, children() - below
    if state.failed:
        raise SystemExit(next(iter(state.failed.values())))
    inside = {step_id: lab.store.manifest(step_id)["made"]["seconds"] for step_id in graph.steps}
    at_once = max(seats)
    row = {"on": on, "steps": steps, "at_once": at_once, "load": os.getloadavg()[0], "cores": os.cpu_count()}
    late = ends[FIRST:]
    steady = (late[-1][1] - ends[FIRST - 1][1]) * at_once - sum(inside[step_id] for step_id, _ in late)
    first = {
        **row,
        "what": "first run",
        "wall": wall,
        "driver_cpu": cpu,
        "cpu_ms": 1e3 * (cpu + below) / steps,
        "inside": sum(inside.values()),
        "overhead_ms": 1e3 * (wall * at_once - sum(inside.values())) / steps,
        "steady_ms": 1e3 * steady / len(late),
    }
    begin, cpu = time.perf_counter(), time.process_time()
    run(graph, lab.store, place, device=device)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return [first, {**row, "what": "again", "wall": wall, "driver_cpu": cpu, "overhead_ms": 1e3 * wall / steps}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--on", nargs="+", default=["local"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the stores are made (default: a temporary folder)")
    options = parser.parse_args()
    rows = read_json(options.out) if options.out.exists() else []
    for on in options.on:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found = measured(on, options.steps, options.jobs, Path(folder))
        rows = [row for row in rows if (row["on"], row["steps"]) != (on, options.steps)] + found
        write_json(options.out, rows)
        print(*(json.dumps(row) for row in found), sep="\n", flush=True)


if __name__ == "__main__":
    main()
