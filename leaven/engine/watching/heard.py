"""What a run has said in `events.jsonl`, folded step by step as it is said.

What an earlier run of the study measured stays: a stage that goes on from a checkpoint continues its curve. What failed
then does not: the next run tries again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

BPB = "bpb_"
RECENT = 60.0
"""Seconds after which a speed is not one of now."""


@dataclass(slots=True)
class Point:
    """Of a stage's curve. `time`: seconds since 1970; `speed`: tokens a second there, where it is known."""

    time: float
    loss: float | None
    bpb: dict[str, float]
    speed: float | None


@dataclass
class Told:
    """What was said of one step. `last`: (seconds since 1970, tokens) of what this run measured last; `since`,
    `trained`: when it began to measure how fast it trains, and the tokens from there to the last."""

    lost: int = 0
    failure: str | None = None
    finished: bool = False
    points: dict[int, Point] = field(default_factory=dict)
    """By tokens: what is trained again after a loss takes the place of what was there."""
    last: tuple[float, int] | None = None
    since: float = 0.0
    trained: int = 0


class Heard:
    """Everything said so far. `process`: of the run that spoke last, on `host`; None once it said that it ended."""

    def __init__(self) -> None:
        self.steps: dict[str, Told] = {}
        self.process: int | None = None
        self.host = ""

    def of(self, identity: str) -> Told:
        return self.steps.setdefault(identity, Told())

    def hear(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in further events, in order. What is not understood is left out: a newer leaven may have written it."""
        for row in rows:
            event, time = row.get("event"), _seconds(row.get("time"))
            if event == "run_started":
                self._begin(row)
            elif event in ("run_finished", "interrupted"):
                self.process = None
            elif isinstance(identity := row.get("identity"), str):
                self._step(self.of(identity), str(event), time, row)

    def _begin(self, row: Mapping[str, Any]) -> None:
        process = row.get("process")
        self.process, self.host = process if isinstance(process, int) else None, str(row.get("host") or "")
        for told in self.steps.values():
            told.lost, told.failure, told.finished, told.last, told.trained = 0, None, False, None, 0

    def _step(self, told: Told, event: str, time: float, row: Mapping[str, Any]) -> None:
        if event == "measured":
            self._measured(told, time, row)
        elif event == "step_finished":
            told.finished = True
        elif event == "step_failed":
            told.failure = str(row.get("note") or "")
        elif event == "step_lost":
            told.lost += 1

    def _measured(self, told: Told, time: float, row: Mapping[str, Any]) -> None:
        tokens = _number(row.get("tokens"))
        if tokens is None:
            return
        bpb = {
            name.removeprefix(BPB): value
            for name in row
            if name.startswith(BPB) and (value := _number(row[name])) is not None
        }
        at = int(tokens)
        speed = _number(row.get("tokens_per_second"))
        told.points[at] = Point(time, _number(row.get("train_loss")), bpb, speed)
        # Without a speed it is the curve of a stage that ended or stopped before, told late and all at once.
        if speed is not None and told.last and at > told.last[1]:
            told.since = told.since if told.trained else told.last[0]
            told.trained += at - told.last[1]
        told.last = time, at

    def speed_now(self, identities: Iterable[str], now: float) -> float:
        """Tokens a second of these stages together, by what each said last; one that has been silent counts nothing."""
        total = 0.0
        for identity in identities:
            told = self.of(identity)
            if told.last and now - told.last[0] <= RECENT:
                total += told.points[told.last[1]].speed or 0.0
        return total

    def speed_mean(self) -> float:
        """Tokens a second of this run while any stage trained; 0 where too little was measured to know."""
        spans = sorted(
            (told.since, told.last[0], told.trained) for told in self.steps.values() if told.last and told.trained
        )
        seconds, until = 0.0, float("-inf")
        for begin, end, _ in spans:
            seconds += max(0.0, end - max(begin, until))
            until = max(until, end)
        return sum(tokens for _, _, tokens in spans) / seconds if seconds > 0 else 0.0


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


def _seconds(text: object) -> float:
    """Seconds since 1970 of an ISO time; 0 for anything else."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
