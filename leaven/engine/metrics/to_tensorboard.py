"""TensorBoard event files in `RUNS/<study>/tensorboard/<size>/<variant>/seed-N-…`: `tensorboard --logdir` shows them.

The axis is tokens since the run's first stage began. A row is one event, so it is there whole or not at all; each run
of the study adds a file to the folder, and looks first which rows the files of the runs before it hold. The verdict's
effects are in `…/<variant>/verdict-…`, at 0 tokens. The names end with digits of the identity: of the last stage, of
the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from leaven.engine.metrics.effects import numbers, of_curve
from leaven.engine.metrics.places import DIGITS, Places, values
from leaven.ground.progress import Row
from leaven.study.step import Step

FOLDER = "tensorboard"


@dataclass
class _Folder:
    """Files of one curve. `held`: (tokens, name) of the numbers in them."""

    path: Path
    held: set[tuple[int, str]] = field(default_factory=set)
    writer: Any = None

    def add(self, at: int, numbers: Mapping[str, float], time: float) -> None:
        """Write what is not there yet, as one event."""
        new = {name: number for name, number in numbers.items() if (at, name) not in self.held}
        if not new:
            return
        if self.writer is None:
            self.writer = EventFileWriter(str(self.path))
        summary = Summary(value=[Summary.Value(tag=name, simple_value=number) for name, number in new.items()])
        self.writer.add_event(Event(wall_time=time, step=at, summary=summary))
        self.held |= {(at, name) for name in new}


class TensorBoard:
    name = "TensorBoard"

    def __init__(self, folder: Path, places: Places) -> None:
        self._root, self._places = folder / FOLDER, places
        self._folders: dict[tuple[str, ...], _Folder] = {}

    def started(self, study: str, run: int) -> None:
        """Files appear with the first row."""

    def measured(self, step: Step, row: Row, moment: float) -> None:
        for place in self._places.of(step):
            self._folder(*place.curve.path).add(place.tokens + int(row["tokens"] or 0), values(row), moment)

    def ended(self, step: Step, outcome: str, summary: Mapping[str, Any]) -> None:
        effects = summary.get("effects", ())
        for curve in self._places.all() if effects else ():
            for effect in of_curve(effects, curve):
                self._folder(*curve.path[:-1], f"verdict-{step.identity[:DIGITS]}").add(0, numbers(effect), 0.0)

    def flush(self) -> None:
        for folder in self._folders.values():
            if folder.writer is not None:
                folder.writer.flush()

    def close(self) -> None:
        for folder in self._folders.values():
            if folder.writer is not None:
                folder.writer.close()

    def _folder(self, *parts: str) -> _Folder:
        if parts not in self._folders:
            path = self._root.joinpath(*parts)
            self._folders[parts] = _Folder(path, _held(path))
        return self._folders[parts]


def _held(path: Path) -> set[tuple[int, str]]:
    """(tokens, name) of every number in the files of a folder; the reader stops where a killed run left off."""
    found = set()
    for file in sorted(path.glob("events.out.tfevents.*")):
        for data in RawEventFileLoader(str(file)).Load():
            event = Event.FromString(data)
            found |= {(event.step, value.tag) for value in event.summary.value}
    return found


def open_sink(folder: Path, places: Places) -> TensorBoard:
    return TensorBoard(folder, places)
