"""How long a study takes with so many workers, beside what the plan foresaw.

Usage: python benchmarks/engine/makespans.py OUT.json [--jobs 1 2 4] [--tokens 400000] [--played 1 2 4 8] [--scale 0.02]

* `computed`: the micro study (work.py), really run, each time into an empty store that has only the compiled programs
  of a first run. Foreseen by the seconds that the steps took in that first run, one at a time.
* `played`: pocket's own graph over steps that only wait, each `scale` of its estimated seconds: the schedule and what
  the scheduler loses, for more workers than there are cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from waiting import Nothing, Waiting
from work import study

from leaven.engine.estimate import measured, seconds_of
from leaven.engine.makespan import length, simulate
from leaven.engine.room import Room
from leaven.engine.schedule import run
from leaven.ground.files import write_json
from leaven.lab import Study
from leaven.study.load import load


def computed(folder: Path, jobs: list[int], tokens: int) -> list[dict[str, Any]]:
    first = study(folder / "raw", folder / "first", tokens)
    first.run(jobs=1, quiet=True, device="cpu")
    rates = measured(first.store.manifests())
    rows = []
    for count in jobs:
        runs = folder / f"jobs-{count}"
        shutil.copytree(first.store.cache / "xla", runs / "store/cache/xla")
        lab = study(folder / "raw", runs, tokens)
        prepared = lab.prepare()
        seconds = {step_id: seconds_of(step, rates) for step_id, step in prepared.graph.steps.items()}
        begin = time.perf_counter()
        lab.run(jobs=count, quiet=True, device="cpu", prepared=prepared)
        took = time.perf_counter() - begin
        made = {step_id: lab.store.manifest(step_id)["made"]["seconds"] for step_id in prepared.graph.steps}
        rows.append(
            {
                "what": "computed",
                "steps": len(seconds),
                "workers": count,
                "foreseen": length(simulate(prepared.graph, seconds, Room(range(count), 0))),
                "measured": took,
                "foreseen_by_its_own": length(simulate(prepared.graph, made, Room(range(count), 0))),
            }
        )
    return rows


def played(folder: Path, workers: list[int], scale: float) -> list[dict[str, Any]]:
    graph = Study(load("pocket"), folder / "pocket").prepare(allow_unisolated=True).graph
    seconds = {step_id: scale * seconds_of(step) for step_id, step in graph.steps.items()}
    rows = []
    for count in workers:
        store = Nothing(folder / "nothing")
        begin = time.perf_counter()
        run(graph, store, lambda needed, store=store, count=count: Waiting(store, count, seconds))
        took = (time.perf_counter() - begin) / scale
        foreseen = length(simulate(graph, seconds, Room(range(count), 0))) / scale
        rows.append({"what": "played", "steps": len(seconds), "workers": count, "foreseen": foreseen, "measured": took})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--tokens", type=int, default=409_600, help="of each stage of the micro study")
    parser.add_argument("--played", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--scale", type=float, default=0.02)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = played(Path(folder), options.played, options.scale)
        rows += computed(Path(folder), options.jobs, options.tokens) if options.jobs else []
    rows = [{**row, "cores": os.cpu_count(), "load": os.getloadavg()[0]} for row in rows]
    write_json(options.out, rows)
    print(*map(json.dumps, rows), sep="\n")


if __name__ == "__main__":
    main()
