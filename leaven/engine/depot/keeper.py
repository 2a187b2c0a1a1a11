"""What is sent while a step runs: its newest checkpoint and its log, by a thread, so that another machine can go on.

Nothing here may stop the step: what cannot be sent now is sent the next time, and what is refused is said once in the
step's log.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from leaven.engine.depot.patience import Patience
from leaven.engine.depot.remote import Remote
from leaven.engine.depot.saved import log_name, merged, send_newest
from leaven.ground.errors import BadInput, LeavenError

PATIENCE = 15.0
"""Seconds one request of the thread is tried again: it comes back anyway."""


class Keeper:
    """Sends `state` and `log` of a step every `every` seconds between `start` and `stop`."""

    def __init__(self, remote: Remote, step_id: str, state: Path, log: Path, every: float) -> None:
        self._ended = threading.Event()
        self._meanwhile = remote.with_patience(Patience(PATIENCE, self._pause))
        self._at_last = remote.with_patience(Patience(PATIENCE))
        self.step_id, self.state, self.log, self.every = step_id, state, log, every
        self._sent, self._logged, self._before = -1, -1, b""
        self._said = False
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits for what it is sending."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def send(self) -> None:
        """Send what is new; to be called after `stop`, too. Says in the log why it cannot."""
        remote = self._at_last if self._ended.is_set() else self._meanwhile
        try:
            if self.state.is_dir():
                self._sent = send_newest(remote, self.step_id, self.state, self._sent)
            self._send_log(remote)
        except BadInput as error:
            self._say(error)
        except (LeavenError, OSError):
            pass  # a network that is down, a disk that is full: the step will meet it, or it passes

    def _send_log(self, remote: Remote) -> None:
        """Send the log, beside those of executions on other machines. Raises LeavenError, OSError."""
        try:
            ours = self.log.read_bytes()
        except FileNotFoundError:
            return
        if len(ours) == self._logged:
            return
        if self._logged < 0:
            with contextlib.suppress(FileNotFoundError):
                self._before = remote.read(log_name(self.step_id))
        remote.write(log_name(self.step_id), merged(self._before, ours))
        self._logged = len(ours)

    def _work(self) -> None:
        while not self._ended.wait(self.every):
            self.send()

    def _pause(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise LeavenError("the step has ended")

    def _say(self, error: BadInput) -> None:
        if not self._said:
            self._said = True
            with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8", errors="backslashreplace") as log:
                print(f"checkpoints are kept on this machine only: {error}", file=log)
