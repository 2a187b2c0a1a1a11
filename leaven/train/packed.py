"""Many stages of one shape in one program: seeds, mixtures, learning rates and branches side by side under `vmap`.

Each member has its own data, order, checkpoints, curve and results, exactly those of training alone; its weights are
those of training alone up to `TOLERANCE`, because a batched product may sum in another order, and so may a program of
fewer members: a pack that lost one and was interrupted ends within rounding of the undisturbed one. A small model
leaves most of an accelerator idle; many of them fill it.
Shapes: K steps, M members, B sequences, T positions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from leaven.ground.errors import BadInput, Diverged, LeavenError
from leaven.ground.progress import Progress, silent
from leaven.mixture.ahead import ReadAhead
from leaven.model.config import ModelConfig
from leaven.model.execution import Execution
from leaven.train.checkpoint import Pace, latest_common, save
from leaven.train.cost import Clock, Cost
from leaven.train.place import side_by_side
from leaven.train.plan import StagePlan
from leaven.train.step import Measured, Recipe, TrainState, chunk_length, one_step, steps
from leaven.train.telling import Teller
from leaven.train.training import Training

TOLERANCE = 2e-3
"""Relative difference of losses, packed against alone, that is still rounding: float32, over a few hundred steps."""


@dataclass(frozen=True)
class Member:
    """A stage of a pack, and where its results and checkpoints go."""

    plan: StagePlan
    out: Path
    work: Path
    progress: Progress = silent


def shape_of(plan: StagePlan) -> Mapping[str, Any]:
    """What the members of one pack must have in common."""
    return {
        "model": asdict(plan.model),
        "steps": plan.steps,
        "batch": plan.batch,
        "sequence": plan.sequence,
        "eval_every": plan.eval_every,
        "precision": plan.precision,
        "z_loss": plan.z_loss,
        "document_mask": plan.document_mask,
        "spike": dict(plan.spike),
        "optimizer": asdict(plan.optimizer) if plan.optimizer else None,
    }


@partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=(3,))
def train_pack(
    config: ModelConfig,
    recipe: Recipe,
    how: Execution,
    state: TrainState,
    tokens_KMBT1: jax.Array,
    learning_rates_KM: jax.Array,
    n: jax.Array,
) -> tuple[TrainState, Measured]:
    """`train_chunk` for M models at once: every array of `state` has M in front, and what was measured is [K, M]."""
    together = jax.vmap(partial(one_step, config, recipe, how))
    return steps(together, state, tokens_KMBT1, learning_rates_KM, n)


def run_pack(
    members: Sequence[Member], *, checkpoint_seconds: float = 5.0, how: Execution | None = None
) -> list[Cost | LeavenError]:
    """Train all members together and write the results of each; keep the checkpoints of each in its own folder.

    Returns for each member the cost of the whole program, or why it stopped: who diverges does not hold up the rest.
    Nor does one that cannot begin. Raises BadInput where members differ in shape or in what one update is.
    """
    shapes = [shape_of(member.plan) for member in members]
    if any(shape != shapes[0] for shape in shapes):
        raise BadInput("the stages of a pack must have one shape", field="pack")
    plan, clock, pace = members[0].plan, Clock(), Pace(checkpoint_seconds)
    how = how or side_by_side(plan, len(members))
    ends: list[Cost | LeavenError | None] = [None] * len(members)
    opened = _open(members, ends)
    state = _first_state(opened, ends)
    if state is None:
        return [end for end in ends if end is not None]
    live, crew = list(opened), list(opened.values())
    tellers = [Teller(training, members[m].progress, clock) for m, training in opened.items()]
    recipe = crew[0].settled.recipe
    if any(training.settled.recipe != recipe for training in crew):  # by their parents or tokenizers
        raise BadInput("the stages of a pack must have one optimizer and one end of document", field="pack")
    longest = chunk_length(plan.batch, plan.sequence)
    calls = list(crew[0].chunks(longest))
    with ReadAhead(lambda call: _tokens(crew, call, longest), calls) as ahead:
        for first, n in calls:
            tokens, waited = ahead.get()
            clock.input_wait += waited
            rates = np.stack([training.rates(first, n, longest) for training in crew], axis=1)
            state, measured = train_pack(plan.model, recipe, how, state, tokens, rates, np.int32(n))
            columns = [np.asarray(column)[:n] for column in measured]
            for place, m in enumerate(live):
                if ends[m] is None:
                    ends[m] = _hear(crew[place], [column[:, place] for column in columns], state, place, how)
            clock.tokens += n * plan.batch * plan.sequence * len(live)
            done = first + n
            if pace.due(time.monotonic()) and done < plan.steps:
                began = time.monotonic()
                for place, m in enumerate(live):
                    if ends[m] is None:
                        save(members[m].work, crew[place].checkpoint(_member(state, place)))
                pace.saved(began, time.monotonic())
            for place, m in enumerate(live):
                if ends[m] is None:
                    tellers[place].tell()
    for place, m in enumerate(live):
        if ends[m] is None:
            crew[place].write(_member(state, place), members[m].out)
            ends[m] = clock.cost()
    return [end for end in ends if end is not None]


def _open(members: Sequence[Member], ends: list[Cost | LeavenError | None]) -> dict[int, Training]:
    """The stages of the members that can be begun, by place; the others end here."""
    opened: dict[int, Training] = {}
    for m, member in enumerate(members):
        try:
            opened[m] = Training.open(member.plan, member.work)
        except LeavenError as error:
            ends[m] = error
    return opened


def _first_state(opened: dict[int, Training], ends: list[Cost | LeavenError | None]) -> TrainState | None:
    """The states side by side: of the newest step at which all have a good checkpoint, else their first.

    A member that has none (its parent is damaged, its folder is another stage's) ends here and is taken out of
    `opened`; what the others have in common may be newer then. None where nobody is left.
    """
    while opened:
        checkpoints = latest_common([training.work for training in opened.values()])
        states: dict[int, TrainState] = {}
        for place, (m, training) in enumerate(opened.items()):
            try:
                states[m] = training.restore(checkpoints[place]) if checkpoints else training.begin()
            except LeavenError as error:
                ends[m] = error
        if len(states) == len(opened):
            together: TrainState = jax.tree.map(lambda *values: jnp.stack(values), *states.values())
            return together
        for m in opened.keys() - states.keys():
            del opened[m]
    return None


def _member(state: TrainState, place: int) -> TrainState:
    """One member's state."""
    alone: TrainState = jax.tree.map(lambda x: x[place], state)
    return alone


def _tokens(crew: Sequence[Training], call: tuple[int, int], longest: int) -> Any:
    """Batches [K, M, B, T + 1] of one call, zero beyond its steps."""
    (first, n), plan = call, crew[0].plan
    tokens = np.zeros((longest, len(crew), plan.batch, plan.sequence + 1), np.int32)
    for place, training in enumerate(crew):
        rows = training.order.batch(first * plan.batch, (first + n) * plan.batch)
        tokens[:n, place] = rows.reshape(n, plan.batch, -1)
    return tokens


def _hear(
    training: Training, columns: Sequence[Any], state: TrainState, place: int, how: Execution
) -> LeavenError | None:
    """Tell a member what its steps gave; the reason if it stops here."""
    try:
        training.hear(*columns)
        if training.measures_now:
            training.measure(_member(state, place).params, how)
    except Diverged as error:
        training.remember(error)
        return error
    return None
