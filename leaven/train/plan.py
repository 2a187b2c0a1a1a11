"""Everything that decides a stage's results, and the identity that marks its checkpoints.

A stage begins in one of three ways, and each takes something else along:

| verb | from | takes | leaves fresh |
|---|---|---|---|
| resume | its own work folder | everything | nothing |
| branch | its parent's results | weights, optimizer state and data cursor as declared | schedule |
| warm-start | weights trained elsewhere | weights | everything else |

Where the own folder holds a checkpoint of this very plan, that comes first; then the named parent; then initial
weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from leaven.corpus.byte_level import ENDS
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, sha256_file
from leaven.mixture import stream
from leaven.model import init as initial
from leaven.model.config import ModelConfig
from leaven.model.execution import COMPUTES
from leaven.train import step, watch
from leaven.train.optimizer import OptimizerConfig
from leaven.train.schedule import check_schedule
from leaven.train.step import Recipe
from leaven.train.watch import Spike

VERSION = "stage/2"
CARRIES = ("weights", "weights+optimizer")
CURSORS = ("continue", "restart")
PARENT = "parent"
"""A schedule's peak that is the learning rate the parent ended with."""


@dataclass(frozen=True)
class StagePlan:
    """Everything that decides a stage's results.

    Args:
        model, seed, optimizer: shape, seed of weights and order, optimizer (None: the parent's, or the default).
        kind: `pretrain`, `continue` or `cooldown`; a label.
        mixture: source → weight. `shards`: source → shards folder, for the mixture and for validation.
        steps, batch, sequence: updates, windows of an update, tokens of a window.
        schedule: see `leaven.train.schedule`; its peak may be `parent`, the parent's last learning rate as its
            results state it.
        precision: `float32` or `bfloat16`, of activations; weights and moments are float32 in either.
        z_loss: see `leaven.train.step.Recipe`.
        document_mask: whether attention stays within a document. Every token still counts in the loss.
        spike: fields of `leaven.train.watch.Spike`.
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
    optimizer: OptimizerConfig | None = None
    precision: str = "float32"
    z_loss: float = 0.0
    document_mask: bool = False
    spike: Mapping[str, Any] = field(default_factory=dict)
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
        for name, known in (("carry", CARRIES), ("cursor", CURSORS), ("precision", COMPUTES)):
            if getattr(self, name) not in known:
                raise BadInput(f'"{getattr(self, name)}" is not one of {", ".join(known)}', field=name)
        for source in sorted({*self.mixture, *self.validation} - {*self.shards}):
            raise BadInput(f'source "{source}" has no shards', field="mixture")
        if (self.validation or self.document_mask) and self.tokenizer is None:
            raise BadInput("bits per byte and document masking need the tokenizer", field="tokenizer")
        if not self.z_loss >= 0:
            raise BadInput("must be at least 0", field="z_loss")
        if self.schedule.get("peak") == PARENT and self.parent is None:
            raise BadInput("there is no parent to take it from", field="schedule.peak")
        Spike(**self.spike)
        if self.schedule.get("peak") != PARENT:
            check_schedule(self.schedule, self.steps)


@dataclass(frozen=True)
class Settled:
    """A plan with what its parent's results say put in.

    `schedule` and `optimizer` are complete; `cursor` has the rows of each source that the ancestors drew; `end` is the
    token that ends a document (None where attention is not masked).
    """

    plan: StagePlan
    schedule: Mapping[str, Any]
    optimizer: OptimizerConfig
    cursor: Mapping[str, int]
    end: int | None

    @property
    def recipe(self) -> Recipe:
        """What one update is."""
        return Recipe(self.optimizer, self.plan.z_loss, self.end, Spike(**self.plan.spike))


def settle(plan: StagePlan) -> Settled:
    """Read the parent's results. Raises LeavenError where they cannot be used, BadInput for an unusable schedule."""
    end = end_token(plan.tokenizer) if plan.document_mask and plan.tokenizer else None
    if plan.parent is None:
        return Settled(plan, plan.schedule, plan.optimizer or OptimizerConfig(), {}, end)
    try:
        about = read_json(plan.parent / "stage.json")
        shape, cursor = ModelConfig(**about["model"]), dict(about["cursor"])
        theirs = OptimizerConfig(**about["optimizer"]) if about.get("optimizer") else None
        rate = about["learning_rate"]["last"] if about.get("learning_rate") else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LeavenError(f"stage {plan.name}: cannot read its parent's stage.json: {error}") from error
    if shape != plan.model:
        raise LeavenError(f"stage {plan.name}: its parent has another model shape: {about['model']}")
    optimizer = plan.optimizer or theirs or OptimizerConfig()
    if plan.carry == "weights+optimizer":
        if theirs is None:
            raise LeavenError(f"stage {plan.name}: its parent has no optimizer state to carry; carry: weights")
        if theirs != optimizer:
            raise LeavenError(
                f"stage {plan.name} carries the optimizer's state from a parent trained with other settings: "
                f"{_difference(theirs, optimizer)}\n  Leave the optimizer out, or carry: weights."
            )
    return Settled(plan, _schedule(plan, rate), optimizer, cursor if plan.cursor == "continue" else {}, end)


def _schedule(plan: StagePlan, rate: float | None) -> Mapping[str, Any]:
    """The schedule with `parent` replaced by the parent's last learning rate."""
    if plan.schedule["peak"] != PARENT:
        return plan.schedule
    if rate is None:
        raise LeavenError(f"stage {plan.name}: its parent states no learning rate; give schedule.peak a number")
    schedule = {**plan.schedule, "peak": rate}
    check_schedule(schedule, plan.steps)
    return schedule


def _difference(theirs: OptimizerConfig, ours: OptimizerConfig) -> str:
    pairs = zip(asdict(theirs).items(), asdict(ours).values(), strict=True)
    return ", ".join(f"{name} {old} → {new}" for (name, old), new in pairs if old != new)


def end_token(tokenizer: Path) -> int:
    """Id of the token that ends a document. Raises LeavenError."""
    tokens = {token["content"]: token["id"] for token in read_json(tokenizer / "tokenizer.json")["added_tokens"]}
    for name in ENDS:
        if name in tokens:
            return int(tokens[name])
    raise LeavenError(f"the tokenizer in {tokenizer.name} has no token that would end a document ({', '.join(ENDS)})")


def versions() -> dict[str, str]:
    """Of the algorithms that a stage runs."""
    return {
        "stage": VERSION,
        "step": step.VERSION,
        "spike": watch.VERSION,
        "order": stream.VERSION,
        "init": initial.VERSION,
    }


def identity_of(plan: StagePlan) -> str:
    """A hash of what decides the results, by content and not by path: it marks the checkpoints of this very plan."""
    data = {key: value for key, value in asdict(plan).items() if key not in ("name", "shards", "parent", "tokenizer")}
    data["shards"] = {name: sha256_file(folder / "shards.json") for name, folder in plan.shards.items()}
    data["tokenizer"] = sha256_file(plan.tokenizer / "tokenizer.json") if plan.tokenizer else None
    parent = ("model.safetensors", "stage.json") if plan.parent else ()
    data["parent"] = [sha256_file(Path(plan.parent or "") / name) for name in parent]
    data["versions"] = versions()
    return identity(data)
