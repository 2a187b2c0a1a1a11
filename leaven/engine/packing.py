"""Which stages are trained together in one program, how many, and whether that is faster here.

A small model leaves most of an accelerator idle, and many of one shape fill it; a core of a processor is busy with one
model already. So on the processor stages run one by one unless the user says otherwise, and on an accelerator what is
faster is measured, once for each shape and kind of device, and kept in the store's cache.
Invariant: none of this is part of an identity; a stage's data order and checkpoints are its own either way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leaven.engine.devices import Device
from leaven.engine.estimate import rate_key, training_bytes
from leaven.engine.store import Store
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.study.step import Graph, Step
from leaven.train.kept import steps as kept_steps

MOST = 64
"""Stages in one program at most, where nobody asks for more."""
FASTER = 1.1
"""Times the tokens a second of one after another from which on stages are trained together."""
SHARE = 0.85
"""Of a device's memory that a program of many models may be expected to take."""
OWN = ("seed", "mixture", "schedule", "carry", "cursor", "kind", "curve")
"""Fields in which the stages of one program may differ; of the curve, in what is measured but not when."""


def wanted(word: str) -> int | None:
    """What `--pack` says: None to find out, 1 for off, or a number. Raises BadInput."""
    if word in ("auto", "off"):
        return None if word == "auto" else 1
    if not word.isdecimal() or int(word) < 1:
        raise BadInput(f'"{word}" is neither auto, off nor a number of stages', field="--pack")
    return int(word)


def shape_of(step: Step) -> str:
    """Equal for stages that can be members of one program (`leaven.train.packed.shape_of`, from the step alone)."""
    common = {name: value for name, value in step.fields.items() if name not in OWN}
    every, words = step.fields["curve"]["every"], step.inputs["tokenizer"]
    return json.dumps({**common, "every": every, "tokenizer": words}, sort_keys=True)


def program_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What decides how fast a stage trains."""
    return {name: fields[name] for name in ("model", "batch", "sequence", "precision")}


def resumes_at(store: Store, step: Step) -> int:
    """The step of a stage's newest checkpoint, 0 without any: members of one program go on from one step."""
    return max(kept_steps(store.work / step.identity / "state"), default=0)


@dataclass(frozen=True)
class Figure:
    """Tokens a second of one model alone, and of so many together; `tried`: as many as there was a use for."""

    device: str
    alone: float
    together: Mapping[int, float]
    tried: int

    @property
    def best(self) -> int:
        """As many together as give the most tokens a second; 1 where none fit."""
        return max(self.together, key=lambda size: self.together[size], default=1)

    @property
    def gain(self) -> float:
        """Of the best against one after another."""
        return self.together.get(self.best, self.alone) / self.alone


@dataclass
class Figures:
    """What was measured on this computer's devices, by program and device."""

    path: Path
    rows: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(store: Store) -> Figures:
        """Those that the store's cache keeps. What cannot be read is measured again."""
        path = store.cache / "packing.json"
        try:
            rows = read_json(path)
        except (OSError, ValueError):
            rows = {}
        return Figures(path, rows if isinstance(rows, dict) else {})

    def get(self, program: Mapping[str, Any], device: Device) -> Figure | None:
        """What is known of a program on a device."""
        try:
            row = self.rows[_key(program, device)]
            together = {int(size): float(rate) for size, rate in row["together"].items()}
            return Figure(str(row["device"]), float(row["alone"]), together, int(row["tried"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def add(self, program: Mapping[str, Any], device: Device, figure: Figure) -> None:
        """Remember it, in the store's cache too."""
        self.rows[_key(program, device)] = {**asdict(figure), "program": dict(program)}
        write_json(self.path, self.rows)

    def rates(self, stages: Iterable[Step], device: Device) -> dict[str, float]:
        """Expected tokens a second of stages, as `leaven.engine.estimate` asks for them."""
        shapes = {rate_key(step.fields, device.kind): step.fields for step in stages}
        known = {key: self.get(program_of(fields), device) for key, fields in shapes.items()}
        return {
            key: figure.alone * (figure.gain if figure.gain >= FASTER else 1.0)
            for key, figure in known.items()
            if figure
        }


def _key(program: Mapping[str, Any], device: Device) -> str:
    return identity({**program, "device": device.kind, "devices": device.count, "jax": version("jax")})


@dataclass(frozen=True)
class Packing:
    """`size`: stages in one program at most. `measure`: so many should be measured first. `words`: why, for people."""

    size: int
    words: str
    gain: float | None = None
    measure: int = 0


def decide(
    asked: int | None, fields: Mapping[str, Any], ready: int, device: Device, figures: Figures, name: str = "this shape"
) -> Packing:
    """How many stages of one shape go into one program.

    Args:
        asked: from `wanted`.
        ready: stages of the shape that can run at the same time.
        name: of the shape, for `words`.
    """
    if asked == 1:
        return Packing(1, "off: stages one by one")
    if asked:
        return Packing(asked, f"up to {asked} stages of one shape together, as asked for")
    if not device.accelerates:
        return Packing(1, "stages one by one: together they are no faster on one core (--pack N packs all the same)")
    if ready < 2:
        return Packing(1, f"stages of {name} one by one: no two of one shape are ready at the same time")
    most = _most(fields, ready, device)
    if most < 2:
        return Packing(1, f"stages of {name} one by one: two do not fit into the memory of {device.kind}")
    figure = figures.get(program_of(fields), device)
    if figure is None or (most > figure.tried and figure.best == figure.tried):
        words = f"stages of {name}: not measured yet on {device.kind}; the run does before it trains the first"
        return Packing(1, words, measure=most)
    if figure.gain < FASTER:
        least = "two do not fit" if figure.best < 2 else f"{figure.best} together reach {figure.gain:.2f}× the tokens/s"
        return Packing(1, f"stages of {name} one by one: {least} (measured on {device.kind})", figure.gain)
    return Packing(
        figure.best,
        f"{min(figure.best, ready)} stages of {name} together: {figure.gain:.1f}× the tokens/s of one after another "
        f"(measured on {device.kind})",
        figure.gain,
    )


def _most(fields: Mapping[str, Any], ready: int, device: Device) -> int:
    """The largest power of two of models that are ready and are expected to fit into the device's memory."""
    most = min(ready, MOST)
    if device.memory:
        most = min(most, int(device.memory * SHARE // training_bytes(fields)))
    return 1 << max(most, 1).bit_length() - 1


def width(graph: Graph, missing: Collection[str], shape: str) -> int:
    """How many of the missing stages of a shape can be ready at the same time: those as deep in the graph."""
    depth: dict[str, int] = {}
    count: Counter[int] = Counter()
    for step_id, step in graph.steps.items():
        depth[step_id] = max((depth[parent] for parent in step.inputs.values()), default=0) + (step.kind == "stage")
        if step_id in missing and step.kind == "stage" and shape_of(step) == shape:
            count[depth[step_id]] += 1
    return max(count.values(), default=0)
