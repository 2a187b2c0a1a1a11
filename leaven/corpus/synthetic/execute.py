"""Cases → verdicts, many to a process of the sandbox.

The modules of `inside` are sent along as text. A process answers with one line of JSON for each case, in order; nothing
in the lines is believed beyond its type. A process that ends early has answered for the cases before the one that ended
it: the others are run again, and a case that ends a process in which it came first is at fault.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress, silent
from leaven.sandbox.interpreter import homes
from leaven.sandbox.level import Level
from leaven.sandbox.limits import MEBIBYTE, Limits
from leaven.sandbox.pool import run_many
from leaven.sandbox.run import Outcome

Depth = Literal["tests", "properties", "contracts"]
DEPTHS: tuple[Depth, ...] = ("tests", "properties", "contracts")

_INSIDE = "leaven.corpus.synthetic.inside"


@dataclass(frozen=True)
class Verdict:
    """What was found about a case.

    Args:
        word: e.g. "good", or the reason why not, as counted.
        mutants, killed: see `inside.trial`.
    """

    word: str
    mutants: int = 0
    killed: int = 0


@dataclass(frozen=True)
class Room:
    """Where cases are executed.

    Args:
        isolation: the sandbox's level.
        workers: processes at a time.
        allow_unisolated: whether the level "none" is good enough.
        apart: one case to a process.
    """

    isolation: Level
    workers: int = 2
    allow_unisolated: bool = False
    apart: bool = False


@dataclass(frozen=True)
class _Way:
    """How a level is checked: modules sent along, packages needed, cases to a process (starting one costs as much as
    many cases) and what a process may use."""

    modules: tuple[str, ...]
    packages: tuple[str, ...]
    batch: int
    limits: Limits


_WAYS: dict[Depth, _Way] = {
    "tests": _Way(("steps", "mutants", "trial"), (), 200, Limits(cpu_seconds=60, wall_seconds=180)),
    "properties": _Way(("laws",), ("hypothesis",), 100, Limits(cpu_seconds=120, wall_seconds=360)),
    "contracts": _Way(
        ("contracts",),
        ("crosshair", "z3"),
        16,
        Limits(address_space=4096 * MEBIBYTE, cpu_seconds=240, wall_seconds=720),
    ),
}

_WORDS = frozenset(
    {
        "good",
        "solution runs too long",
        "solution does not pass its tests",
        "tests pass an empty body",
        "tests pass every faulty solution",
        "property cannot be checked",
        "property does not hold",
        "confirmed",
        "no counterexample",
        "no input found",
        "contract does not hold",
        "contract cannot be checked",
    }
)
SPOILED = "its process ended early"


def reachable(wanted: Depth) -> tuple[Depth, str]:
    """The highest level up to `wanted` that can be checked here, and why it is not higher ("" if it is)."""
    best: Depth = "tests"
    for depth in DEPTHS[1 : DEPTHS.index(wanted) + 1]:
        found = homes(_WAYS[depth].packages)
        if isinstance(found, str):
            return best, f"{depth} not checked: {found} is not installed (pip install 'leaven[synthetic]')"
        best = depth
    return best, ""


def verdicts(
    depth: Depth, cases: Sequence[Mapping[str, Any]], room: Room, progress: Progress = silent
) -> list[Verdict]:
    """One verdict for each case.

    Raises:
        LeavenError: processes cannot be started, or a package is missing.
    """
    way = _WAYS[depth]
    folders = homes(way.packages)
    if isinstance(folders, str):
        raise LeavenError(f"{folders} is not installed: pip install 'leaven[synthetic]'")
    size = 1 if room.apart else way.batch
    found: list[Verdict | None] = [None] * len(cases)
    batches = [list(range(first, min(first + size, len(cases)))) for first in range(0, len(cases), size)]
    while batches:
        outcomes = run_many(
            [(_program(depth, [cases[i] for i in batch], folders), "") for batch in batches],
            level=room.isolation,
            workers=room.workers,
            limits=way.limits,
            folders=folders,
            allow_unisolated=room.allow_unisolated,
        )
        again = []
        for batch, outcome in zip(batches, outcomes, strict=True):
            said = _said(outcome, len(batch))
            if not said:
                said = [Verdict(SPOILED)]
            for i, verdict in zip(batch, said, strict=False):
                found[i] = verdict
            if rest := batch[len(said) :]:
                again.append(rest)
        batches = again
        progress(sum(verdict is not None for verdict in found), len(cases), depth)
    return [verdict for verdict in found if verdict is not None]


def _said(outcome: Outcome, most: int) -> list[Verdict]:
    """The verdicts in what a process printed, up to the first line that is none."""
    if outcome.status == "error":
        raise LeavenError(f"problems cannot be executed at the level {outcome.level}: {outcome.stderr.strip()}")
    found = []
    for line in outcome.stdout.split("\n")[:most]:
        try:
            said = json.loads(line)
            word, mutants, killed = said["verdict"], said.get("mutants", 0), said.get("killed", 0)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            break
        if word not in _WORDS or type(mutants) is not int or type(killed) is not int:
            break
        found.append(Verdict(word, mutants, killed))
    return found


def _program(depth: Depth, cases: list[Mapping[str, Any]], folders: Sequence[str]) -> str:
    names = (*_WAYS[depth].modules, "session")
    return f"""
import sys, types
sys.path += {list(folders)!r}
package = sys.modules[{_INSIDE!r}] = types.ModuleType({_INSIDE!r})
for name, text in {[(name, _text(name)) for name in names]!r}:
    module = types.ModuleType({_INSIDE!r} + "." + name)
    sys.modules[module.__name__] = module
    setattr(package, name, module)
    exec(compile(text, name, "exec"), module.__dict__)
package.session.session({depth!r}, {list(map(dict, cases))!r})
"""


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / "inside" / f"{name}.py").read_text(encoding="utf-8")
