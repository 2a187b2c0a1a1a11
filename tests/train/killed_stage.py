"""Trains a stage of the toy corpus that is killed again and again: run by a test in a process of its own.

`python killed_stage.py CORPUS PLACE KILLS`. Each attempt is forked from this process, which has JAX imported but no
backend, so an attempt costs a fraction of a second. On a fast machine the stage may come to its end before it was
killed often enough: it is then trained anew, in another folder, with the kills that are left. The folders are called
`round-0`, `round-1`, … Prints how many attempts were killed, and in how many of them training had begun.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

import leaven.train.stage as stage
from leaven.model.config import ModelConfig
from leaven.train.compile import publish, use_cache, use_one_core
from leaven.train.plan import StagePlan

STEPS = 1400
ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT
"""Whether a child has ended, without reaping it."""


def plan(corpus: Path) -> StagePlan:
    return StagePlan(
        model=ModelConfig(width=16, layers=2, heads=2, ffn=24, vocab=24, sequence=16),
        seed=1,
        kind="pretrain",
        mixture={"text": 0.75, "code": 0.25},
        shards={name: corpus / name for name in ("text", "code")},
        steps=STEPS,
        batch=8,
        sequence=16,
        schedule={"kind": "cosine", "peak": 1e-2, "final": 1e-3, "warmup": 3},
        spike={"window": 16, "sigma": 2.0, "policy": "skip", "patience": 100},
        validation={"text": 5, "code": 5},
        eval_every=7,
        tokenizer=corpus / "tokenizer",
    )


def attempt(corpus: Path, place: Path, out: Path) -> None:
    """In a forked process: train from wherever the last attempt came to."""
    use_one_core()
    use_cache(place / "xla")

    def told(done: float, total: float, note: str = "", measured: object = None) -> None:
        if not (place / "begun").exists():
            publish(place / "xla")  # a killed process hands nothing on at its end
        (place / "begun").touch()

    stage.run_stage(plan(corpus), out, place / "work", told, checkpoint_seconds=0.0)


def main(corpus: Path, place: Path, kills: int) -> None:
    draw, killed, begun = random.Random(kills), 0, 0
    for turn in itertools.count():
        folder = place / f"round-{turn}"
        for name in ("out", "work"):
            (folder / name).mkdir(parents=True)
        more, of_them = one_stage(corpus, folder, kills - killed, draw)
        killed, begun = killed + more, begun + of_them
        if killed == kills:
            break
        assert more, "the stage ends before it can be killed"
    print(killed, begun)


def one_stage(corpus: Path, place: Path, kills: int, draw: random.Random) -> tuple[int, int]:
    """Train the stage to its end, killed at most `kills` times; how often it was, and how often in training."""
    killed = begun = 0
    while True:
        (place / "begun").unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                attempt(corpus, place, place / "out")
                code = 0
            finally:
                os._exit(code)
        if killed < kills:
            # Every fourth at any moment of its life, the others while training is under way.
            anywhere = killed % 4 == 3
            while not anywhere and not (place / "begun").exists() and os.waitid(os.P_PID, child, ENDED) is None:
                time.sleep(0.001)
            time.sleep(draw.uniform(0, 1.5 if anywhere else 0.06))
            os.kill(child, signal.SIGKILL)  # what has ended is not reaped yet, so the number is still the child's
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            killed += 1
            begun += (place / "begun").exists()
            continue
        assert status == 0, "an attempt failed"
        return killed, begun


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
