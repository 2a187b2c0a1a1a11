"""What runs inside a job: one order, from a nursery of its own, and what its steps say, written where the driver reads.

A step has the environment that it has on one computer, so its bytes are the same. A stage on several machines is one
job with a task on each: the first chooses the address that they meet at, and speaks for all.
Invariant: the last message of each step is its `exit`, unless the job is ended from outside; then Slurm says why.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from leaven.engine import devices, gang
from leaven.engine.nursery import Nursery
from leaven.engine.sameness import differences, fingerprint, scratch
from leaven.engine.slurm.batch import order_path, said_path, say
from leaven.engine.stores import packages_of
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json

TELL_EVERY = 1.0
"""Seconds between two messages on how far a step is: each is a write to a disk that many share."""


def run(folder: str, place: int) -> None:
    """The body of element `place` of the batch in `folder`; exits with the worst code of its steps."""
    signal.signal(signal.SIGTERM, _ended)  # of a cancelled job, or at its time limit: the nursery closes on the way out
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # announces the time limit; checkpoints are there already
    process = int(os.environ.get("SLURM_PROCID", "0"))
    spoken = said_path(Path(folder), place, process)
    order: dict[str, Any] = read_json(order_path(Path(folder), place))
    steps = [member["identity"] for member in order["members"]]
    about = {"where": socket.gethostname(), "job": os.environ.get("SLURM_JOB_ID", "")}
    say(spoken, [{"identity": step, "event": "where", **about} for step in steps])
    try:
        code = _work(_prepared(order, Path(folder), place, process), spoken)
    except LeavenError as error:
        code = error.exit_code
        for step in steps:
            say(spoken, [{"identity": step, "event": "failed", "note": str(error), "code": code}])
            say(spoken, [{"identity": step, "event": "exit", "code": code}])
    sys.exit(min(code, 125) if code >= 0 else 128 - code)


def _ended(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _prepared(order: Mapping[str, Any], folder: Path, place: int, process: int) -> dict[str, Any]:
    """The order as it is carried out on this machine. Raises LeavenError."""
    other = differences(order["fingerprint"], fingerprint())
    if other:
        raise LeavenError(
            f"the code on {socket.gethostname()} is not that of the driver: {'; '.join(other)}\n"
            "  Have both use the same environment, and run again."
        )
    # Programs are compiled for the processor of a machine, and another one may not be able to run them.
    store = {**order["store"], "cache": str(scratch(order["store"]["root"]) / "cache")}
    device = order["device"]
    if device["platform"] != "cpu":
        device = devices.find(device["platform"]).data()
    ours: dict[str, Any] = {**order, "store": store, "device": device}
    if order.get("gang"):
        meeting = folder / f"meeting-{place}.{os.environ['SLURM_JOB_ID']}.{os.environ.get('SLURM_RESTART_COUNT', '0')}"
        coordinator = gang.lead(meeting) if process == 0 else gang.follow(meeting)
        ours["gang"] = {**order["gang"], "coordinator": coordinator, "process": process}
    return ours


def _work(order: Mapping[str, Any], spoken: Path) -> int:
    """Have the steps execute; returns the worst code. Raises LeavenError."""
    left, worst = {member["identity"] for member in order["members"]}, 0
    progress = _Thinned(partial(say, spoken))
    nursery = Nursery(packages_of(order["store"]))
    try:
        nursery.start(dict(order))
        while left:
            for message in nursery.messages(TELL_EVERY):
                progress.hear(message)
                if message["event"] == "exit":
                    left.discard(message["identity"])
                    worst = max(worst, message["code"], key=abs)
            progress.flush()
    except EOFError as error:
        raise LeavenError(f"{error}: perhaps the job has too little memory\n  --slurm mem=… gives it more.") from None
    finally:
        nursery.close()
    return worst


class _Thinned:
    """Messages on how far steps are, the newest of each step every so often; all others at once."""

    def __init__(self, tell: Any) -> None:
        self.tell, self.kept, self.told = tell, dict[str, dict[str, Any]](), 0.0

    def hear(self, message: dict[str, Any]) -> None:
        if message["event"] == "progress":
            self.kept[message["identity"]] = message
            return
        before = self.kept.pop(message["identity"], None)
        self.tell([before, message] if before else [message])

    def flush(self) -> None:
        if self.kept and time.monotonic() - self.told >= TELL_EVERY:
            self.told = time.monotonic()
            self.tell(list(self.kept.values()))
            self.kept.clear()
