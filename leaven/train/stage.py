"""One stage of training: from its parent, or from nothing, to the folder of its results.

Branch is not resume. A *branch* starts from a parent's results and takes what `carry` and `cursor` declare; a *resume*
takes everything from the stage's own `work` folder, and only from a checkpoint of this very plan. Where both exist the
own folder comes first.
Invariants: results do not depend on how often, where or when the stage was interrupted, nor on when checkpoints were
written; equal plans give equal bytes. Chunks end at every measurement, and a step does not know its chunk.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, Diverged, LeavenError
from leaven.ground.files import read_json, sha256_file, write_bytes, write_json
from leaven.ground.progress import Progress, silent
from leaven.ground.tables import write_table
from leaven.mixture import stream
from leaven.mixture.shard import Shard
from leaven.mixture.stream import StageStream
from leaven.model import init as initial
from leaven.model.config import ModelConfig
from leaven.model.init import Params, flatten, nest
from leaven.model.weights import encode, load_params, read_arrays, save_params
from leaven.train import optimizer, step
from leaven.train.checkpoint import Checkpoint, latest_good, save
from leaven.train.optimizer import OptimizerConfig, OptimizerState
from leaven.train.schedule import check_schedule, learning_rate
from leaven.train.step import chunk_length, train_chunk
from leaven.train.validation import Windows, bits_per_byte, load_windows, token_bytes

VERSION = "stage/1"
CARRIES = ("weights", "weights+optimizer")
CURSORS = ("continue", "restart")


@dataclass(frozen=True)
class StagePlan:
    """Everything that decides a stage's results.

    Args:
        model, seed, optimizer: shape, seed of weights and order, optimizer.
        kind: `pretrain`, `continue` or `cooldown`; a label.
        mixture: source → weight. `shards`: source → shards folder, for the mixture and for validation.
        steps, batch, sequence: updates, windows of an update, tokens of a window.
        schedule: see `leaven.train.schedule`.
        parent: a stage's results, or None to start from initial weights.
        carry: what a child takes from its parent: `weights` or `weights+optimizer`.
        cursor: `continue` draws on where the ancestors stopped in each source, `restart` from its first row.
        validation: source → held-out windows measured every `eval_every` steps; needs the `tokenizer` folder.
        name: how messages call the stage; decides nothing.
    """

    model: ModelConfig
    seed: int
    kind: str
    mixture: Mapping[str, float]
    shards: Mapping[str, Path]
    steps: int
    batch: int
    sequence: int
    schedule: Mapping[str, Any]
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    parent: Path | None = None
    carry: str = "weights"
    cursor: str = "continue"
    validation: Mapping[str, int] = field(default_factory=dict)
    eval_every: int = 100
    tokenizer: Path | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "sequence", "eval_every"):
            if getattr(self, name) < 1:
                raise BadInput("must be at least 1", field=name)
        if self.carry not in CARRIES:
            raise BadInput(f'"{self.carry}" is not one of {", ".join(CARRIES)}', field="carry")
        if self.cursor not in CURSORS:
            raise BadInput(f'"{self.cursor}" is not one of {", ".join(CURSORS)}', field="cursor")
        for source in sorted({*self.mixture, *self.validation} - {*self.shards}):
            raise BadInput(f'source "{source}" has no shards', field="mixture")
        if self.validation and self.tokenizer is None:
            raise BadInput("validation in bits per byte needs the tokenizer", field="validation")
        check_schedule(self.schedule, self.steps)


@dataclass
class _Run:
    """Where a stage stands: the state that a checkpoint holds."""

    done: int
    params: Params
    state: OptimizerState
    losses: list[float]
    """Of the steps since the last measurement."""
    curve: dict[str, list[float | None]]
    last: float = math.nan


def run_stage(
    plan: StagePlan, out: Path, work: Path, progress: Progress = silent, *, checkpoint_seconds: float = 5.0
) -> None:
    """Train the stage and write its results into the existing folder `out`; keep checkpoints in `work`.

    `progress` is told tokens after every chunk. Raises Diverged where a loss stops being a number, LeavenError where
    the parent or the checkpoints cannot be used, BadInput where the plan does not fit its data.
    """
    parent = _read_parent(plan)
    order = StageStream(
        {name: Shard.open(plan.shards[name], "train") for name in sorted(plan.mixture)},
        plan.mixture,
        plan.steps * plan.batch,
        plan.sequence,
        plan.seed,
        parent["cursor"] if parent and plan.cursor == "continue" else {},
    )
    order.audit()
    windows = _validation(plan)
    own = _identity(plan)
    run = _resume(own, work) or _begin(plan)
    saved = time.monotonic()
    while run.done < plan.steps:
        _train(plan, order, run)
        if run.done % plan.eval_every == 0 or run.done == plan.steps:
            _measure(plan, windows, run)
        if time.monotonic() - saved >= checkpoint_seconds and run.done < plan.steps:
            save(work, _checkpoint(own, run))
            saved = time.monotonic()
        tokens = plan.batch * plan.sequence
        progress(run.done * tokens, plan.steps * tokens, f"loss {run.last:.3f}")
    _write(plan, order, run, out)


def _read_parent(plan: StagePlan) -> dict[str, Any] | None:
    if plan.parent is None:
        return None
    try:
        parent: dict[str, Any] = read_json(plan.parent / "stage.json")
        if ModelConfig(**parent["model"]) != plan.model:
            raise LeavenError(f"stage {plan.name}: its parent has another model shape: {parent['model']}")
        return {"cursor": parent["cursor"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LeavenError(f"stage {plan.name}: cannot read its parent's stage.json: {error}") from error


def _validation(plan: StagePlan) -> dict[str, Windows | None]:
    if plan.tokenizer is None:
        return {}
    lengths = token_bytes(plan.tokenizer)
    return {
        source: load_windows(plan.shards[source], rows, plan.sequence, lengths)
        for source, rows in sorted(plan.validation.items())
    }


def _identity(plan: StagePlan) -> str:
    """A hash of what decides the results, by content and not by path: it marks the checkpoints of this very plan."""
    data = {key: value for key, value in asdict(plan).items() if key not in ("name", "shards", "parent", "tokenizer")}
    data["shards"] = {name: sha256_file(folder / "shards.json") for name, folder in plan.shards.items()}
    data["parent"] = sha256_file(plan.parent / "model.safetensors") if plan.parent else None
    data["versions"] = _versions()
    return identity(data)


def _versions() -> dict[str, str]:
    return {"stage": VERSION, "step": step.VERSION, "order": stream.VERSION, "init": initial.VERSION}


def _begin(plan: StagePlan) -> _Run:
    """The state before the first step: initial weights, or what the plan carries from its parent."""
    if plan.parent is None:
        params = initial.init(plan.model, plan.seed)
        state = optimizer.start(params)
    else:
        params = load_params(plan.parent / "model.safetensors")
        state = optimizer.start(params)
        if plan.carry == "weights+optimizer":
            state = optimizer.from_flat(read_arrays(plan.parent / "optimizer.safetensors"))
    return _Run(0, params, state, [], {name: [] for name in _columns(plan)})


def _columns(plan: StagePlan) -> list[str]:
    """Of the curve, in order: a checkpoint's note does not keep it."""
    return ["step", "tokens", "learning_rate", "train_loss", *(f"bpb_{s}" for s in sorted(plan.validation))]


