"""Two steps on the cluster at RAY_ADDRESS: one that cannot be executed, and one whose process is killed each time."""

from __future__ import annotations

import fcntl
import json
import sys
import time
from pathlib import Path

import psutil

from leaven.engine.ray.executor import RayExecutor
from leaven.engine.store import Store
from leaven.study.step import Step


def step(name: str, kind: str) -> Step:
    return Step(kind, {}, {}, name, (name,), {})


def hear(executor: RayExecutor, kill: Path | None = None) -> list[dict[str, object]]:
    heard: list[dict[str, object]] = []
    while not heard or heard[-1]["event"] != "exit":
        heard += executor.messages(0.1)
        if kill:
            end(kill)
    return heard


def end(log: Path) -> None:
    """Kill the process that a step's log names last."""
    if log.exists():
        lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("— ")]
        number = int(lines[-1].rpartition("process ")[2])
        if psutil.pid_exists(number):
            psutil.Process(number).kill()
            time.sleep(0.1)


if __name__ == "__main__":
    store = Store(Path(sys.argv[1]) / "store")
    store.prepare()
    executor = RayExecutor("ray", store)
    told = {}
    try:
        for name, kind in (("wrong", "source"), ("killed", "wait")):
            one = step(name, kind)
            if name == "killed":  # its process waits for a lock that this one holds
                lock = store.work / name / "lock"
                lock.parent.mkdir(parents=True)
                held = lock.open("w")
                fcntl.flock(held, fcntl.LOCK_EX)
            seat = executor.room.take(one, 10**9)
            assert seat
            executor.start([one], seat)
            told[name] = hear(executor, store.log(name) if name == "killed" else None)
            executor.room.give_back(seat)
    finally:
        executor.close()
    print(json.dumps(told))
