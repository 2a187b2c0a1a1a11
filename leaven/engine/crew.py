"""Who shares a process: a step by itself, or stages of one shape in one program.

Before the first stages of a shape share an accelerator, it is measured whether they should; stages of that shape wait
for it, everything else goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from leaven.engine import packing
from leaven.engine.devices import uses_model
from leaven.engine.estimate import bytes_of
from leaven.engine.executor import Places, Seat
from leaven.engine.packing import Figures
from leaven.engine.ready import Lane
from leaven.engine.state import State
from leaven.engine.store import Store
from leaven.engine.trial import Trial
from leaven.study.step import Step


class Crews:
    """Of one run. `pack`: what the user said (`packing.wanted`)."""

    def __init__(self, state: State, store: Store, room: Places, pack: int | None, figures: Figures) -> None:
        self.state, self.store, self.room, self.pack, self.figures = state, store, room, pack, figures
        self.trial: tuple[Trial, Seat] | None = None
        self.failed: list[dict[str, Any]] = []
        """Programs that could not be measured."""
        self.shapes: dict[str, str] = {}

    def lane(self, step: Step) -> Lane:
        """Where a step waits: with those of its kind that ask the same of the room, and that may share its process.

        Where it may run is decided by the files it is told of, and by where its documents and answers come from
        (`leaven.engine.reach`).
        """
        files = json.dumps(step.execution, sort_keys=True, default=str) if step.execution else ""
        origin = step.identity if step.kind == "read" else step.fields.get("judge")
        shape = self._shape(step) if self._may_share(step) else ""
        return step.kind, bytes_of(step, self.state.device), files, origin, shape

    def of(self, step: Step, ready: Iterable[Step]) -> list[Step]:
        """The step with those of the other ready ones that are to share its process; none while it has to wait."""
        device = self.state.device
        if self._on_device(step) and not self.room.device_is_free:
            return []
        if not self._may_share(step):
            return [step]
        shape, at = self._shape(step), packing.resumes_at(self.store, step)
        mates = [other for other in ready if other.kind == "stage" and self._shape(other) == shape]
        crew = [step, *(mate for mate in mates if packing.resumes_at(self.store, mate) == at)]
        choice = packing.decide(self.pack, step.fields, len(crew), device, self.figures)
        if choice.measure and packing.program_of(step.fields) not in self.failed:
            self._begin(step, choice.measure)
            return []
        return crew[: choice.size]

    def seat(self, crew: list[Step]) -> Seat | None:
        """Room for a crew, which loses members until there is; None if there is none for anybody."""
        while crew:
            needed = bytes_of(crew[0], self.state.device, len(crew))
            seat = self.room.take(crew[0], needed, self._on_device(crew[0]), whatever=len(crew) == 1)
            if seat:
                return seat
            crew.pop()
        return None

    def look(self) -> None:
        """Take in what was measured, if it is over."""
        if self.trial is None or not self.trial[0].over():
            return
        trial, seat = self.trial
        figure = trial.figure()
        if figure:
            self.figures.add(trial.program, self.state.device, figure)
        else:
            self.failed.append(trial.program)
        self.room.give_back(seat)
        self.trial, self.state.note = None, ""

    def stop(self) -> None:
        """End what is being measured."""
        if self.trial:
            self.trial[0].stop()

    def _begin(self, step: Step, models: int) -> None:
        seat = self.room.take(step, bytes_of(step, self.state.device, models), device=True)
        if seat:
            cache, log = self.store.cache.resolve() / "xla", self.store.logs / "packing.log"
            self.trial = Trial(packing.program_of(step.fields), models, self.state.device, cache, log), seat
            self.state.note = f"measuring whether {models} stages in one program are faster"

    def _may_share(self, step: Step) -> bool:
        """Whether it may be asked at all if others are to share its process."""
        return step.kind == "stage" and self.pack != 1 and (self.pack is not None or self.state.device.accelerates)

    def _shape(self, step: Step) -> str:
        if step.identity not in self.shapes:
            self.shapes[step.identity] = packing.shape_of(step)
        return self.shapes[step.identity]

    def _on_device(self, step: Step) -> bool:
        return self.state.device.accelerates and uses_model(step)