def _resume(own: str, work: Path) -> _Run | None:
    """The state of the last good checkpoint in the own folder, or None. Raises LeavenError for another plan's."""
    checkpoint = latest_good(work)
    if checkpoint is None:
        return None
    note = checkpoint.state
    if note["plan"] != own:
        raise LeavenError(
            f"{work.name} holds checkpoints of another stage; remove the folder, or give each stage its own"
        )
    tree = nest(dict(checkpoint.arrays))
    state = optimizer.from_flat(flatten(tree["optimizer"]))
    return _Run(checkpoint.step, tree["params"], state, note["losses"], note["curve"], note["last"])


def _checkpoint(own: str, run: _Run) -> Checkpoint:
    arrays = flatten({"params": run.params, "optimizer": optimizer.to_flat(run.state)})
    note = {"plan": own, "losses": run.losses, "curve": run.curve, "last": run.last}
    return Checkpoint(run.done, arrays, note)


def _train(plan: StagePlan, order: StageStream, run: _Run) -> None:
    """Train up to the next measurement, but at most one chunk."""
    K = chunk_length(plan.batch, plan.sequence)
    n = min(K, plan.eval_every - run.done % plan.eval_every, plan.steps - run.done)
    tokens = np.zeros((K, plan.batch, plan.sequence + 1), np.int32)
    tokens[:n] = order.batch(run.done * plan.batch, (run.done + n) * plan.batch).reshape(n, plan.batch, -1)
    rates = np.zeros(K, np.float32)
    rates[:n] = [learning_rate(plan.schedule, plan.steps, run.done + i) for i in range(n)]
    run.params, run.state, losses_K = train_chunk(
        plan.model, plan.optimizer, run.params, run.state, tokens, rates, np.int32(n)
    )
    losses = np.asarray(losses_K)[:n].astype(float)
    broken = np.flatnonzero(~np.isfinite(losses))
    if len(broken):
        # The loss of a step is taken before its update, so it is the update before that broke the weights.
        raise _diverged(plan, max(0, run.done + int(broken[0]) - 1))
    run.done += n
    run.losses = run.losses + losses.tolist()
    run.last = float(losses[-1])


