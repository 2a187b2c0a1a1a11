"""Which steps a depot has: asked for one at a time while the questions are few, listed when they are many.

A step that is there stays there, so a yes is remembered. A no is true for an instant: other machines publish. So after
a listing each identity is answered from it once, and only while it is fresh; asked again, the depot is asked again.
What somebody says has just arrived is never answered from a listing: `ask`.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable

from leaven.engine.depot.remote import Remote
from leaven.engine.depot.shelf import STEPS, name_of
from leaven.engine.store import MANIFEST

_IDENTITY = re.compile(r"[0-9a-f]{32}")
FEW = 8
"""Single questions that are cheaper than a listing …"""
WITHIN = 10.0
"""… if they were asked within so many seconds: later ones are not in a row with them."""
FRESH = 2.0
"""Seconds from its end for which a listing may say no, at least."""
AS_LONG = 4
"""Times as long as it took a listing may say no: what takes long to list is many questions, which take long to ask."""


class Index:
    """The finished steps of a depot. `keep`: what to do with a manifest that came with an answer."""

    def __init__(
        self, remote: Remote, keep: Callable[[str, bytes], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.remote, self._keep, self._clock = remote, keep, clock
        self._present: set[str] = set()
        self._answered: set[str] = set()
        self._fresh_until = float("-inf")
        self._singles: deque[float] = deque(maxlen=FEW)
        self._lock = threading.RLock()

    def has(self, step_id: str) -> bool:
        """Whether the step is there now."""
        with self._lock:
            if step_id in self._present:
                return True
            now = self._clock()
            if now < self._fresh_until and step_id not in self._answered:
                self._answered.add(step_id)
                return False
            if len(self._singles) == FEW and now - self._singles[0] < WITHIN:
                self.all()
                self._answered.add(step_id)
                return step_id in self._present
            self._singles.append(now)
            return self.ask(step_id)

    def knows(self, step_id: str) -> bool:
        """Whether the step is known to be there, without a question."""
        with self._lock:
            return step_id in self._present

    def present(self) -> list[str]:
        """The steps that are known to be there, without a question."""
        with self._lock:
            return sorted(self._present)

    def ask(self, step_id: str) -> bool:
        """Whether the step is there: asked for its manifest, which is needed next where it is."""
        try:
            data = self.remote.read(f"{name_of(step_id)}/{MANIFEST}")
        except FileNotFoundError:
            self.forget(step_id)
            return False
        self._keep(step_id, data)
        self.add(step_id)
        return True

    def all(self) -> list[str]:
        """Every step that is there, by identity."""
        with self._lock:
            began = self._clock()
            found = {name.partition("/")[0] for name in self.remote.files(STEPS) if _is_manifest(name)}
            ended = self._clock()
            self._present, self._answered = found, set()
            self._fresh_until = ended + max(FRESH, AS_LONG * (ended - began))
            self._singles.clear()
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
