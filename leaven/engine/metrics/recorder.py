"""What one run tells: it hears the scheduler's messages, writes the events, feeds the sinks, calls the user's command.

Invariants: a row of a stage is told once, however often the run was killed and whoever computed the stage; nothing
here changes a result, holds up a step or ends a run. Results may differ in no byte with or without it.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from leaven.engine.metrics import events
from leaven.engine.metrics.curves import in_curve, missed
from leaven.engine.metrics.feed import PATIENCE, Feed
from leaven.engine.metrics.notify import Notifier
from leaven.engine.metrics.places import Places
from leaven.engine.metrics.sink import Opener
from leaven.engine.store import Store
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json
from leaven.ground.progress import Row
from leaven.ground.version import __version__
from leaven.study.step import Graph, Step

SPARSE, LONGEST = 1e-3, 60.0
"""Rows between those of the curve are kept about one a second at first, later one for so large a share of the time
since the stage began, and one a minute at least: a stage of a day has some 5,500."""
HEAD = ("time", "event", "run", "step", "identity", "kind", "at")
"""Of the event of a row, what is not of the row."""


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


class Recorder:
    """Use it as a context around the scheduler, and give its `hear` to it. Entering raises BadInput where a sink cannot
    be used as things are.

    Args:
        folder: the study's, where `events.jsonl` is written.
        sinks: what `sink.openers` found for `--metrics`.
        notify: the words of `--notify` (`notify.parse`).
        warn: told in one line of what cannot be told to others.
    """

    def __init__(
        self,
        folder: Path,
        study: str,
        graph: Graph,
        store: Store,
        *,
        sinks: Sequence[Opener] = (),
        notify: Sequence[str] = (),
        warn: Callable[[str], None] = say,
    ) -> None:
        self.folder, self.study, self.graph, self.store = folder, study, graph, store
        self._sinks, self._warn = sinks, warn
        self._notifier = Notifier(list(notify), study, warn)
        self._feeds: list[Feed] = []
        self._rows: dict[str, set[int]] = {step.identity: set() for step in graph.of_kind("stage")}
        """Of each stage, after how many steps of training rows were told."""
        self._finished: set[str] = set()
        self._failed: dict[str, str] = {}
        self._where: dict[str, str] = {}
        self._started: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}
        """When the first and the last row of a stage were heard, in this run."""

    def __enter__(self) -> Recorder:
        self._began = time.monotonic()
        places = Places(self.graph)
        sinks = [open_sink(self.folder, places) for open_sink in self._sinks]
        self._feeds = [Feed(sink, self._warn) for sink in sinks]
        before, _ = events.read(self.folder / events.NAME)
        number = max((row["run"] for row in before if isinstance(row.get("run"), int)), default=0) + 1
        self._log = events.Log(self.folder / events.NAME, number, self._warn)
        self._feed(lambda sink: sink.started(self.study, number))
        self._recall(before)
        found = [step for step in self.graph.steps.values() if self.store.has(step.identity)]
        about = {"process": os.getpid(), "host": socket.gethostname(), "version": __version__}
        self._log.add("run_started", **about, steps=len(self.graph.steps), found=len(found))
        for step in found:
            self._found(step)
        return self

    def hear(self, step: Step, message: Mapping[str, Any]) -> None:
        """What the scheduler tells of a step (`leaven.engine.schedule.run`)."""
        event = message["event"]
        if event == "started":
            self._started[step.identity] = time.monotonic()
            self._add("step_started", step)
        elif event == "measured" and step.identity in self._rows:
            self._measured(step, message["row"])
        elif event == "where":
            self._where[step.identity] = message["where"]
        elif event == "lost":
            self._add("step_lost", step, note=message["note"], where=self._where.pop(step.identity, ""))
        elif event == "ended":
            self._ended(step, message["outcome"], message["note"])

    def _measured(self, step: Step, row: Row) -> None:
        """Take in a row, unless it was told before: a stage that resumes makes some steps again."""
        heard, at, now = self._rows[step.identity], int(row["step"] or 0), time.monotonic()
        if at in heard:
            return
        if not in_curve(step, at):
            since = now - self._first.setdefault(step.identity, now)
            wait = min(LONGEST, since * SPARSE)
            if now - self._last.get(step.identity, -math.inf) < wait or at < max(heard, default=0):
                return
        self._last[step.identity] = now
        self._tell(step, row)

    def _tell(self, step: Step, row: Row) -> None:
        self._rows[step.identity].add(int(row["step"] or 0))
        row = {name: value if value is None or math.isfinite(value) else None for name, value in row.items()}
        told = {name: value for name, value in row.items() if name != "step"}
        event = self._add("measured", step, at=row["step"], **told)
        moment = _seconds(event["time"])
        self._feed(lambda sink: sink.measured(step, row, moment))

    def _ended(self, step: Step, outcome: str, note: str) -> None:
        where = self._where.pop(step.identity, "")
        if outcome == "finished":
            self._complete(step)
            seconds = time.monotonic() - self._started.get(step.identity, time.monotonic())
            self._add("step_finished", step, seconds=round(seconds, 3), where=where)
        else:
            self._failed[step.name] = note
            self._notifier.tell(self._add("step_failed", step, note=note, where=where))
        self._tell_end(step, outcome)

    def _found(self, step: Step) -> None:
        """A result that was in the store when the run began: tell what was not told of it."""
        told = step.identity in self._finished
        self._complete(step)
        if not told:
            self._add("step_finished", step, found=True)
        self._tell_end(step, "finished")

    def _complete(self, step: Step) -> None:
        self._finished.add(step.identity)
        if step.kind == "stage":
            for row in missed(self.store, step, self._rows[step.identity]):
                self._tell(step, row)

    def _tell_end(self, step: Step, outcome: str) -> None:
        if self._feeds:
            summary = {"effects": _effects(self.store, step)} if step.kind == "verdict" else {}
            self._feed(lambda sink: sink.ended(step, outcome, summary))

    def _recall(self, before: Sequence[Mapping[str, Any]]) -> None:
        """What earlier runs told of steps of this study as it is now; the sinks may not have heard it."""
        for event in before:
            step = self.graph.steps.get(str(event.get("identity")))
            if step is None:
                continue
            if event["event"] == "step_finished":
                self._finished.add(step.identity)
            elif event["event"] == "measured" and step.kind == "stage" and isinstance(event.get("at"), int):
                self._rows[step.identity].add(event["at"])
                self._replay(step, event)

    def _replay(self, step: Step, event: Mapping[str, Any]) -> None:
        row = {"step": event["at"], **{name: value for name, value in event.items() if name not in HEAD}}
        moment = _seconds(event["time"])
        self._feed(lambda sink: sink.measured(step, row, moment))

    def _add(self, event: str, step: Step, **fields: Any) -> dict[str, Any]:
        return self._log.add(event, step=step.name, identity=step.identity, kind=step.kind, **fields)

    def _feed(self, call: Callable[[Any], None]) -> None:
        for feed in self._feeds:
            feed.put(call)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = round(time.monotonic() - self._began, 3)
        fields = {"seconds": seconds, "finished": len(self._finished), "failed": self._failed}
        if isinstance(error, KeyboardInterrupt):
            event = self._log.add("interrupted", **fields)
        else:
            outcome = "stopped" if error else "failed" if self._failed else "finished"
            event = self._log.add("run_finished", outcome=outcome, note=str(error or ""), **fields)
        self._notifier.tell(event)
        until = time.monotonic() + PATIENCE
        for feed in self._feeds:
            feed.close(max(0.0, until - time.monotonic()))
        self._notifier.close()
        self._log.close()


def _effects(store: Store, verdict: Step) -> list[dict[str, Any]]:
    """Rows of the verdict's comparisons: variant, baseline, measure, effect, low, high, unit, verdict, …"""
    try:
        return list(read_json(store.file(verdict.identity, "verdict.json"))["comparisons"])
    except (OSError, ValueError, KeyError, LeavenError):
        return []


def _seconds(text: object) -> float:
    """Seconds since 1970 of an ISO time; 0 for anything else."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
