"""One GPU: correctness of its kernels, MFU of the paper's sizes, and many proxies in one program.

Usage: python benchmarks/training/h200.py OUT [--only checks|mfu|packs] [--sizes 470m,2.8b] [--minutes 9] [--full]
       python benchmarks/training/h200.py OUT --dry

Each section runs in a process of its own, writes OUT/SECTION.json as soon as it has a row, and begins no new row after
`--minutes` (what it does not get to is listed). OUT/h200.md is written anew after each. Exit code 2 without an
accelerator; 1 where a check failed.

  checks  cuDNN's attention and the tiled loss against their references, values and gradients; bfloat16 against float32
          training; a pack against its members alone. First, because speed of wrong results is worth nothing.
  mfu     one `leaven bench` per row, in a process of its own, so that a row out of memory takes nothing along: first as
          leaven chooses by itself, then micro-batch by recomputation, then the tile and attention around the best.
          A step has several micro-batches, so that summing gradients is in every rate, but fewer than the paper's 512
          sequences; --full adds those.
  packs   8 to 128 models of 1m in one program, and the same one after another (the rate of one alone), in turns.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpu_table import report, rows

from leaven.ground.files import write_json

SECTIONS = ("checks", "mfu", "packs")
MEMORY_SHARE = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.92"}
"""Of a GPU's memory that JAX takes at its start; its default is three quarters."""
ROW_SECONDS = 590
"""Of one measurement at most: three steps of 512 sequences at 2.8b take seven minutes."""


@dataclass(frozen=True)
class Grid:
    """What is tried for a size: sequences of a step, then (micro-batch, recomputation), then tiles."""

    batch: int
    ways: tuple[tuple[int, str], ...]
    tiles: tuple[int, ...]
    shape: tuple[str, ...] = ()

    def words(self, size: str, batch: int | None = None, calls: int = 3, **fixed: Any) -> list[str]:
        """The words of `leaven` that measure a row."""
        options = [word for name, value in fixed.items() for word in (f"--{name}", str(value))]
        many = ["--batch", str(batch or self.batch), "--calls", str(calls)]
        return ["bench", size, *self.shape, *many, *options, "--json"]


GRIDS = {
    "470m": Grid(64, ((8, "none"), (16, "none"), (4, "none"), (16, "block")), (4096, 16384)),
    "2.8b": Grid(16, ((2, "none"), (4, "projections"), (4, "block"), (8, "block")), (4096, 16384)),
}
DRY_GRID = Grid(4, ((2, "none"),), (), ("--sequence", "16", "--vocabulary", "64", "--device", "cpu"))


@dataclass
class Notebook:
    """Rows of a section, on disk as soon as they are known."""

    path: Path
    until: float
    rows: list[dict[str, Any]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def add(self, **row: Any) -> dict[str, Any]:
        self.rows.append(row)
        write_json(self.path, {**self.about, "rows": self.rows})
        print(json.dumps({key: value for key, value in row.items() if not isinstance(value, dict)}), flush=True)
        return row

    @property
    def late(self) -> bool:
        return time.monotonic() > self.until


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=SECTIONS)
    parser.add_argument("--sizes", default=",".join(GRIDS))
    parser.add_argument("--minutes", type=float, default=9.0, help="of each section")
    parser.add_argument("--full", action="store_true", help="also the paper's batch of 512 sequences")
    parser.add_argument("--dry", action="store_true", help="tiny shapes on the processor, through the same code")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.inside:
        book = Notebook(options.out / f"{options.only}.json", time.monotonic() + 60 * options.minutes)
        {"checks": checks, "mfu": mfu, "packs": packs}[options.only](book, options)
        return 0
    os.environ.update({name: os.environ.get(name, value) for name, value in MEMORY_SHARE.items()})
    if options.dry:
        os.environ["JAX_PLATFORMS"] = "cpu"
    elif not (platform := _platform()) or platform == "cpu":
        print(
            "no accelerator that JAX can use is here; --dry goes through the motions on the processor", file=sys.stderr
        )
        return 2
    done = 0
    for section in [options.only] if options.only else SECTIONS:
        words = [word for word in sys.argv[1:] if word not in ("--only", section)]
        done |= subprocess.run(
            [sys.executable, __file__, *words, "--only", section, "--inside"], check=False
        ).returncode
        (options.out / "h200.md").write_text("\n".join(report(options.out)) + "\n")
    print(options.out / "h200.md")
    failed = [row for row in rows(options.out, "checks") if not row["ok"]]
    return 1 if failed or done else 0


