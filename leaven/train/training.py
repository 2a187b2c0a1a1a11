"""One stage as it trains: its data, what was measured so far, its checkpoints, its results.

It holds no arrays of the device. Whoever drives it (`stage.py` one alone, `packed.py` many at once) hands it the
weights when they are to be measured, kept or written.
Invariants: results do not depend on how often, where or when the stage was interrupted, nor on when checkpoints were
written. Chunks end at every measurement, and a step does not know its chunk.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leaven.ground.errors import Diverged, LeavenError
from leaven.ground.files import read_json, write_json
from leaven.ground.tables import write_table
from leaven.mixture.shard import Shard
from leaven.mixture.stream import StageStream
from leaven.model.execution import Execution
from leaven.model.init import Params, flatten, init, nest
from leaven.model.weights import load_params, read_arrays, save_params, write_arrays
from leaven.train import optimizer, step, watch
from leaven.train.checkpoint import Checkpoint
from leaven.train.plan import Settled, StagePlan, identity_of, settle, versions
from leaven.train.schedule import learning_rate
from leaven.train.step import TrainState
from leaven.train.validation import Windows, bits_per_byte, load_windows, token_bytes
from leaven.train.watch import Watch

MOST_EVENTS = 1000
"""Steps out of the ordinary that are listed one by one; beyond, they are counted."""
DIVERGED = "diverged.json"


@dataclass
class Training:
    """A stage under way. `done` steps; the `losses` and `norms` since the last measurement that are numbers; the curve;
    listed steps."""

    settled: Settled
    order: StageStream
    windows: Mapping[str, Windows | None]
    identity: str
    work: Path
    done: int = 0
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    curve: dict[str, list[float | None]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    unlisted: int = 0
    skipped: int = 0
    """Skipped steps in a row, up to the last one."""
    last: float = math.nan

    @staticmethod
    def open(plan: StagePlan, work: Path) -> Training:
        """The stage before its first step. Raises Diverged where it is known to diverge, BadInput, LeavenError."""
        settled = settle(plan)
        own = identity_of(plan)
        _recall(own, work)
        order = StageStream(
            {name: Shard.open(plan.shards[name], "train") for name in sorted(plan.mixture)},
            plan.mixture,
            plan.steps * plan.batch,
            plan.sequence,
            plan.seed,
            settled.cursor,
        )
        order.audit()
        training = Training(settled, order, _validation(plan), own, work)
        training.curve = {name: [] for name in training.columns}
        return training

    @property
    def plan(self) -> StagePlan:
        return self.settled.plan

    @property
    def columns(self) -> list[str]:
        """Of the curve, in order: a checkpoint's note does not keep it."""
        measured = [f"bpb_{source}" for source in sorted(self.plan.validation)]
        return ["step", "tokens", "learning_rate", "train_loss", "gradient_norm", *measured]

    def begin(self) -> TrainState:
        """The state before the first step: initial weights, or what the plan carries from its parent."""
        plan, recipe = self.plan, self.settled.recipe
        if plan.parent is None:
            return step.start(init(plan.model, plan.seed), recipe)
        state = step.start(load_params(plan.parent / "model.safetensors"), recipe)
        if plan.carry == "weights+optimizer":
            moments = optimizer.from_flat(read_arrays(plan.parent / "optimizer.safetensors"))
            state = state._replace(optimizer=moments)
        return state

    def restore(self, checkpoint: Checkpoint) -> TrainState:
        """Go on from a checkpoint of the own folder. Raises LeavenError for another plan's."""
        note = checkpoint.state
        if note["plan"] != self.identity:
            raise LeavenError(
                f"{self.work.name} holds checkpoints of another stage; remove the folder, or give each stage its own"
            )
        self.done, self.last = checkpoint.step, math.nan if note["last"] is None else note["last"]
        self.losses, self.norms, self.curve = list(note["losses"]), list(note["norms"]), dict(note["curve"])
        self.events, self.unlisted, self.skipped = list(note["events"]), note["unlisted"], note["skipped"]
        tree = nest(dict(checkpoint.arrays))
        return TrainState(tree["params"], optimizer.from_flat(flatten(tree["optimizer"])), Watch(**tree["watch"]))

    def checkpoint(self, state: TrainState) -> Checkpoint:
        """All that `restore` needs."""
        arrays = flatten(
            {"params": state.params, "optimizer": optimizer.to_flat(state.optimizer), "watch": state.watch._asdict()}
        )
        note = {
            "plan": self.identity,
            "losses": self.losses,
            "norms": self.norms,
            "curve": self.curve,
            "events": self.events,
            "unlisted": self.unlisted,
            "skipped": self.skipped,
            "last": self.last if math.isfinite(self.last) else None,  # a note holds numbers only
        }
        return Checkpoint(self.done, arrays, note)

    def chunks(self, longest: int) -> Iterator[tuple[int, int]]:
        """(first step, number of steps) of every call still to make: each ends at a measurement or at the end."""
        plan, at = self.plan, self.done
        while at < plan.steps:
            n = min(longest, plan.eval_every - at % plan.eval_every, plan.steps - at)
            yield at, n
            at += n

    def rate(self, at: int) -> float:
        """The learning rate of step `at`."""
        return learning_rate(self.settled.schedule, self.plan.steps, at)

    def rates(self, first: int, n: int, longest: int) -> npt.NDArray[np.float32]:
        """Learning rates f32 [longest] of the steps from `first`, zero beyond n."""
        rates = np.zeros(longest, np.float32)
        rates[:n] = [self.rate(first + i) for i in range(n)]
        return rates

    @property
    def measures_now(self) -> bool:
        """Whether a measurement is due after the steps done."""
        return self.done % self.plan.eval_every == 0 or self.done == self.plan.steps

    def hear(self, nats: npt.NDArray[Any], norms: npt.NDArray[Any], kinds: npt.NDArray[Any]) -> None:
        """Take in the steps just made, in order. Raises Diverged as the policy says."""
        policy, patience = self.settled.recipe.spike.policy, self.settled.recipe.spike.patience
        for loss, norm, kind in zip(nats.tolist(), norms.tolist(), kinds.tolist(), strict=True):
            at = self.done
            out = kind != watch.ORDINARY
            self.skipped = self.skipped + 1 if out and policy == "skip" else 0
            if out:
                self._list(at, loss, norm, kind, "skipped" if policy == "skip" else "recorded")
            if kind == watch.BROKEN and policy != "skip":
                # The loss of a step is taken before its update, so it is the update before that broke the weights.
                raise self._diverged(max(0, at - (not math.isfinite(loss))), "the loss is not a number after")
            if kind == watch.SPIKE and policy == "stop":
                raise self._diverged(at, f"the loss jumped to {loss:.3f} (gradient norm {norm:.3g}) at")
            if self.skipped > patience:
                raise self._diverged(at, f"{self.skipped} steps in a row were out of the ordinary and skipped up to")
            self.done += 1
            for values, value in ((self.losses, loss), (self.norms, norm)):
                if math.isfinite(value):
                    values.append(value)
            self.last = loss

    def _list(self, at: int, loss: float, norm: float, kind: int, action: str) -> None:
        if len(self.events) >= MOST_EVENTS:
            self.unlisted += 1
            return
        kinds = {watch.SPIKE: "spike", watch.BROKEN: "not a number"}
        finite = {"loss": loss, "gradient_norm": norm}
        values = {name: value if math.isfinite(value) else None for name, value in finite.items()}
        self.events.append({"step": at, "kind": kinds[kind], **values, "action": action})

    def _diverged(self, at: int, what: str) -> Diverged:
        plan = self.plan
        newest = max((int(path.stem[5:]) for path in self.work.glob("step-*.json")), default=0)
        good = f"last checkpoint: step {newest}" if newest else "there was no checkpoint yet"
        return Diverged(
            f"stage {plan.name or plan.kind} (seed {plan.seed}): {what} step {at}, where the learning rate is "
            f"{self.rate(at):.3g}; {good}.\n  A lower peak learning rate or a longer warmup usually helps."
        )

    def remember(self, error: Diverged) -> None:
        """Note in the work folder that this plan diverges here: the same again would end in the same place."""
        note = {"plan": self.identity, **_place(), "message": str(error), "events": self.events}
        write_json(self.work / DIVERGED, note)

    def measure(self, params: Params, how: Execution) -> None:
        """Add a row to the curve. The weights are looked at too: the very last update shows in no training loss."""
        plan = self.plan
        if not bool(_are_numbers(params)):
            raise self._diverged(self.done - 1, "the weights are not numbers after")
        losses, norms = self.losses, self.norms
        row = {
            "step": self.done,
            "tokens": self.done * plan.batch * plan.sequence,
            "learning_rate": self.rate(self.done - 1),
            "train_loss": math.fsum(losses) / len(losses) if losses else None,
            "gradient_norm": math.fsum(norms) / len(norms) if norms else None,
            **{
                f"bpb_{s}": value
                for s, value in bits_per_byte(params, plan.model, self.windows, how, self.settled.end).items()
            },
        }
        self.curve = {name: [*column, row[name]] for name, column in self.curve.items()}
        self.losses, self.norms = [], []

    def write(self, state: TrainState, out: Path) -> None:
        """The stage's results."""
        plan, order = self.plan, self.order
        save_params(out / "model.safetensors", state.params)
        write_arrays(out / "optimizer.safetensors", optimizer.to_flat(state.optimizer))
        kinds = {name: pa.int64() if name in ("step", "tokens") else pa.float64() for name in self.columns}
        write_table(out / "curve.parquet", self.curve, pa.schema(list(kinds.items())))
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
            "learning_rate": {"first": self.rate(0), "last": self.rate(plan.steps - 1)},
            "optimizer": asdict(self.settled.optimizer),
            "precision": plan.precision,
            "z_loss": plan.z_loss,
            "document_mask": plan.document_mask,
            "spikes": {
                "policy": self.settled.recipe.spike.policy,
                "events": self.events,
                "unlisted": self.unlisted,
            },
            "cursor": order.cursor_after(),
            "ledger": order.ledger(),
            "loss_last": self.last if math.isfinite(self.last) else None,
            "first_batch_sha256": hashlib.sha256(first.tobytes()).hexdigest(),
            "versions": {**versions(), "jax": jax.__version__},
        }
        write_json(out / "stage.json", about)


@jax.jit
def _are_numbers(params: Params) -> jax.Array:
    """Whether every weight is finite, wherever it lives."""
    return jnp.all(jnp.stack([jnp.isfinite(weight).all() for weight in jax.tree.leaves(params)]))


def _validation(plan: StagePlan) -> dict[str, Windows | None]:
    if plan.tokenizer is None:
        return {}
    lengths = token_bytes(plan.tokenizer)
    return {
        source: load_windows(plan.shards[source], rows, plan.sequence, lengths)
        for source, rows in sorted(plan.validation.items())
    }


def _place() -> dict[str, str]:
    """What a divergence may be due to besides the plan."""
    return {"jax": jax.__version__, "device": jax.devices()[0].device_kind}


def _recall(own: str, work: Path) -> None:
    """Raise Diverged where the work folder says that this very plan diverges."""
    try:
        note = read_json(work / DIVERGED)
    except (OSError, ValueError):
        return
    if {name: note.get(name) for name in ("plan", *_place())} == {"plan": own, **_place()}:
        raise Diverged(
            f"{note['message']}\n  Known from an earlier run. To train it again all the same, remove {work}."
        )
