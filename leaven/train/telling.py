"""What a stage tells while it trains: how far it is, the rows of its curve, and between them about one a second.

Rows have `step`, `tokens`, `learning_rate`, `train_loss`, `gradient_norm`, `bpb_<source>` of the curve, and
`tokens_per_second`. Invariants: every row of the curve is told once by each process that trains the stage, in order;
one that resumes tells those of its checkpoint too, because who told them first may not have been heard. Telling
changes no result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from leaven.ground.progress import Progress, Row
from leaven.train.cost import Clock
from leaven.train.training import Training

EVERY = 1.0
"""Seconds between two rows, where the curve has none."""


class Teller:
    """Tells `progress` of one stage. Made when the stage is begun or restored."""

    def __init__(self, training: Training, progress: Progress, clock: Clock) -> None:
        self._training, self._progress, self._clock = training, progress, clock
        self._rows = self._losses = self._norms = 0
        """How many rows of the curve were told, and how many of the steps since its last row are in one already."""
        self._done, self._worked, self._last = training.done, clock.working(), time.monotonic()

    def tell(self) -> None:
        """After every chunk: once, or once for each row that is due."""
        rows: list[Row] = self._new_rows()
        if not rows and time.monotonic() - self._last >= EVERY:
            rows.append(self._running())
        training, plan = self._training, self._training.plan
        a_step = plan.batch * plan.sequence
        note = f"loss {training.last:.3f}"
        due: Sequence[Row | None] = rows or [None]
        for row in due:
            self._progress(training.done * a_step, plan.steps * a_step, note, measured=row)
        if rows:
            self._losses, self._norms = len(training.losses), len(training.norms)

    def _new_rows(self) -> list[Row]:
        """Rows of the curve that this process has not told; it made the last of them only if one is due now."""
        training = self._training
        count = len(training.curve["step"])
        rows: list[Row] = []
        for index in range(self._rows, count):
            row = {name: column[index] for name, column in training.curve.items()}
            rate = self._rate() if training.measures_now and index == count - 1 else None
            rows.append({**row, "tokens_per_second": rate})
        self._rows = count
        return rows

    def _running(self) -> Row:
        """The steps since the last row: mean loss and gradient norm, as those of the curve are means."""
        training, plan = self._training, self._training.plan
        return {
            "step": training.done,
            "tokens": training.done * plan.batch * plan.sequence,
            "learning_rate": training.rate(training.done - 1),
            "train_loss": _mean(training.losses[self._losses :]),
            "gradient_norm": _mean(training.norms[self._norms :]),
            "tokens_per_second": self._rate(),
        }

    def _rate(self) -> float | None:
        """Tokens a second since the last row, compilation left out; None where no time passed."""
        training, plan = self._training, self._training.plan
        worked = self._clock.working()
        tokens, seconds = (training.done - self._done) * plan.batch * plan.sequence, worked - self._worked
        self._done, self._worked, self._last = training.done, worked, time.monotonic()
        return tokens / seconds if seconds > 0 else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
