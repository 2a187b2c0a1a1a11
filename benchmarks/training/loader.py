"""Loader: tokens a second of one core from page cache, for the calls that training makes.

Usage: python benchmarks/training/loader.py SCRATCH OUT.json [--gigabytes 1.4] [--rounds 5] [--seconds 0.3]

Where grain is installed (`pip install grain==0.2.18`) it is measured too; leaven's loader needs numpy only, so a
virtual environment of grain with PYTHONPATH=. will do. Token files are written below SCRATCH, one mixture after the
other, read once so that they lie in the page cache, and removed.

Contenders, in turns within every round, all in this process on one core, each making int32 [rows, sequence + 1]:
  leaven   `StageStream.batch` of the next rows
  opened   the same on maps opened a moment before: first the keys, the first block of places and the page faults
  ahead    leaven through `ReadAhead` with nothing to compute meanwhile: what handing over costs, on the same core
  one      rows drawn at random beforehand, copied by numpy one by one from the maps: a loop with no order to keep
  grain    `MapDataset.mix` of shuffled, repeated sources, `batch`

Tokens are counted as targets, rows × sequence. A figure is the median over rounds of tokens by seconds of processor
time (which a busy machine does not take away), and, beside it, by wall-clock seconds.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from leaven.ground.files import write_json
from leaven.mixture.ahead import ReadAhead
from leaven.mixture.shard import Shard
from leaven.mixture.stream import StageStream

SAMPLES = 2**24
"""Of the stages read from: more than any round reaches."""

SHAPES = [(128, 16), (128, 512), (256, 256), (2048, 32), (8192, 8), (8192, 64)]
"""(sequence, rows of a call): one step of 16, and calls of 65,536 tokens as training makes them, then 524,288."""


@dataclass(frozen=True)
class Mixture:
    """Weights of the sources, which have tokens in proportion (at least 20 windows of 8,192)."""

    name: str
    dtype: str
    weights: dict[str, float]


def named(weights: list[float]) -> dict[str, float]:
    return {f"s{number:04}": weight for number, weight in enumerate(weights)}


MIXTURES = [
    Mixture("2", "uint16", named([0.7, 0.3])),
    Mixture("30", "uint16", named([1 / (k + 1) for k in range(30)])),
    Mixture("30, u32", "uint32", named([1 / (k + 1) for k in range(30)])),
    Mixture("1000: 0.9, 1e-4 …", "uint16", named([0.9, 2e-4] + [1e-4] * 998)),
    Mixture("1000: 1/k", "uint16", named([1 / (k + 1) for k in range(1000)])),
]

CONTENDERS = ("leaven", "opened", "ahead", "one", "grain")

Call = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1.4, help="of token files for a mixture")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of every contender in every round")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows: list[dict[str, Any]] = []
    names = [name for name in CONTENDERS if name != "grain" or grain_version()]
    print("| sources | sequence × rows | " + " | ".join(names) + " |\n|---|---|" + "--:|" * len(names))
    for mixture in MIXTURES:
        folder = options.scratch / "loader-tokens"
        try:
            shards = written(folder, mixture, int(options.gigabytes * 1e9))
            for sequence, n in SHAPES:
                rows.append(measured(shards, mixture, sequence, n, options))
                print(line(rows[-1]), flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    options.out.write_text(json.dumps({"what": "loader", "machine": machine(), "rows": rows}, indent=1) + "\n")


def machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {"cpu": cpu, "python": platform.python_version(), "numpy": np.__version__, "grain": grain_version()}


def grain_version() -> str | None:
    try:
        return version("grain")
    except PackageNotFoundError:
        return None


def written(folder: Path, mixture: Mixture, size: int) -> dict[str, Shard]:
    """Shards of random tokens, in proportion to the weights; every byte has been written and read once."""
    most = 60_000 if mixture.dtype == "uint16" else 256_000
    noise = np.random.default_rng(0).integers(0, most, 1 << 22).astype(mixture.dtype)
    total = sum(mixture.weights.values())
    for number, (name, weight) in enumerate(mixture.weights.items()):
        tokens = max(20 * 8192 + 1, int(weight / total * size / noise.itemsize))
        place = folder / name
        place.mkdir(parents=True)
        with (place / "train.bin").open("wb") as file:
            for begin in range(0, tokens, len(noise)):
                np.roll(noise, number)[: tokens - begin].tofile(file)
        np.array([tokens], "<u8").tofile(place / "train.idx")
        splits = {"train": {"tokens": tokens, "documents": 1, "bytes": 4 * tokens}}
        write_json(place / "shards.json", {"source": name, "dtype": mixture.dtype, "splits": splits})
        with (place / "train.bin").open("rb") as file:
            while file.read(1 << 24):
                pass
    return opened(folder)


def opened(folder: Path) -> dict[str, Shard]:
    return {place.name: Shard.open(place, "train") for place in sorted(folder.iterdir())}


def measured(shards: dict[str, Shard], mixture: Mixture, sequence: int, n: int, options: Any) -> dict[str, Any]:
    """One row of the table: every contender in turn, `rounds` times."""
    stage = StageStream(shards, mixture.weights, SAMPLES, sequence, 1)
    check(stage, n)
    folder = options.scratch / "loader-tokens"
    ranges = ((i, i + n) for i in range(0, SAMPLES, n))
    lasting: dict[str, Call] = {"leaven": following(stage, n), "one": one_by_one(stage, n)}
    if grain_version():
        lasting["grain"] = grain_mix(stage, n)
    figures: dict[str, list[tuple[float, float]]] = {}
    with ReadAhead(lambda edges: stage.batch(*edges), ranges) as ahead:
        lasting["ahead"] = ahead.get
        for turn in range(options.rounds + 1):
            for name, call in lasting.items():
                speed = timed(call, n * sequence, options.seconds)
                if turn:  # the first warms caches and maps
                    figures.setdefault(name, []).append(speed)
            gc.collect()
            fresh = StageStream(opened(folder), mixture.weights, SAMPLES, sequence, 1)
            figures.setdefault("opened", []).append(timed(following(fresh, n), n * sequence, options.seconds))
    return {
        "sources": mixture.name,
        "dtype": mixture.dtype,
        "sequence": sequence,
        "rows": n,
        **{
            name: {
                "tokens_per_cpu_second": statistics.median(cpu for cpu, _ in speeds),
                "tokens_per_second": statistics.median(wall for _, wall in speeds),
                "slowest_round_cpu": min(cpu for cpu, _ in speeds),
            }
            for name, speeds in figures.items()
        },
    }


def check(stage: StageStream, n: int) -> None:
    """A call's tokens are those of its located rows."""
    for tokens, i in zip(stage.batch(5, 5 + n), range(5, 5 + n), strict=True):
        source, _, row = stage.locate(i)
        first = row * stage.sequence
        assert np.array_equal(tokens, stage.shards[source].tokens[first : first + stage.sequence + 1])


