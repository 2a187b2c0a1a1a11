"""A study's training steps, compiled for TPUs that are not here: does it fit, and what do the chips send each other?

Each different step of the study is compiled in a process of its own, because the compiler's library writes to the
terminal as it likes, needs settings before JAX starts, and may end the process that it runs in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from leaven.engine.optimizers import optimizer_of
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, LeavenError
from leaven.model.config import SIZES, ModelConfig, from_size
from leaven.study.spec import Optimizer
from leaven.study.step import Step
from leaven.train.ahead import Ahead, compile_ahead
from leaven.train.peaks import CHIPS
from leaven.train.step import Recipe
from leaven.train.watch import Spike

DECIDING = ("model", "batch", "sequence", "precision", "optimizer", "z_loss", "document_mask", "spike")
"""Fields of a stage on which its compiled step depends."""

PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from leaven.engine.ahead import answer
print(json.dumps(answer(json.loads(sys.argv[2]))))
"""


def compile_stages(stages: Iterable[Step], topology: str, model_parts: int = 1) -> list[Ahead]:
    """Every different step of the stages, compiled for `topology` (see `leaven.train.ahead`), in order.

    Raises BadInput for a topology or a batch that cannot be, or a step that cannot fit; LeavenError for the compiler's
    refusal.
    """
    different = {identity(asked): asked for asked in ({f: step.fields[f] for f in DECIDING} for step in stages)}
    return [_compiled({**asked, "topology": topology, "model_parts": model_parts}) for asked in different.values()]


def compile_size(
    size: str,
    topology: str,
    batch: int | None = None,
    sequence: int | None = None,
    vocabulary: int | None = None,
    precision: str | None = None,
    model_parts: int = 1,
) -> Ahead:
    """The step of a named size, its own batch, sequence, vocabulary and precision unless others are given.

    Raises as `compile_stages`, and BadInput for a size there is none of.
    """
    config = from_size(size, vocabulary, sequence)
    own = SIZES[size]
    asked = {
        "model": asdict(config),
        "batch": batch or own["batch"],
        "sequence": config.sequence,
        "precision": precision or own["precision"],
        "optimizer": Optimizer().model_dump(),
        "z_loss": 0.0,
        "document_mask": False,
        "spike": {},
    }
    return _compiled({**asked, "topology": topology, "model_parts": model_parts})


def _compiled(asked: Mapping[str, Any]) -> Ahead:
    command = [sys.executable, "-P", "-c", PROGRAM, json.dumps(sys.path), json.dumps(asked)]
    done = subprocess.run(command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True)
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise LeavenError(f"compiling for {asked['topology']} ended: {lines[-1] if lines else 'silently'}") from None
    if "error" in said:
        raise (BadInput if said["exit_code"] == BadInput.exit_code else LeavenError)(said["error"])
    return Ahead(**{**said, "unknown_loops": tuple(said["unknown_loops"])})


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the process of one compilation says: fields of `Ahead`, or an error and its exit code."""
    try:
        model = ModelConfig(**{**asked["model"], "sequence": asked["sequence"]})
        # Which token ends a document does not change the program, only whether there is one.
        end = 0 if asked["document_mask"] else None
        recipe = Recipe(optimizer_of(asked["optimizer"]), asked["z_loss"], end, Spike(**asked["spike"]))
        topology, parts = asked["topology"], asked["model_parts"]
        made = compile_ahead(
            model, recipe, asked["batch"], topology, model_parts=parts, compute=asked["precision"]
        ).data()
    except LeavenError as error:
        return {"error": str(error), "exit_code": error.exit_code}
    return {name: value for name, value in made.items() if name != "bytes"}


def lines(made: Ahead) -> list[str]:
    """A few lines for people."""
    each = made.flops / made.chips
    peak = CHIPS[made.topology.partition(":")[0]].flops
    spread = f", {made.model_parts} along the model axis" if made.model_parts > 1 else ""
    cut = f"{made.accumulate} micro-batches" if made.accumulate > 1 else "one micro-batch"
    recomputed = {"none": "nothing", "projections": "all but products and attention", "block": "all but attention"}
    sent = ", ".join(f"{kind} {_size(size)}" for kind, size in made.sent.items()) or "nothing"
    return [
        f"compiled  {made.topology}: {made.chips} chips{spread} · {made.batch} × {made.sequence} tokens a step in "
        f"{made.compute}, {cut}, recomputing {recomputed[made.remat]}",
        f"          memory {_size(made.bytes)} of {_size(made.memory)} a chip: arguments {_size(made.arguments)}, "
        f"temporaries {_size(made.temporaries)}, program {_size(made.code)} ({_size(made.estimate)} expected)",
        f"          compute {made.flops:.2g} FLOPs a step, {each / peak:.2g} s at the peak of {made.chips} chips",
        f"          a chip sends {_size(sum(made.sent.values()))} a step: {sent}",
        f"          compiled in {made.compile_seconds:.0f} s here",
    ]


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
