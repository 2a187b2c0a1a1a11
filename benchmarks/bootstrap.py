"""How long resampling takes: 64 runs × 20,000 items × 2,000 draws, beside the plain reference on a sliver of the work.

Usage: python benchmarks/bootstrap.py [--runs 64] [--items 20000] [--draws 2000] [--tries 5]

`shared` items have one denominator for all runs, as bytes and counts have; `own` ones differ from run to run, as where
items were lost to errors. What is told is the median of the tries, wall and processor seconds, and the largest memory
of the process. The reference computes 2 draws of one arm, is compared with the fast one to the last bit, and its time
is told as it would be for all of the work.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np

from leaven.analyze.bootstrap import Sums, ratios_reference, ratios_resampled

SEEDS = 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=64, help="a multiple of 4: arms of 4 seeds")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--tries", type=int, default=5)
    asked = parser.parse_args()
    print(f"{asked.runs} runs × {asked.items:,} items × {asked.draws:,} draws, median of {asked.tries}")
    for name, shared in (("shared", True), ("own", False)):
        arms = made(asked.runs // SEEDS, asked.items, shared)
        walls, cores = [], []
        for _ in range(asked.tries):
            wall, core = time.perf_counter(), time.process_time()
            ratios_resampled(arms, asked.draws, key=1)
            walls.append(time.perf_counter() - wall)
            cores.append(time.process_time() - core)
        start = time.perf_counter()
        plain = ratios_reference(arms[:1], 2, key=1)
        took = (time.perf_counter() - start) * asked.runs / SEEDS * asked.draws / 2
        if not np.array_equal(plain, ratios_resampled(arms[:1], 2, key=1)):
            raise SystemExit("the fast resampling differs from the reference")
        print(
            f"{name:<7} {statistics.median(walls):6.2f} s wall  {statistics.median(cores):6.2f} s of cores"
            f"   (reference about {took:,.0f} s)"
        )
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def made(arms: int, items: int, shared: bool) -> list[Sums]:
    """Arms of `SEEDS` runs each."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(50, 500, items).astype(float)
    found = []
    for _ in range(arms):
        below = np.tile(sizes, (SEEDS, 1)) if shared else sizes * (rng.random((SEEDS, items)) > 0.01)
        found.append(Sums(below * rng.uniform(1, 3, below.shape), below))
    return found


if __name__ == "__main__":
    main()