def timed(call: Call, tokens: int, seconds: float) -> tuple[float, float]:
    """Tokens a second of processor time and of wall-clock time, over calls that take about `seconds`."""
    calls, cpu, wall = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - wall < seconds:
        call()
        calls += 1
    return calls * tokens / (time.process_time() - cpu), calls * tokens / (time.perf_counter() - wall)


def following(stage: StageStream, n: int) -> Call:
    starts: Iterator[int] = iter(range(0, SAMPLES, n))

    def call() -> Any:
        start = next(starts)
        return stage.batch(start, start + n)

    return call


def one_by_one(stage: StageStream, n: int) -> Call:
    """Random rows of sources in proportion to their weights, without an order that could be asked for again."""
    rng, T = np.random.default_rng(1), stage.sequence
    weights = np.array([stage.weights[name] for name in stage.quotas])
    maps = [stage.shards[name].tokens for name in stage.quotas]
    source = rng.choice(len(maps), 2**18, p=weights / weights.sum())
    row = (rng.random(2**18) * np.array([stage.shards[name].rows(T) for name in stage.quotas])[source]).astype(int)
    places = list(zip(source.tolist(), (row * T).tolist(), strict=True))
    begins = iter(range(0, 10**12, n))

    def call() -> Any:
        begin = next(begins) % (2**18 - n)
        tokens = np.empty((n, T + 1), np.int32)
        for i, (s, first) in enumerate(places[begin : begin + n]):
            tokens[i] = maps[s][first : first + T + 1]
        return tokens

    return call


class Rows:
    """A source as grain wants it: rows by number."""

    def __init__(self, shard: Shard, sequence: int) -> None:
        self.tokens, self.sequence, self.length = shard.tokens, sequence, shard.rows(sequence)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, row: int) -> Any:
        first = int(row) * self.sequence
        return self.tokens[first : first + self.sequence + 1].astype(np.int32)


def grain_mix(stage: StageStream, n: int) -> Call:
    from grain import MapDataset

    sources = [MapDataset.source(Rows(stage.shards[name], stage.sequence)) for name in stage.quotas]
    endless = [source.shuffle(seed=1).repeat() for source in sources]
    mixed = MapDataset.mix(endless, [stage.weights[name] for name in stage.quotas]).batch(n)
    numbers = iter(range(10**12))
    return lambda: mixed[next(numbers)]


def line(row: dict[str, Any]) -> str:
    """A row of the printed table: millions of tokens by seconds of processor time."""
    names = [name for name in CONTENDERS if name in row]
    figures = " | ".join(f"{row[name]['tokens_per_cpu_second'] / 1e6:,.1f}" for name in names)
    return f"| {row['sources']} | {row['sequence']} × {row['rows']} | {figures} |"


if __name__ == "__main__":
    main()
