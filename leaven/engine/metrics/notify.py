"""A command of the user that is told of failures and of the end of a run (`--notify COMMAND`).

It runs without a shell, with the event as JSON on its standard input and LEAVEN_EVENT and LEAVEN_STUDY in its
environment: a mail, a message, a sound. Commands run one after another beside the run, each for LIMIT seconds at most;
what a command leaves running goes on. Where they are slow, failures that still wait when a run ends give way to its
end, which lists them all. Invariant: nothing that a command does changes how the run goes or ends.
"""

from __future__ import annotations

import json
import os
import queue
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

from leaven.ground.errors import BadInput

LIMIT = 30.0
"""Seconds that a command may take."""
MOST = 20
"""Failures of steps that a run tells one by one; the end of the run lists them all."""
LAST = 4096
"""Bytes at the end of what a command complains of, in which the last line is looked for."""
TOLD = frozenset({"step_failed", "run_finished", "interrupted"})


def parse(command: str) -> list[str]:
    """Words of a command line; empty for none. Raises BadInput where it cannot be run."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadInput(f"the command cannot be read: {error}", field="--notify") from None
    if words and shutil.which(words[0]) is None:
        raise BadInput(
            f'there is no program "{words[0]}"',
            field="--notify",
            fix='Give a program and its arguments, e.g. --notify "mail -s leaven me@example.org".',
        )
    return words


class Notifier:
    """Of one run; used from one thread."""

    def __init__(self, words: list[str], study: str, warn: Callable[[str], None], limit: float = LIMIT) -> None:
        self._words, self._study, self._warn, self._limit = words, study, warn, limit
        self._failures = 0
        self._events: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._until = float("inf")

    def tell(self, event: Mapping[str, Any]) -> None:
        """Run the command if the event is one it is told of."""
        if not self._words or event["event"] not in TOLD:
            return
        if event["event"] == "step_failed":
            self._failures += 1
            if self._failures > MOST:
                return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notify", daemon=True)
            self._thread.start()
        self._events.put(event)

    def close(self) -> None:
        """Wait for the commands: for those of failures as long as one may take, then for that of the end of the run."""
        if self._thread is None:
            return
        self._until = time.monotonic() + self._limit
        self._events.put(None)
        self._thread.join(2 * self._limit + 5)

    def _run(self) -> None:
        longest, left_out = 0.0, 0
        while (event := self._events.get()) is not None:
            began = time.monotonic()
            if event["event"] == "step_failed" and began + longest > self._until:
                left_out += 1  # it would keep the end of the run from being told
                continue
            with tempfile.TemporaryFile() as said:
                self._command(event, said)
            longest = max(longest, time.monotonic() - began)
        if left_out:
            self._warn(f"the command of --notify was too slow: failures that it was not told of one by one: {left_out}")

    def _command(self, event: Mapping[str, Any], said: IO[bytes]) -> None:
        """`said`: a file for its complaints: a pipe would end only with all that the command leaves behind."""
        line = json.dumps({"study": self._study, **event}, ensure_ascii=False) + "\n"
        data = line.encode("utf-8", "backslashreplace")
        environment = {**os.environ, "LEAVEN_EVENT": event["event"], "LEAVEN_STUDY": self._study}
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=environment,
                start_new_session=True,  # Ctrl-C ends the run, and this is told of it
            )
        except OSError as error:
            self._warn(f"the command of --notify cannot be run: {error.strerror}")
            return
        failed = event["event"] == "step_failed"
        seconds = max(1.0, min(self._limit, self._until - time.monotonic())) if failed else self._limit
        with process:
            try:
                process.communicate(data, timeout=seconds)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                self._warn(f"the command of --notify took longer than {seconds:.0f} s and was ended")
                return
        if process.returncode:
            said.seek(max(0, said.seek(0, os.SEEK_END) - LAST))
            last = said.read(LAST).decode(errors="replace").strip().splitlines()[-1:] or [""]
            self._warn(f"the command of --notify ended with code {process.returncode}: {last[0][:200]}".rstrip(": "))
