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

sys.path.insert(0, str(Path(__file__).parents[1]))

from expand import expanded, study_of
from waiting import Nothing, Waiting

from leaven.engine.schedule import run
from leaven.ground.files import write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 64])
    options = parser.parse_args()
    rows = []
    for steps in options.steps:
        graph = expanded(study_of(steps))
        for workers in options.workers:
            with tempfile.TemporaryDirectory() as folder:
                store = Nothing(Path(folder) / "store")
                begin, cpu = time.perf_counter(), time.process_time()
                state = run(
                    graph,
                    store,
                    lambda needed, store=store, workers=workers: Waiting(store, workers, {}),
                    status=Path(folder) / "status.json",
                )
                wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
            assert len(state.finished) == len(graph.steps)
            rows.append({"steps": len(graph.steps), "workers": workers, "wall": wall, "cpu": cpu})
            print(json.dumps(rows[-1]), flush=True)
    write_json(options.out, rows)


if __name__ == "__main__":
    main()
