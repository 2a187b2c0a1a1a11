"""One training step on two CPU threads: leaven beside transformers' Cohere and a hand-written torch model, in turns.

Usage (make bench-cpu): .venv-peers/bin/python benchmarks/training/cpu.py OUT.json [--shapes …] [--batches 8 32]
    [--sides …] [--rounds 3] [--steps 24] [--quiet 0.1] [--wait 0] [--tries 1]
    .venv-peers/bin/python benchmarks/training/cpu.py OUT.json --short [--shapes 1m 7m]

Every side is a process of its own on the same two cores; a round runs each once, odd rounds forwards and even ones
backwards. A run waits up to `--wait` seconds for the other processes of the machine to use less than `--quiet` of a
core; where they used more while it ran, it is made again, up to `--tries` times, and the quietest is kept: OpenMP's
threads wait for each other in loops, so that on a busy machine torch looks many times slower than it is.
`--short` measures the whole of a run of 100 steps: start of the interpreter, imports and compilation with empty caches.
Results are added to OUT, so that a table may be measured in parts.
Prerequisites: `make .venv-peers/.installed`; a C++ compiler (`g++`) for torch.compile.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shapes import SEQUENCE, SHAPES

HERE = Path(__file__).parent
TORCH = ("hand", "hand-compile", "hf", "hf-compile", "hand-bf16", "hand-compile-bf16", "hf-bf16", "hf-compile-bf16")
OURS = ("leaven", "leaven-pool", "leaven-one")
PLAIN = "+small-pages"
"""Ending of a side that runs with the C library's own page size; the others may use huge pages."""

SIDES = ("leaven", "leaven-pool", *TORCH[:4], f"leaven{PLAIN}", f"hand-compile{PLAIN}", f"hf-compile{PLAIN}")
HALF = tuple(side for side in TORCH if side.endswith("bf16"))
THREADS = 2
SHORT = 100


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--batches", nargs="+", type=int, default=[8, 32])
    parser.add_argument("--sides", nargs="+", default=[*SIDES, *HALF])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--quiet", type=float, default=0.1)
    parser.add_argument("--wait", type=float, default=0)
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--short", action="store_true")
    args = parser.parse_args()
    if shutil.which("g++") is None:
        sys.exit("torch.compile needs a C++ compiler: install g++")
    found: list[dict[str, Any]] = json.loads(args.out.read_text()) if args.out.exists() else []
    with tempfile.TemporaryDirectory() as caches:
        for batch in args.batches:
            for shape in args.shapes:
                for turn in range(args.rounds):
                    for side in args.sides if turn % 2 == 0 else args.sides[::-1]:
                        steps = SHORT if args.short else args.steps
                        one = quietest(side, shape, batch, steps, args, None if args.short else Path(caches))
                        found.append({"short": args.short, "turn": turn, **one})
                        args.out.write_text(json.dumps(found))
                        tell(found[-1])


def quietest(
    side: str, shape: str, batch: int, steps: int, args: argparse.Namespace, caches: Path | None
) -> dict[str, Any]:
    """The first run that is quiet enough, or the quietest of all tries."""
    runs: list[dict[str, Any]] = []
    for _ in range(args.tries):
        wait(args.quiet, args.wait)
        runs.append(run(side, shape, batch, steps, caches))
        if runs[-1]["others"] <= args.quiet:
            break
    return min(runs, key=lambda one: float(one["others"]))


def wait(quiet: float, most: float) -> None:
    """Return when other processes used less than `quiet` of a core for two seconds, or after `most` seconds."""
    end = time.perf_counter() + most
    while time.perf_counter() < end:
        busy, begin = _busy(), time.perf_counter()
        time.sleep(2)
        if (_busy() - busy) / (time.perf_counter() - begin) < quiet:
            return


def run(side: str, shape: str, batch: int, steps: int, caches: Path | None) -> dict[str, Any]:
    """One process. `others`: cores' worth of work of other processes meanwhile. Without `caches` they are empty."""
    name = side.removesuffix(PLAIN)
    script = HERE / ("ours.py" if name in OURS else "torch_peers.py")
    command = [sys.executable, str(script), name, shape, str(batch), str(steps)]
    with cache_folder(caches) as folder:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(THREADS),
            "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
            "TRITON_CACHE_DIR": str(folder / "triton"),
        }
        if not side.endswith(PLAIN):
            environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        busy, own, begin = _busy(), _own(), time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, preexec_fn=_pin)
        wall = time.perf_counter() - begin
        others = max(0.0, (_busy() - busy) - (_own() - own)) / wall
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return {"side": side, "shape": shape, "batch": batch, **result, "wall": wall, "others": others}


@contextmanager
def cache_folder(given: Path | None) -> Iterator[Path]:
    """The folder of compilers' caches: the given one, or a new one that is removed afterwards."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as new:
        yield Path(new)


def tell(one: Mapping[str, Any]) -> None:
    middle = statistics.median(one["seconds"])
    rate = one["batch"] * SEQUENCE / middle
    print(
        f"{one['shape']:8} batch {one['batch']:3} {one['side']:28} {1e3 * middle:8.1f} ms {rate:8.0f} tokens/s, "
        f"first {one['first']:.1f} s, whole process {one['wall']:.1f} s, others {one['others']:.2f} cores",
        flush=True,
    )


def _pin() -> None:
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:THREADS]))


def _busy() -> float:
    """Seconds that all cores of the machine worked since it started, but for the time taken by other machines."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Seconds of processor time of this process and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