def _platform() -> str:
    """What JAX computes on, asked in another process, so that this one takes no memory of it."""
    asked = subprocess.run(
        [sys.executable, "-c", "import jax; print(jax.default_backend())"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


# --- mfu ----------------------------------------------------------------------------------------------------------


def mfu(book: Notebook, options: argparse.Namespace) -> None:
    """Rows of every size in turns of what matters, so that a short time still has both sizes."""
    names = ["0.3m"] if options.dry else options.sizes.split(",")
    grids = {name: DRY_GRID if options.dry else GRIDS[name] for name in names}
    book.rows = [row for row in rows(options.out, "mfu") if row["size"] not in grids]
    share = book.until - time.monotonic()
    for place, (size, grid) in enumerate(grids.items()):
        until = book.until - share * (len(grids) - 1 - place) / len(grids)
        for words in rows_of(book, size, grid, options.full, dry=options.dry):
            if time.monotonic() > until:
                book.add(size=size, command=" ".join(["leaven", *words]), failed="not reached")
            else:
                book.add(size=size, **bench(words))


def rows_of(book: Notebook, size: str, grid: Grid, full: bool, *, dry: bool) -> Iterator[list[str]]:
    """What to measure next, seen what was."""

    def best() -> dict[str, Any] | None:
        known = [row["speed"] for row in book.rows if row["size"] == size and "speed" in row]
        return max(known, key=lambda speed: speed["tokens_per_second"]) if known else None

    yield grid.words(size)
    kernel = {} if dry else {"attention": "cudnn"}
    for micro, remat in grid.ways:
        yield grid.words(size, accumulate=grid.batch // micro, remat=remat, **kernel)
    found = best()
    if found is None:
        return
    fixed = {name: found[name] for name in ("accumulate", "remat", "attention")}
    for tile in grid.tiles:
        if tile != found["tile"]:
            yield grid.words(size, **fixed, tile=tile)
    found = best() or found
    fixed = {name: found[name] for name in ("accumulate", "remat", "attention", "tile")}
    yield grid.words(size, grid.batch // fixed["accumulate"], **{**fixed, "accumulate": 1})
    yield grid.words(size, **{**fixed, "attention": "blocked"})
    if full:
        yield grid.words(size, 512, 1, **{**fixed, "accumulate": 512 * fixed["accumulate"] // grid.batch})


def bench(words: list[str]) -> dict[str, Any]:
    """Run `leaven bench`; what it said or why not."""
    command = "leaven " + " ".join(words)
    program = [sys.executable, "-c", "from leaven.cli import main; main()", *words]
    try:
        done = subprocess.run(program, capture_output=True, text=True, timeout=ROW_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"command": command, "failed": f"longer than {ROW_SECONDS} s"}
    if done.returncode:
        return {"command": command, "failed": done.stderr.strip()[-400:] or f"ended with {done.returncode}"}
    speed = json.loads(done.stdout)
    if speed["attention"] == "cudnn" and not any("fmha" in name for name in speed["kernels"]):
        return {"command": command, "failed": f"no call of cuDNN's attention in the program: {speed['kernels']}"}
    return {"command": command, "speed": speed}


# --- packs --------------------------------------------------------------------------------------------------------


def packs(book: Notebook, options: argparse.Namespace) -> None:
    """Many models in one program against one alone, in turns; both as they are fastest."""
    import jax

    from leaven.train.wanted import Wanted, wanted

    dry = options.dry
    size, shape = ("0.3m", {"batch": 2, "sequence": 16, "vocabulary": 64}) if dry else ("1m", {"batch": 32})
    counts = (2, 3) if dry else (64, 8, 16, 32, 128)
    book.about = {"jax": jax.__version__, "device": jax.devices()[0].device_kind, "size": size}

    def row(precision: str, models: int, turn: str, **fixed: Any) -> dict[str, Any]:
        asked: Wanted = wanted(
            size, **shape, precision=precision, models=models, fixed=fixed, calls=2 if dry else None, seconds=3.0
        )
        told = " ".join(f"--{name} {value}" for name, value in {**shape, "precision": precision, **fixed}.items())
        command = f"leaven bench {size} --models {models} {told}"
        return book.add(turn=turn, precision=precision, models=models, command=command, **_measured(asked))

    def quickest(tried: list[dict[str, Any]]) -> dict[str, Any]:
        known = [one for one in tried if "speed" in one] or [{"speed": {"tokens_per_second": 0.0}}]
        speed: dict[str, Any] = max((one["speed"] for one in known), key=lambda speed: speed["tokens_per_second"])
        return {name: speed[name] for name in ("attention", "tile") if name in speed}

    for precision in ("float32",) if dry else ("bfloat16", "float32"):
        ways: list[dict[str, Any]] = [{}, {"tile": 8}] if dry else [{}, {"tile": 1024}, {"tile": 8192}]
        if precision == "bfloat16":
            ways.append({"tile": 8192, "attention": "cudnn"})
        alone = quickest([row(precision, 1, "try", **way) for way in ways[:: len(ways) - 1]])
        together = quickest([row(precision, counts[0], "try", **way) for way in ways])
        for models in counts:
            for turn in ("first", "second"):
                if book.late:
                    book.add(turn=turn, precision=precision, models=models, failed="not reached")
                    continue
                row(precision, 1, f"{turn}, beside {models}", **alone)
                row(precision, models, f"{turn}, beside 1", **together)


def _measured(asked: Any) -> dict[str, Any]:
    from leaven.ground.errors import LeavenError
    from leaven.train.bench import measure

    try:
        return {"speed": measure(asked).data()}
    except LeavenError as error:
        return {"failed": str(error)}
    finally:
        gc.collect()


# --- checks -------------------------------------------------------------------------------------------------------


def checks(book: Notebook, options: argparse.Namespace) -> None:
    """Each row: what was compared, the largest difference as a share of the largest value, and what is allowed."""
    import jax
    from gpu_checks import attention_rows, loss_rows, training_rows

    book.about = {"jax": jax.__version__, "device": jax.devices()[0].device_kind}
    for compare in (attention_rows, loss_rows, training_rows):
        for name, value, limit in compare(options.dry):
            book.add(check=name, value=value, limit=limit, ok=value <= limit)


if __name__ == "__main__":
    sys.exit(main())
