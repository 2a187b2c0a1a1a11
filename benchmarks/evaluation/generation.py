"""Greedy continuations on a CPU: leaven beside `transformers`' own generate, in turns, and the texts compared.

Usage: .venv-peers/bin/python benchmarks/evaluation/generation.py OUT.json [--sizes 1m 7m] [--batches 1 32]
    [--threads 1 2] [--rounds 3]

Same weights (random, exported and loaded as anyone loads them), same prompts of 8 to 31 tokens, 64 new tokens, float32.
A side is a process of its own on `threads` cores; a round runs each once, odd rounds forwards and even ones backwards.
The first continuation of a process (compilation) is reported apart; then it is repeated for three seconds, five times
at least, and the median counts. `others` are the cores' worth of work that other processes did meanwhile: figures with
more than a tenth of a core are noise. Prerequisites: `make .venv-peers/.installed`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIDES = ("leaven", "transformers")
NEW, SECONDS, LEAST = 64, 3.0, 5
END = 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", nargs="+", default=["1m", "7m"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    found: list[dict[str, Any]] = []
    for threads in args.threads:
        for size in args.sizes:
            for batch in args.batches:
                cell = [
                    {"turn": turn, **measure(side, size, batch, threads)}
                    for turn in range(args.rounds)
                    for side in (SIDES if turn % 2 == 0 else SIDES[::-1])
                ]
                found += cell
                args.out.write_text(json.dumps(found, indent=1) + "\n")
                tell(cell)


def tell(cell: list[dict[str, Any]]) -> None:
    """One line; stops where the sides do not say the same."""
    first = cell[0]
    name = f"{first['size']}, batch {first['batch']}, threads {first['threads']}"
    if any(one["tokens"] != first["tokens"] for one in cell):
        sys.exit(f"{name}: the continuations differ")
    ours, theirs = ([one for one in cell if one["side"] == side] for side in SIDES)
    ratios = sorted(
        theirs_one["median"] / one["median"]
        for one in ours
        for theirs_one in theirs
        if one["turn"] == theirs_one["turn"]
    )
    milliseconds = [1e3 * statistics.median(one["median"] for one in side) for side in (ours, theirs)]
    starts = [max(one["first"] for one in side) for side in (ours, theirs)]
    print(
        f"{name}: leaven {milliseconds[0]:.0f} ms, transformers {milliseconds[1]:.0f} ms, "
        f"{statistics.median(ratios):.2f} times as fast ({ratios[0]:.2f} … {ratios[-1]:.2f}); "
        f"first {starts[0]:.1f} s and {starts[1]:.1f} s; others {max(one['others'] for one in cell):.2f} cores",
        flush=True,
    )


def measure(side: str, size: str, batch: int, threads: int) -> dict[str, Any]:
    """One process of one side."""
    cores = set(sorted(os.sched_getaffinity(0))[:threads])
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "NPROC": str(threads), "JAX_PLATFORMS": "cpu"}
    work = f"import generation; generation.work({side!r}, {size!r}, {batch}, {threads})"
    busy, own, begin = _busy(), _own(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", work],
        cwd=Path(__file__).parent,
        env={**environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
    others = max(0.0, (_busy() - busy) - (_own() - own)) / (time.perf_counter() - begin)
    told = {"side": side, "size": size, "batch": batch, "threads": threads, "others": others}
    return told | json.loads(done.stdout.strip().splitlines()[-1])


def work(side: str, size: str, batch: int, threads: int) -> None:
    """Inside that process."""
    once = {"leaven": ours, "transformers": theirs}[side](size, prompts(batch), threads)
    seconds = []
    while len(seconds) < 1 + LEAST or sum(seconds[1:]) < SECONDS:
        start = time.perf_counter()
        tokens = once()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"first": seconds[0], "median": statistics.median(seconds[1:]), "tokens": tokens}))


def prompts(batch: int) -> list[list[int]]:
    """Token ids, the end-of-text token first."""
    return [[END, *((37 * row + 11 * at) % 2047 + 1 for at in range(7 + row * 5 % 24))] for row in range(batch)]


@dataclass(frozen=True)
class Numbers:
    """A tokenizer of one character per token, so that a text tells its tokens."""

    size: int
    eot: int = END

    def encode(self, text: str) -> list[int]:
        return [ord(letter) - 0x4E00 for letter in text]

    def decode(self, ids: Any) -> str:
        return "".join(chr(0x4E00 + token) for token in ids)


def ours(size: str, asked: list[list[int]], threads: int) -> Callable[[], list[list[int]]]:
    from leaven.evaluate.generate import Ask, generate
    from leaven.evaluate.subject import Subject
    from leaven.model.config import from_size
    from leaven.model.init import init

    config = from_size(size)
    words = Numbers(config.vocab)
    subject = Subject(init(config, 0), config, words)  # type: ignore[arg-type]
    asks = [Ask(words.decode(tokens[1:]), NEW) for tokens in asked]
    return lambda: [words.encode(text) for text in generate(subject, asks)]


def theirs(size: str, asked: list[list[int]], threads: int) -> Callable[[], list[list[int]]]:
    import torch
    from transformers import AutoModelForCausalLM

    from leaven.model.config import from_size
    from leaven.model.huggingface import export_folder
    from leaven.model.init import init

    torch.set_num_threads(threads)
    config = from_size(size)
    with tempfile.TemporaryDirectory() as folder:
        export_folder(init(config, 0), config, None, Path(folder) / "model")
        model = AutoModelForCausalLM.from_pretrained(Path(folder) / "model").eval()
    longest = max(map(len, asked))
    tokens = torch.tensor([[END] * (longest - len(one)) + one for one in asked])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in asked])

    def once() -> list[list[int]]:
        found = model.generate(
            input_ids=tokens,
            attention_mask=mask,
            do_sample=False,
            max_new_tokens=NEW,
            eos_token_id=END,
            pad_token_id=END,
        )
        rows = found[:, longest:].tolist()
        return [row[: row.index(END)] if END in row else row for row in rows]

    return once


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
