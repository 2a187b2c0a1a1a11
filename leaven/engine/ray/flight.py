"""An attempt at a step that was submitted to Ray, and whether the one before it came further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaven.engine.ray.fleet import Berth
from leaven.engine.ray.gang import Gang
from leaven.engine.store import Store
from leaven.study.step import Step


@dataclass(frozen=True)
class Flight:
    """A crew on its way. `ticket`: of this attempt; `losses`: attempts before, since it had the checkpoints `kept`;
    `heard`: its messages on the board; `gang`: with the others that train the same stage, of which this is number
    `process`."""

    crew: Sequence[Step]
    berth: Berth
    ticket: str = ""
    losses: int = 0
    kept: tuple[int, ...] = ()
    heard: int = 0
    gang: Gang | None = None
    process: int = 0


def newest(store: Store, crew: Sequence[Step]) -> tuple[int, ...]:
    """The number of each step's newest checkpoint, of which a store on a path tells; -1 without one."""
    states = (store.work / step.identity / "state" for step in crew)
    numbers = ([path.stem.removeprefix("step-") for path in state.glob("step-*.json")] for state in states)
    return tuple(max((int(number) for number in found if number.isdecimal()), default=-1) for found in numbers)
