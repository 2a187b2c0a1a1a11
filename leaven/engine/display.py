"""What a person sees while steps run: bars with rate and remaining time on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from leaven.engine.state import Running, State
from leaven.study.amounts import short

PHASES = (
    ("corpus", ("read", "source", "corpus")),
    ("tokenizer", ("tokenizer", "shards", "suite")),
    ("stages", ("stage",)),
    ("evaluate", ("evaluate",)),
    ("judge", ("prompts", "complete", "judge")),
    ("verdict", ("verdict",)),
)
PLAIN_EVERY = 15.0
"""Seconds between two summary lines where the output is not a terminal."""


def clock(seconds: float) -> str:
    """`2:10`, `1:02:10`."""
    whole = int(seconds + 0.5)
    head = f"{whole // 3600}:{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"{head}:{whole % 60:02d}"


class Display:
    """Give its `watch` to the scheduler; use it as a context manager."""

    def __init__(self, console: Console | None = None, quiet: bool = False) -> None:
        self.console = console or Console(stderr=False)
        self.live = (
            Live(console=self.console, refresh_per_second=6, transient=True)
            if self.console.is_terminal and not quiet
            else None
        )
        self.quiet = quiet
        self.told: set[str] = set()
        self.last = time.monotonic()

    def __enter__(self) -> Display:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def watch(self, state: State) -> None:
        if self.quiet:
            return
        if self.live:
            self.live.update(_table(state))
        else:
            self._plain(state)

    def _plain(self, state: State) -> None:
        for step_id in [s for s in state.finished if s not in self.told and s not in state.existed]:
            self.told.add(step_id)
            print(f"  {clock(time.monotonic() - state.started):>7}  done    {state.graph.steps[step_id].name}")
        for step_id in [s for s in state.failed if s not in self.told]:
            self.told.add(step_id)
            print(f"  {clock(time.monotonic() - state.started):>7}  failed  {state.graph.steps[step_id].name}")
        now = time.monotonic()
        if now - self.last >= PLAIN_EVERY and (state.running or state.note):
            self.last = now
            running = ", ".join([*_told(state.running.values()), *([state.note] if state.note else [])])
            print(
                f"  {clock(now - state.started):>7}  {len(state.finished)}/{len(state.graph.steps)} steps, "
                f"about {clock(state.remaining())} left · {running}"
            )
        sys.stdout.flush()


def _told(runs: Iterable[Running]) -> list[str]:
    """Steps and how far they are, a program of many stages in a few words."""
    programs: dict[str, list[Running]] = {}
    for run in runs:
        programs.setdefault(run.program or run.step.identity, []).append(run)
    told = []
    for crew in programs.values():
        more = f" and {len(crew) - 1} more in one program" if len(crew) > 1 else ""
        share = f" {crew[0].done / crew[0].total:.0%}" if crew[0].total else ""
        told.append(f"{crew[0].step.name}{more}{share}")
    return told


def _table(state: State) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=10)
    table.add_column(width=22)
    table.add_column(justify="right", width=8)
    table.add_column(overflow="ellipsis", no_wrap=True)
    now = time.monotonic()
    for phase, kinds in PHASES:
        steps = [step for step in state.graph.steps.values() if step.kind in kinds]
        if not steps:
            continue
        done = sum(step.identity in state.finished for step in steps)
        running = [run for run in state.running.values() if run.step.kind in kinds]
        partly = sum(run.done / run.total for run in running if run.total)
        words = []
        if phase == "stages":
            rate = sum(run.done / max(now - run.started, 0.1) for run in running if run.total)
            if rate:
                words.append(f"{short(rate)} tok/s")
        words += [escape(f"{run.step.name}{f' · {run.note}' if run.note else ''}") for run in running]
        if phase == "stages" and state.note:
            words.append(escape(state.note))
        failed = sum(step.identity in state.failed for step in steps)
        if failed:
            words.insert(0, f"[red]{failed} failed[/red]")
        table.add_row(
            f"  {phase}",
            ProgressBar(total=len(steps), completed=done + partly, width=22),
            f"{done}/{len(steps)}",
            " · ".join(words),
        )
    table.add_row("", "", "", f"{clock(now - state.started)} gone · about {clock(state.remaining())} left")
    return table
