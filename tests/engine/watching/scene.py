"""A study's folder as a run leaves it, made by hand: what is written is what a test wants to be seen."""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leaven.engine.metrics import events
from leaven.engine.store import MANIFEST, Store
from leaven.engine.watching import outline
from leaven.engine.watching.follow import Follower
from leaven.engine.watching.view import View
from leaven.ground.files import write_json

VARIANTS = ("text-only", "code→text", "no-code")
SEEDS = (1, 2)


def outlined(variants=VARIANTS, seeds=SEEDS) -> dict[str, Any]:
    """As `outline.of` makes it: a corpus, a stage or two of each variant, an evaluation of each, a verdict."""
    steps: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []

    def add(kind: str, names: list[str], inputs: list[int], tokens: int = 0) -> int:
        identity = f"{len(steps):064x}"[::-1]
        steps.append({"identity": identity, "kind": kind, "names": names, "inputs": inputs, "tokens": tokens})
        return len(steps) - 1

    corpus = add("corpus", ["corpus"], [])
    shards = add("shards", ["shards/text"], [corpus])
    ends = []
    for seed in seeds:
        for variant in variants:
            first = add("stage", [f"{variant}/seed-{seed}/pretrain"], [shards], 2000)
            second = add("stage", [f"{variant}/seed-{seed}/cooldown"], [first, shards], 1000)
            ends.append(add("evaluate", [f"{variant}/seed-{seed}/evaluate"], [second]))
            after = {"stages": [first, second], "after": [ends[-1]]}
            runs.append({"variant": variant, "seed": seed, "size": "0.3m", **after})
    add("verdict", ["verdict"], ends)
    return {"steps": steps, "runs": runs}


@dataclass
class Scene:
    """A folder of runs with the study `micro`, and the lock of its store, held or not."""

    runs: Path
    outline: dict[str, Any] = field(default_factory=outlined)
    time: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.folder, self.store = self.runs / "micro", Store(self.runs / "store")
        self.folder.mkdir(parents=True)
        for folder in (self.store.steps, self.store.logs):
            folder.mkdir(parents=True)
        (self.folder / "study.yaml").write_text("study: micro\n")
        self.held = (self.store.root / "lock").open("w")

    def identity(self, name: str) -> str:
        return next(step["identity"] for step in self.outline["steps"] if name in step["names"])

    def plan(self) -> None:
        write_json(self.folder / outline.FILE, self.outline)

    def hold(self) -> None:
        """As the process of a run does."""
        fcntl.flock(self.held, fcntl.LOCK_EX)
        self.held.write(str(os.getpid()))
        self.held.flush()

    def let_go(self) -> None:
        fcntl.flock(self.held, fcntl.LOCK_UN)

    def status(self, running: Mapping[str, float] | None = None, host: str = "", **more: Any) -> None:
        data = {
            "process": os.getpid(),
            "ended": False,
            "where": "this computer",
            "steps": len(self.outline["steps"]),
            "finished": len(list(self.store.steps.iterdir())),
            "running": {
                name: {"done": share * 100, "total": 100, "note": "", "where": host}
                for name, share in (running or {}).items()
            },
            "failed": {},
            "lost": {},
            "seconds": 75.0,
            "remaining_seconds": 125.0,
        }
        write_json(self.folder / "status.json", data | more)

    def done(self, *names: str) -> None:
        for name in names:
            folder = self.store.folder(self.identity(name))
            folder.mkdir()
            (folder / MANIFEST).write_text("{}")

    def event(self, event: str, name: str = "", after: float = 1.0, **fields: Any) -> None:
        """Add a line, as `events.Log` would."""
        self.time += after
        about = {"step": name, "identity": self.identity(name), "kind": "stage"} if name else {}
        row = {"time": _iso(self.time), "event": event, "run": 1, **about, **fields}
        with (self.folder / events.NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def measured(self, name: str, tokens: int, speed: float | None = 100.0, after: float = 1.0) -> None:
        loss = 2 + 4 * math.exp(-tokens / 700)
        row = {"at": tokens // 10, "tokens": tokens, "train_loss": loss, "tokens_per_second": speed}
        if tokens % 200 == 0:
            row |= {"bpb_text": loss / 2, "bpb_web_code": loss / 3}
        self.event("measured", name, after, **row)

    def look(self) -> View:
        return Follower(self.folder, self.store).look()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
