"""One stage alone: from its parent, or from nothing, to the folder of its results, on one device or on many.

Equal plans executed alike give equal bytes. On several devices or with other micro-batches the order of the data is
the same and results differ by rounding.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import jax
import numpy as np

from leaven.ground.errors import Diverged
from leaven.ground.progress import Progress, silent
from leaven.mixture.ahead import ReadAhead
from leaven.model.execution import Execution
from leaven.model.init import shapes
from leaven.train import mesh
from leaven.train.behind import Saver
from leaven.train.checkpoint import Pace, latest_good
from leaven.train.cost import Clock, Cost
from leaven.train.place import here
from leaven.train.plan import StagePlan
from leaven.train.step import TrainState, chunk_length, train_chunk
from leaven.train.telling import Teller
from leaven.train.training import Training


def run_stage(
    plan: StagePlan,
    out: Path,
    work: Path,
    progress: Progress = silent,
    *,
    checkpoint_seconds: float = 5.0,
    how: Execution | None = None,
) -> Cost:
    """Train the stage and write its results into the existing folder `out`; keep checkpoints in `work`.

    With several processes (`jax.distributed`), every one calls this with the same plan and the same shared folders.
    `progress` is told tokens after every chunk, rows of the curve and, between them, how it goes (`telling.py`). `how`
    is chosen for the devices at hand by default.
    Raises Diverged as the plan's policy says, LeavenError where the parent or the checkpoints cannot be used, BadInput
    where the plan does not fit its data.
    """
    training = Training.open(plan, work)
    how = how or here(plan)
    clock = Clock()
    longest = chunk_length(plan.batch, plan.sequence)
    state = _first_state(training, how)
    teller = Teller(training, progress, clock)
    calls = list(training.chunks(longest))
    reader = ReadAhead(lambda call: tokens_of(training, call, longest, how), calls)
    with Saver(work, Pace(checkpoint_seconds)) as saver, reader as ahead:
        for first, n in calls:
            tokens, waited = ahead.get()
            clock.input_wait += waited
            rates = mesh.replicated(training.rates(first, n, longest), how.mesh)
            count = mesh.replicated(np.int32(n), how.mesh)
            state, measured = train_chunk(plan.model, training.settled.recipe, how, state, tokens, rates, count)
            try:
                training.hear(*(np.asarray(column)[:n] for column in measured))
                if training.measures_now:
                    training.measure(state.params, how)
            except Diverged as error:
                if jax.process_index() == 0:
                    training.remember(error)
                raise
            clock.tokens += n * plan.batch * plan.sequence
            if saver.due() and training.done < plan.steps:
                saver.save(training.checkpoint(state))
            teller.tell()
    whole = mesh.whole(state)
    if jax.process_index() == 0:
        training.write(whole, out)
    return clock.cost()


def _first_state(training: Training, how: Execution) -> TrainState:
    """Of the own folder's last good checkpoint, else of the parent, else fresh; where it is to live."""
    places = mesh.state_shardings(shapes(training.plan.model), how.mesh) if how.mesh else None
    checkpoint = latest_good(training.work, places)
    if checkpoint:
        return training.restore(checkpoint)
    if how.mesh is None:
        return training.begin()
    with _on_the_host():  # whole, it need not fit into one device of the mesh
        return mesh.spread_state(training.begin(), how.mesh)


def _on_the_host() -> AbstractContextManager[Any]:
    """New arrays are made in this computer's memory, where JAX was not told to do without its processor."""
    try:
        host: AbstractContextManager[Any] = jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:
        return nullcontext()
    return host


def tokens_of(training: Training, call: tuple[int, int], longest: int, how: Execution) -> Any:
    """Batches [K, B, T + 1] of one call, zero beyond its steps."""
    (first, n), plan, order = call, training.plan, training.order
    if how.mesh is not None:

        def rows(start: int, stop: int) -> Any:
            if start >= n * plan.batch:
                return np.zeros((stop - start, plan.sequence + 1), np.int32)
            return order.batch(first * plan.batch + start, first * plan.batch + stop)

        return mesh.batches(rows, longest, plan.batch, plan.sequence + 1, how.mesh)
    tokens = np.zeros((longest, plan.batch, plan.sequence + 1), np.int32)
    tokens[:n] = order.batch(first * plan.batch, (first + n) * plan.batch).reshape(n, plan.batch, -1)
    return tokens
