"""A job as its driver knows it: what it has to do, what it has said, and since when it is silent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.engine.slurm.asking import Job
from leaven.engine.slurm.batch import Batch, Listener
from leaven.engine.slurm.needs import Needs


@dataclass
class Program:
    """Steps in one job.

    Attributes:
        waiting: steps of this run whose exit has not been heard; `over`: those whose exit has.
        adopted: whether an earlier run submitted it.
        begun: how often the job began; Slurm may begin it again by itself.
        retries: how often it was submitted again.
    """

    order: Mapping[str, Any]
    needs: Needs
    waiting: set[str]
    adopted: bool = False
    laid: Batch | None = None
    place: int = 0
    begun: int = 0
    retries: int = 0
    over: set[str] = field(default_factory=set)
    node: str = ""
    _listener: Listener | None = None
    _ended: float | None = None

    def lay(self, laid: Batch, place: int) -> None:
        """It is element `place` of a batch from now on."""
        self.laid, self.place, self._listener = laid, place, Listener(laid.said(place))
        self.begun, self._ended = 0, None

    def hear(self, log: Callable[[str], Path]) -> list[dict[str, Any]]:
        """What its steps have said since the last time, those of this run. `log`: where a step writes."""
        heard: list[dict[str, Any]] = []
        for message in self._listener.hear() if self._listener else ():
            step, event = message["identity"], message["event"]
            if event == "where":
                self.node = message["where"]
                self.begun += step == self.order["members"][0]["identity"]
                if self.begun > 1:
                    again = {"identity": step, "event": "lost", "note": "Slurm began its job again"}
                    heard += [again] if step in self.waiting else []
            if step in self.waiting:
                if event == "exit" and message["code"] == -9:
                    heard.append({"identity": step, "event": "failed", "note": self._killed(log(step)), "code": 1})
                heard.append(message)
            if event == "exit":
                self.over.add(step)
                self.waiting.discard(step)
        return heard

    def _killed(self, log: Path) -> str:
        return (
            f"its process on {self.node} was killed: perhaps it needs more memory than {self.needs.memory_words()}\n"
            f"  --slurm mem=… asks for more. Log: {log}"
        )

    def is_silent(self, job: Job, grace: float) -> bool:
        """Whether the job, as Slurm tells of it now, is over and will say no more.

        A job that ended by itself has had its last word, which a network disk may show `grace` seconds late; so may
        Slurm show a job that was just submitted.
        """
        if job.number and not job.ended:
            self._ended = None
            return False
        if self._ended is None:
            self._ended = time.monotonic()
        by_itself = job.state in ("COMPLETED", "FAILED", "UNKNOWN")
        return time.monotonic() - self._ended >= (grace if by_itself else 0.0)
