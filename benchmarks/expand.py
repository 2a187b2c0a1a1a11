"""Expanding a study into its graph: seconds by number of steps.

Usage: python benchmarks/expand.py [--steps 1000 10000 100000] [--times 3]

The study is pocket with one variant written many times with other budgets, a hundred seeds each, so that nothing but
the corpus is shared; the best of the times counts. Nothing is read or written. CPU seconds stand beside the seconds of
the clock, for computers that do other things as well.
"""

from __future__ import annotations

import argparse
import time

from leaven.study.corpus_graph import Survey
from leaven.study.expand import expand
from leaven.study.load import load
from leaven.study.spec import Study
from leaven.study.step import Graph

SEEDS = 100
STEPS_OF_A_RUN = 6
"""Two of three stages (the first is shared), two evaluations, a completion and a judgement."""


def study_of(steps: int) -> Study:
    """Pocket with as many variants as make about so many steps."""
    pocket = load("pocket").study.settled(sequence=128, batch=16, precision="float32")
    first, second, last = pocket.variants["balanced→text"]
    variants = {
        f"v{index}": [first, second.model_copy(update={"tokens": second.tokens + 2048 * index}), last]
        for index in range(max(2, steps // (SEEDS * STEPS_OF_A_RUN)))
    }
    changed = {"variants": variants, "baseline": "v0", "seeds": list(range(1, SEEDS + 1))}
    return pocket.model_copy(update=changed)


def expanded(study: Study) -> Graph:
    surveys = {name: Survey(f"print of {name}", 1, 1) for name in study.corpus.sources}
    return expand(study, surveys, {"width": 64, "layers": 3, "heads": 2, "ffn": 176, "vocab": 2048, "sequence": 128})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    print(f"{'steps':>8}  {'seconds':>7}  {'CPU':>7}  {'µs a step':>9}")
    for steps in options.steps:
        study = study_of(steps)
        taken = []
        for _ in range(options.times):
            clock, cpu = time.perf_counter(), time.process_time()
            made = len(expanded(study).steps)
            taken.append((time.perf_counter() - clock, time.process_time() - cpu))
        seconds, cpu_seconds = min(taken)
        print(f"{made:>8}  {seconds:>7.2f}  {cpu_seconds:>7.2f}  {1e6 * seconds / made:>9.1f}")


if __name__ == "__main__":
    main()
