"""Programs a second in the sandbox: the solutions of HumanEval and MBPP with their tests, at every level there is here.

Usage: python benchmarks/evaluation/programs.py [--rounds 5] [--workers 2] [--cores 2] [--data ../shared/benchdata]
    [--sets humaneval mbpp] [--out FILE.json]

Sides: `bare` is the floor, `python -S` by `subprocess.run` with the program and its tests on standard input and no
isolation, limits or report; `none` is leaven without isolation (limits, pipes, report); then each level that works
here, with the system call filter and with the namespaces alone. In every round every side runs every program once, odd
rounds backwards; a figure is the median over rounds, and `× bare` the median of the rounds' own ratios, which a machine
that is busy with other things changes less. All sides are pinned to the same cores. It ends with an error where a
solution does not pass.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from leaven.sandbox.interpreter import ENVIRONMENT, PYTHON_FLAGS, interpreter
from leaven.sandbox.level import Level, attempt, none
from leaven.sandbox.pool import run_many

Programs = list[tuple[str, str]]
Side = Callable[[Programs, int], int]
"""Runs all programs, so many at a time; how many passed."""


def humaneval(data: Path) -> Programs:
    problems = [json.loads(line) for line in (data / "humaneval/HumanEval.jsonl").read_text().splitlines()]
    return [(p["prompt"] + p["canonical_solution"], f"{p['test']}\ncheck({p['entry_point']})\n") for p in problems]


def mbpp(data: Path) -> Programs:
    problems = [json.loads(line) for line in (data / "mbpp/mbpp.jsonl").read_text().splitlines()]
    return [(p["code"], "\n".join([p["test_setup_code"], *p["test_list"]])) for p in problems]


SETS = {"humaneval": humaneval, "mbpp": mbpp}


def bare(programs: Programs, workers: int) -> int:
    command = [interpreter().program, *PYTHON_FLAGS, "-"]

    def one(program: tuple[str, str]) -> bool:
        text = "\n".join(program).replace("\r", "").encode()
        return subprocess.run(command, input=text, capture_output=True, env=ENVIRONMENT).returncode == 0

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(one, programs))


def sandboxed(level: Level, programs: Programs, workers: int) -> int:
    return sum(outcome.passed for outcome in run_many(programs, level=level, workers=workers, allow_unisolated=True))


def sides() -> dict[str, Side]:
    found: dict[str, Side] = {"bare": bare, "none": partial(sandboxed, none())}
    for name in ("bubblewrap", "unshare"):
        level = attempt(name)
        if isinstance(level, str):
            print(level)
            continue
        if level.filter:
            found[level.label] = partial(sandboxed, level)
        found[level.name] = partial(sandboxed, replace(level, filter=False))
    return found


def measure(name: str, programs: Programs, rounds: int, workers: int) -> dict[str, dict[str, float]]:
    """Side → programs a second and the ratio of its time to the floor's."""
    contenders = sides()
    seconds: dict[str, list[float]] = {side: [] for side in contenders}
    for number in range(rounds):
        for side in list(contenders)[:: -1 if number % 2 else 1]:
            begun = time.perf_counter()
            passed = contenders[side](programs, workers)
            seconds[side].append(time.perf_counter() - begun)
            if passed != len(programs):
                raise SystemExit(f"{name}, {side}: {passed} of {len(programs)} solutions passed")
    return {
        side: {
            "programs_per_second": len(programs) / statistics.median(times),
            "times_bare": statistics.median(t / floor for t, floor in zip(times, seconds["bare"], strict=True)),
        }
        for side, times in seconds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LEAVEN_SHARED", "../shared")) / "benchdata")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    found = {}
    for name in options.sets:
        programs = SETS[name](options.data)
        found[name] = measure(name, programs, options.rounds, options.workers)
        print(f"\n{name}: {len(programs)} programs, {options.workers} at a time on {options.cores} cores")
        for side, figures in found[name].items():
            print(f"  {side:20s} {figures['programs_per_second']:7.1f} /s  {figures['times_bare']:5.2f} × bare")
    if options.out:
        about = {"python": platform.python_version(), "kernel": platform.release(), "workers": options.workers}
        options.out.write_text(json.dumps({"about": {**about, "cores": options.cores}, "sets": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
