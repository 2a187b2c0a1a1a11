"""The thread that feeds one sink, so that a slow or broken one never holds up a run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from leaven.engine.metrics.sink import Sink

PATIENCE = 30.0
"""Seconds that a sink has at the end of a run to take in what it was told."""

Call = Callable[[Sink], None]


class Feed:
    """Calls the sink in order. `warn` is told once if it breaks; from then on it hears nothing."""

    def __init__(self, sink: Sink, warn: Callable[[str], None]) -> None:
        self.sink, self._warn = sink, warn
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._broken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"metrics to {sink.name}", daemon=True)
        self._thread.start()

    def put(self, call: Call) -> None:
        if not self._broken.is_set():
            self._calls.put(call)

    def close(self, patience: float = PATIENCE) -> None:
        """Wait until all is told, but no longer than `patience` seconds."""
        self._calls.put(None)
        self._thread.join(patience)
        if self._thread.is_alive():
            self._break(f"{self.sink.name} did not take in all that was measured within {patience:.0f} s")

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self._try(call)
            if self._calls.empty():
                self._try(lambda sink: sink.flush())
        self._try(lambda sink: sink.close(), anyhow=True)

    def _try(self, call: Call, anyhow: bool = False) -> None:
        if self._broken.is_set() and not anyhow:
            return
        try:
            call(self.sink)
        except Exception as error:  # of a library whose errors are its own
            what = " ".join(str(error).split()) or type(error).__name__
            self._break(f"{self.sink.name} cannot be told what is measured: {what}")

    def _break(self, what: str) -> None:
        if not self._broken.is_set():
            self._broken.set()
            self._warn(f"{what}; the run goes on, and a later run of the study tells it what is missing")
