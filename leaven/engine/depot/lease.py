"""Who uses a depot now: `running/<host>-<process>-<number>.json`, written again every minute while a run goes on.

A run, an import and a collection each say so before they count on anything; then they look who else does. What removes
steps waits until nobody else is at work, and who comes while steps are being removed waits for that: of two that begin
at one time each sees the other. What was not written again for `STALE` seconds was left by a killed process. Ages are
taken between two files of one listing, by the clock there; where that is not told, by the clocks of the machines.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from leaven.engine.depot.patience import Patience
from leaven.engine.depot.remote import Remote
from leaven.ground.errors import BadInput, LeavenError

FOLDER = "running"
BEAT = 60.0
"""Seconds between two writes."""
STALE = 900.0
"""Seconds without one after which nobody is at work any more."""
REMOVING = "removing"


@dataclass(frozen=True)
class Lease:
    """Who is at work: what they do (`run`, `import`, `removing`), where and since when (UTC)."""

    name: str
    what: str
    host: str
    process: int
    since: str
    age: float

    @property
    def words(self) -> str:
        doing = {"run": "a run", "import": "an import", REMOVING: "is removing steps"}.get(self.what, self.what)
        return f"{doing} on {self.host} (process {self.process}, since {self.since} UTC)"


@contextlib.contextmanager
def held(remote: Remote, what: str, beat: float = BEAT) -> Iterator[None]:
    """Be at work. Raises BadInput where what others do forbids it; LeavenError."""
    host, since = socket.gethostname() or "unknown", time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    name = f"{host}-{os.getpid()}-{os.urandom(4).hex()}.json"

    def write(to: Remote) -> None:
        told = {"what": what, "host": host, "process": os.getpid(), "since": since, "beat": time.time()}
        to.write(f"{FOLDER}/{name}", json.dumps(told).encode())

    ended = threading.Event()

    def pause(seconds: float) -> None:
        if ended.wait(seconds):
            raise LeavenError("it has ended")

    def work() -> None:
        meanwhile = remote.with_patience(Patience(beat, pause))
        while not ended.wait(beat):
            with contextlib.suppress(LeavenError, OSError):  # the next one comes in a minute
                write(meanwhile)

    thread = threading.Thread(target=work, name="lease", daemon=True)
    write(remote)
    try:
        _look(remote, name, what)
        thread.start()
        yield
    finally:
        ended.set()
        if thread.is_alive():
            thread.join()
        with contextlib.suppress(LeavenError, OSError):  # then it becomes stale
            remote.with_patience(Patience(5.0)).remove(f"{FOLDER}/{name}")


def _look(remote: Remote, mine: str, what: str) -> None:
    for other in at_work(remote, mine):
        if other.age >= STALE:
            if what == REMOVING:
                remote.remove(f"{FOLDER}/{other.name}")
        elif what == REMOVING:
            raise BadInput(
                f"another machine is using this store: {other.words}",
                where=remote.place.url,
                fix=f"Wait until it has ended; one that was killed is forgotten after {STALE / 60:.0f} minutes. "
                "Nothing was removed.",
            )
        elif other.what == REMOVING:
            raise BadInput(
                f"another machine {other.words}",
                where=remote.place.url,
                fix=f"Wait until it has ended; if it was killed, {STALE / 60:.0f} minutes. Nothing was run.",
            )


def at_work(remote: Remote, mine: str = "") -> list[Lease]:
    """Everybody else's leases, stale ones too."""
    files = remote.files(FOLDER)
    now = files[mine].modified if mine in files else 0.0
    found = []
    for name, file in files.items():
        if name == mine or not name.endswith(".json"):
            continue
        try:
            told = json.loads(remote.read(f"{FOLDER}/{name}"))
            age = now - file.modified if now and file.modified else time.time() - float(told["beat"])
            words = [str(told[word]) for word in ("what", "host", "since")]
            found.append(Lease(name, words[0], words[1], int(told["process"]), words[2], age))
        except FileNotFoundError:
            continue  # it has ended meanwhile
        except (ValueError, KeyError, TypeError, OverflowError):
            age = now - file.modified if now and file.modified else 0.0
            found.append(Lease(name, "run", "unknown", 0, "unknown", age))
    return found
