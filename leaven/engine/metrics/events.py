"""`RUNS/<study>/events.jsonl`: what happened in the runs of a study, one JSON object a line, for other programs.

Every line has `time` (ISO 8601, UTC, milliseconds), `event` and `run` (1 for the first run of the study); lines about
a step also `step` (its name), `identity` and `kind`. The events and what else they have:

run_started    process, host, version, steps, found (how many of them the store had)
step_started   (nothing more)
measured       at (steps of training so far), tokens, learning_rate, train_loss, gradient_norm, tokens_per_second,
               bpb_<source>: what a stage measured (`leaven.train.telling`)
step_finished  seconds, where; `found: true` instead of them for a result that the store had
step_failed    note, where
step_lost      note, where: its machine went away, it begins again
run_finished   outcome (finished, failed, stopped), note, seconds, finished, failed (notes by name)
interrupted    seconds, finished, failed

Invariants: lines are only ever added, each by one write; what a killed run left of a line is cut off when the next one
begins. A file that cannot be written never stops a run.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NAME = "events.jsonl"
BLOCK = 1 << 16


def read(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The events from byte `offset` on, and the offset to go on from. A file that is being written is read up to its
    last whole line, a missing one as empty, one that became shorter from its beginning. Lines that are no event are
    left out."""
    try:
        with path.open("rb") as file:
            if offset > file.seek(0, os.SEEK_END):
                offset = 0
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    whole = data.rfind(b"\n") + 1
    rows = []
    for line in data[:whole].splitlines():
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict) and "event" in row:
                rows.append(row)
    return rows, offset + whole


class Log:
    """The file, open for one run. `warn` is told once if it cannot be written."""

    def __init__(self, path: Path, run: int, warn: Callable[[str], None]) -> None:
        self.path, self.run, self._warn = path, run, warn
        self._broken = False
        """The last write failed, perhaps after a part of its line."""
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            _cut_torn_line(self._file)
        except OSError as error:
            self._failed(error)

    def add(self, event: str, **fields: Any) -> dict[str, Any]:
        """Write an event, and return it."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row = {"time": time, "event": event, "run": self.run, **fields}
        data = json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n"
        if self._file is not None:
            try:
                if self._broken:
                    _cut_torn_line(self._file)
                if os.write(self._file, data) < len(data):
                    raise OSError("only a part of a line was written")
                self._broken = False
            except OSError as error:
                self._failed(error)
        return row

    def _failed(self, error: OSError) -> None:
        if not self._broken:
            self._warn(f"events cannot be written to {self.path}: {error.strerror or error}; the run goes on")
        self._broken = True

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _cut_torn_line(file: int) -> None:
    """Drop what follows the last newline."""
    end = os.lseek(file, 0, os.SEEK_END)
    keep = end
    while keep:
        start = max(0, keep - BLOCK)
        newline = os.pread(file, keep - start, start).rfind(b"\n")
        if newline >= 0:
            keep = start + newline + 1
            break
        keep = start
    if keep < end:
        os.ftruncate(file, keep)
