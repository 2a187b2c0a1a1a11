"""A tournament at a server that misbehaves, killed and started again: what it did, in one record."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.judge.faults.server import AFTERWARDS, INSIDE, INSTEAD

HERE = Path(__file__).parent
AT_ONCE = 16
RESULTS = ("votes.parquet", "judge.json")
INTERRUPTIBLE = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)
"""Before a command: a shell that starts the tests with `&` has Ctrl-C ignored, by them and all that they start."""
CUTS = ("cut before", "cut", "cut inside", "stalled")
"""Faults that end a request without a complete answer, so that nobody but the server knows whether it was billed."""


@dataclass(frozen=True)
class Server:
    url: str

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/counts") as answer:
            return json.load(answer)


@contextmanager
def serving(*, seed: int = 1, faults: bool = True, keys: str = "kept") -> Iterator[Server]:
    told = json.dumps({"seed": seed, "faults": faults, "keys": keys})
    command = [sys.executable, str(HERE / "server.py"), told]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process.stdout.readline().strip())
        finally:
            process.kill()


def write_completions(folder: Path, prompts: int) -> None:
    """The folders `a` and `b` of two models that completed the same prompts."""
    for side in "ab":
        rows = [
            {"id": f"{i:05}", "prompt": f"Prompt {i}.", "completion": f"{side} writes {i * 7919}.", "degenerate": False}
            for i in range(prompts)
        ]
        (folder / side).mkdir(parents=True)
        (folder / side / "completions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@dataclass(frozen=True)
class Tournament:
    """`a` against `b` of a folder, to `out`, with the replies in `cache`."""

    folder: Path
    url: str
    out: str
    cache: str
    offline: bool = False

    def start(self) -> subprocess.Popen[str]:
        told = {
            "url": f"{self.url}/v1",
            "at_once": AT_ONCE,
            "offline": self.offline,
            **{name: str(self.folder / name) for name in "ab"},
            "cache": str(self.journal),
            "out": str(self.folder / self.out),
        }
        return subprocess.Popen(
            [*INTERRUPTIBLE, sys.executable, str(HERE / "program.py"), json.dumps(told)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "no_proxy": "127.0.0.1"},
        )

    def finish(self) -> dict[str, int]:
        """Run to the end: what was spent, as the journal says."""
        return ended(self.start())

    @property
    def journal(self) -> Path:
        return self.folder / self.cache

    def replies(self) -> int:
        """Replies in the journal."""
        return self.journal.read_bytes().count(b'"text":') if self.journal.exists() else 0

    def results(self) -> list[bytes]:
        return [(self.folder / self.out / name).read_bytes() for name in RESULTS]


def ended(process: subprocess.Popen[str]) -> dict[str, int]:
    said, trouble = process.communicate()
    if process.returncode:
        raise AssertionError(f"the program ended with {process.returncode}:\n{trouble}")
    return json.loads(said)


def stop_at(tournament: Tournament, replies: int, how: signal.Signals = signal.SIGKILL) -> int:
    """Start, and stop it once there are so many replies: how many there are then."""
    process = tournament.start()
    while process.poll() is None and tournament.replies() < replies:
        time.sleep(0.01)
    if process.poll() is not None:
        ended(process)
        raise AssertionError(f"the program ended before it was stopped at {replies} replies")
    process.send_signal(how)
    process.communicate()
    assert process.returncode == -how, f"the program ended with {process.returncode}"
    return tournament.replies()


def without_faults(folder: Path, prompts: int) -> list[bytes]:
    """Write the completions; the results of their tournament at a server that behaves."""
    write_completions(folder, prompts)
    with serving(faults=False) as server:
        tournament = Tournament(folder, server.url, "clean", "clean.jsonl")
        spent = tournament.finish()
        counts = server.counts()
    assert counts["billed"] == counts["requests"] == spent["replies"] == 2 * prompts
    return tournament.results()


def prove(folder: Path, prompts: int, *, keys: str, seed: int, kills: int = 3) -> dict[str, Any]:
    """Judge `prompts` prompts in both orders under faults, killed `kills` times, and once more offline."""
    began = time.monotonic()
    chance = random.Random(seed)
    shares = [(number + chance.uniform(0.15, 0.75)) / kills for number in range(kills)]
    with serving(seed=seed, keys=keys) as server:
        tries = [Tournament(folder, server.url, f"{keys}-{n}", f"{keys}.jsonl") for n in range(kills + 1)]
        killed = [stop_at(one, int(share * 2 * prompts)) for one, share in zip(tries, shares, strict=False)]
        spent = tries[-1].finish()
        server_counts = server.counts()
    kept = tries[-1].journal.read_bytes()
    replay = Tournament(folder, server.url, f"{keys}-replay", f"{keys}.jsonl", offline=True)
    replay.finish()
    return {
        "keys": keys,
        "prompts": prompts,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "replies when killed": killed,
        "server": server_counts,
        "billed twice": server_counts["billed"] - server_counts["attempts"],
        "journal": spent,
        "results": tries[-1].results(),
        "replayed": replay.results(),
        "asked offline": replay.journal.read_bytes() != kept,
    }


def check(record: dict[str, Any], results: list[bytes]) -> None:
    """What holds whatever a server makes of keys: the same results as without faults and kills, in the middle of which
    the kills were, and again with the server gone."""
    asked, killed = 2 * record["prompts"], record["replies when killed"]
    # Every kill was in the middle of the work, none before its beginning or after its end.
    assert 0 < killed[0] <= killed[-1] < asked, killed
    assert killed == sorted(killed)
    assert record["results"] == results, "not the results of the faultless run"
    assert record["replayed"] == results, "the replay differs"
    assert not record["asked offline"]
    assert record["journal"]["replies"] >= asked
    happened = {fault for faults in (INSTEAD, AFTERWARDS, INSIDE) for fault in faults} - {"stalled"}
    assert happened <= record["server"].keys(), "a fault never happened"
