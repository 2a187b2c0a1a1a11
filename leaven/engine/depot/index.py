"""Which steps a depot has: asked for one at a time while the questions are few, listed when they are many.

A step that is there stays there, so a yes is remembered. A no is true for an instant: other machines publish. So after
a listing each identity is answered from it once, and only while it is fresh; asked again, the depot is asked again.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

from leaven.engine.depot.remote import Remote
from leaven.engine.depot.shelf import STEPS, name_of
from leaven.engine.store import MANIFEST

_IDENTITY = re.compile(r"[0-9a-f]{32}")
FEW = 8
"""Single questions in a row that are cheaper than a listing."""
FRESH = 2.0
"""Seconds for which a listing may say no."""


class Index:
    """The finished steps of a depot. `keep`: what to do with a manifest that came with an answer."""

    def __init__(
        self, remote: Remote, keep: Callable[[str, bytes], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.remote, self._keep, self._clock = remote, keep, clock
        self._present: set[str] = set()
        self._answered: set[str] = set()
        self._listed, self._singles = float("-inf"), 0
        self._lock = threading.RLock()

    def has(self, step_id: str) -> bool:
        """Whether the step is there now."""
        with self._lock:
            if step_id in self._present:
                return True
            if self._clock() - self._listed < FRESH and step_id not in self._answered:
                self._answered.add(step_id)
                return False
            if self._singles >= FEW:
                self.all()
                self._answered.add(step_id)
                return step_id in self._present
            self._singles += 1
            return self.ask(step_id)

    def ask(self, step_id: str) -> bool:
        """Whether the step is there: asked for its manifest, which is needed next where it is."""
        try:
            data = self.remote.read(f"{name_of(step_id)}/{MANIFEST}")
        except FileNotFoundError:
            return False
        self._keep(step_id, data)
        with self._lock:
            self._present.add(step_id)
        return True

    def all(self) -> list[str]:
        """Every step that is there, by identity."""
        with self._lock:
            began = self._clock()
            found = {name.partition("/")[0] for name in self.remote.files(STEPS) if _is_manifest(name)}
            self._present, self._answered = found, set()
            self._listed, self._singles = began, 0
            return sorted(found)

    def add(self, step_id: str) -> None:
        """The step was sent just now."""
        with self._lock:
            self._present.add(step_id)

    def forget(self, step_id: str) -> None:
        """The step was removed just now."""
        with self._lock:
            self._present.discard(step_id)


def _is_manifest(name: str) -> bool:
    folder, _, rest = name.partition("/")
    return bool(_IDENTITY.fullmatch(folder)) and rest == MANIFEST
