"""What the scheduler itself takes for a step, by size of the study: real graphs, steps that take no time.

Usage: python benchmarks/engine/scheduler.py OUT.json [--steps 1000 10000] [--workers 2 64]

The graphs are pocket with many variants (benchmarks/expand.py). The status file is written as in a run, and nothing is
shown.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from expand import expanded, study_of
from waiting import Nothing, Waiting

from leaven.engine.schedule import run
from leaven.ground.files import write_json
from leaven.study.step import Graph


def scheduled(graph: Graph, workers: int) -> dict[str, Any]:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        store = Nothing(Path(folder) / "store")
        begin, cpu = time.perf_counter(), time.process_time()
        state = run(graph, store, lambda needed: Waiting(store, workers, {}), status=Path(folder) / "status.json")
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    assert len(state.finished) == len(graph.steps)
    return {"steps": len(graph.steps), "workers": workers, "wall": wall, "cpu": cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 64])
    options = parser.parse_args()
    scheduled(expanded(study_of(1)), 1)  # what is imported on the way is no work of a scheduler
    rows = []
    for steps in options.steps:
        graph = expanded(study_of(steps))
        for workers in options.workers:
            rows.append(scheduled(graph, workers))
            print(json.dumps(rows[-1]), flush=True)
    write_json(options.out, rows)


if __name__ == "__main__":
    main()
