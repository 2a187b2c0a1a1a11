"""Trains a stage of the toy corpus that is killed again and again: run by a test in a process of its own.

`python killed_stage.py CORPUS PLACE KILLS`. Each attempt is forked from this process, which has JAX imported but no
backend, so an attempt costs a fraction of a second. Prints how many attempts were killed, and in which of them training
had begun.
"""

from __future__ import annotations

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

    def told(done: float, total: float, note: str = "") -> None:
        if not (place / "begun").exists():
            publish(place / "xla")  # a killed process hands nothing on at its end
        (place / "begun").touch()

    stage.run_stage(plan(corpus), out, place / "work", told, checkpoint_seconds=0.0)


def main(corpus: Path, place: Path, kills: int) -> None:
    for folder in ("out", "work"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    draw, killed, begun = random.Random(kills), 0, 0
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
            while killed % 4 and not (place / "begun").exists() and os.waitpid(child, os.WNOHANG)[0] == 0:
                time.sleep(0.001)
            time.sleep(draw.uniform(0, 1.5 if killed % 4 == 0 else 0.06))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            killed += 1
            begun += (place / "begun").exists()
            continue
        assert status == 0, "an attempt failed"
        break
    print(killed, begun)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