def _diverged(plan: StagePlan, at: int) -> Diverged:
    rate = learning_rate(plan.schedule, plan.steps, at)
    return Diverged(
        f"stage {plan.name or plan.kind} (seed {plan.seed}): the loss is not a number after step {at}, where the "
        f"learning rate is {rate:.3g}; the last good step is {at - 1}.\n"
        f"  A lower peak learning rate or a longer warmup usually helps."
    )


def _measure(plan: StagePlan, windows: Mapping[str, Windows | None], run: _Run) -> None:
    """Add a row to the curve. The weights are looked at too: the very last update shows in no training loss."""
    if not all(bool(np.isfinite(weight).all()) for weight in jax.tree.leaves(run.params)):
        raise _diverged(plan, run.done - 1)
    row = {
        "step": run.done,
        "tokens": run.done * plan.batch * plan.sequence,
        "learning_rate": learning_rate(plan.schedule, plan.steps, run.done - 1),
        "train_loss": math.fsum(run.losses) / len(run.losses),
        **{f"bpb_{s}": value for s, value in bits_per_byte(run.params, plan.model, windows).items()},
    }
    run.curve = {name: [*column, row[name]] for name, column in run.curve.items()}
    run.losses = []


def _write(plan: StagePlan, order: StageStream, run: _Run, out: Path) -> None:
    save_params(out / "model.safetensors", run.params)
    write_bytes(out / "optimizer.safetensors", encode(optimizer.to_flat(run.state)))
    kinds = {name: pa.int64() if name in ("step", "tokens") else pa.float64() for name in _columns(plan)}
    write_table(out / "curve.parquet", run.curve, pa.schema(list(kinds.items())))
    first = np.ascontiguousarray(order.batch(0, plan.batch), "<i4")
    about = {
        "model": asdict(plan.model),
        "seed": plan.seed,
        "kind": plan.kind,
        "mixture": dict(plan.mixture),
        "steps": plan.steps,
        "batch": plan.batch,
        "sequence": plan.sequence,
        "tokens": plan.steps * plan.batch * plan.sequence,
        "learning_rate": {
            "first": learning_rate(plan.schedule, plan.steps, 0),
            "last": learning_rate(plan.schedule, plan.steps, plan.steps - 1),
        },
        "cursor": order.cursor_after(),
        "ledger": order.ledger(),
        "loss_last": run.last,
        "first_batch_sha256": hashlib.sha256(first.tobytes()).hexdigest(),
        "versions": {**_versions(), "jax": jax.__version__},
    }
    write_json(out / "stage.json", about)
