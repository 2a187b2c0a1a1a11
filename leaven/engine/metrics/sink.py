"""Where what is measured is sent besides the file of events: a place where people look at curves.

A sink is driven by one thread of its own (`feed.py`), told in the order of the events, and may fail: then it is left
alone. Invariant: a sink asks the place what it holds already, so it may be told again what an earlier run of the study
told it, and nothing is there twice.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from leaven.engine.metrics.places import Places
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.progress import Row
from leaven.study.step import Step


class Sink(Protocol):
    """One place. Whatever a method raises ends the sink, not the run."""

    @property
    def name(self) -> str:
        """For people."""

    def started(self, study: str, run: int) -> None:
        """A run of the study begins; `run` counts from 1. Always the first call."""

    def measured(self, step: Step, row: Row, moment: float) -> None:
        """A stage measured a row, at `moment` seconds since 1970; rows of a stage come in order."""

    def ended(self, step: Step, outcome: str, summary: Mapping[str, Any]) -> None:
        """A step is "finished" or "failed". `summary`: `effects` of the verdict (rows of its comparisons)."""

    def flush(self) -> None:
        """Nothing more comes for the moment."""

    def close(self) -> None:
        """The run is over."""


@dataclass(frozen=True)
class Kind:
    """A kind of sink: the module and function that open it, and the package it needs."""

    module: str
    package: str
    extra: str


KINDS: Mapping[str, Kind] = {
    "tensorboard": Kind("leaven.engine.metrics.to_tensorboard", "tensorboard", "tensorboard"),
    "wandb": Kind("leaven.engine.metrics.to_wandb", "wandb", "wandb"),
    "mlflow": Kind("leaven.engine.metrics.to_mlflow", "mlflow", "mlflow"),
}

Opener = Callable[[Path, Places], Sink]


def openers(words: str) -> list[Opener]:
    """The sinks of `--metrics`: `tensorboard,wandb,mlflow`, in that order, each once; none for an empty text.

    Each is opened with the study's folder and the places of its stages. Raises BadInput for a sink that is unknown or
    whose package is not installed, before anything is run.
    """
    names = [word.strip() for word in words.split(",") if word.strip()]
    for name in names:
        if name not in KINDS:
            raise BadInput(
                f'there is no metrics sink "{name}"{did_you_mean(name, KINDS)}',
                field="--metrics",
                fix=f"Known: {', '.join(KINDS)}.",
            )
    return [_opener(name, kind) for name, kind in KINDS.items() if name in names]


def _opener(name: str, kind: Kind) -> Opener:
    try:
        importlib.import_module(kind.package)
        opened: Opener = importlib.import_module(kind.module).open_sink
    except ImportError as error:
        raise BadInput(
            f"the package {kind.package} cannot be used: {error}",
            field="--metrics",
            fix=f'Install it: pip install "leaven[{kind.extra}]". The file events.jsonl is written without it.',
        ) from None
    return opened
