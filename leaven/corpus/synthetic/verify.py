"""Which problems are what they say, found by executing them in the sandbox.

Three levels, each on top of the one before:

* **tests**: the solution passes its tests; the tests fail a body of `pass`, and at least one faulty version of the
  solution where there can be one (see `inside.mutants`);
* **properties**: what the problem declares to hold for every input holds for those that Hypothesis draws;
* **contracts**: CrossHair, which executes symbolically, finds no input that breaks the declared conditions;
  "contracts:confirmed" where it went through every path, so that there is none.

A problem that declares nothing at a level stays at the level below. One whose declaration is false is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from leaven.corpus.document import Tally
from leaven.corpus.synthetic.execute import DEPTHS, Depth, Room, reachable, verdicts
from leaven.corpus.synthetic.problem import Problem
from leaven.ground.progress import Progress, silent
from leaven.sandbox.level import Level, probe
from leaven.sandbox.pool import run_many

VERSION = "verified/1"
INSENSITIVE = "tests pass every faulty solution"


@dataclass(frozen=True)
class Verified:
    """A problem that is what it says.

    Args:
        verified: the level reached.
        isolation: the sandbox's level it was executed at.
        mutants, killed: faulty versions of the solution, and how many of them failed the tests.
        confirmed: whether the contracts hold on every path.
    """

    problem: Problem
    verified: Depth
    isolation: str
    mutants: int
    killed: int
    confirmed: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """As a document carries it."""
        level = f"{self.verified}:confirmed" if self.confirmed else self.verified
        return {"verified": level, "isolation": self.isolation, "mutants": f"{self.killed}/{self.mutants}"}


def verify(
    problems: Sequence[Problem],
    *,
    level_wanted: Depth = "tests",
    isolation: Level | None = None,
    workers: int = 2,
    allow_unisolated: bool = False,
    apart: bool = False,
    sensitive: bool = True,
    tally: Tally | None = None,
    progress: Progress = silent,
) -> list[Verified]:
    """Those problems that are what they say, in their order.

    Args:
        level_wanted: the highest level to check.
        isolation: what to execute in; default the best here.
        workers: processes at a time; no result depends on it.
        allow_unisolated: whether "none" is good enough.
        apart: each problem in processes of its own, for programs that leaven did not write: none can spoil or answer
            for another, and that the tests passed is known in the way that `sandbox.boot` tells.
        sensitive: whether the tests must notice at least one fault, where a fault can be made.
        tally: receives the reasons of the others, and in `skipped` levels that could not be checked here.

    Raises:
        LeavenError: the isolation is "none" and `allow_unisolated` is False, or processes cannot be started.
    """
    tally = tally if tally is not None else Tally()
    room = Room(isolation or probe(), workers, allow_unisolated, apart)
    depth, why = reachable(level_wanted)
    if why:
        tally.skipped[why] += len(problems)
    kept = _passing(problems, room, tally, progress) if apart else problems
    good = _tested(kept, room, tally, progress, () if sensitive else (INSENSITIVE,))
    if depth != "tests":
        good = _lawful(good, room, tally, progress)
    if depth == "contracts":
        good = _kept_to(good, room, tally, progress)
    return good


def _passing(problems: Sequence[Problem], room: Room, tally: Tally, progress: Progress) -> list[Problem]:
    """Those whose tests end, each run by itself."""
    outcomes = run_many(
        [(p.prompt + p.solution, "\n".join(p.tests)) for p in problems],
        level=room.isolation,
        workers=room.workers,
        allow_unisolated=room.allow_unisolated,
        progress=progress,
    )
    for outcome in outcomes:
        if not outcome.passed:
            tally.dropped[f"solution: {outcome.status}"] += 1
    return [problem for problem, outcome in zip(problems, outcomes, strict=True) if outcome.passed]


def _tested(
    problems: Sequence[Problem], room: Room, tally: Tally, progress: Progress, excused: Sequence[str]
) -> list[Verified]:
    cases = [
        {"source": p.prompt + p.solution, "empty": f"{p.prompt}    pass\n", "tests": "\n".join(p.tests)}
        for p in problems
    ]
    good = []
    for problem, verdict in zip(problems, verdicts("tests", cases, room, progress), strict=True):
        if verdict.word in ("good", *excused):
            good.append(Verified(problem, "tests", room.isolation.name, verdict.mutants, verdict.killed))
        else:
            tally.dropped[verdict.word] += 1
    return good


def _lawful(tested: Sequence[Verified], room: Room, tally: Tally, progress: Progress) -> list[Verified]:
    """Without those that have a false property; those that have a true one are a level higher."""
    having = [v for v in tested if v.problem.properties]
    cases = [
        {
            "source": v.problem.prompt + v.problem.solution,
            "properties": [[list(map(list, p.given)), p.holds] for p in v.problem.properties],
        }
        for v in having
    ]
    found = {
        v.problem.id: verdict.word
        for v, verdict in zip(having, verdicts("properties", cases, room, progress), strict=True)
    }
    kept = []
    for verified in tested:
        word = found.get(verified.problem.id)
        if word == "good":
            kept.append(replace(verified, verified="properties"))
        elif word is None:
            kept.append(verified)
        else:
            tally.dropped[word] += 1
    return kept


def _kept_to(lawful: Sequence[Verified], room: Room, tally: Tally, progress: Progress) -> list[Verified]:
    """Without those whose contract is broken by some input; those whose is not are a level higher."""
    having = [v for v in lawful if v.problem.contracts]
    cases = [{"source": v.problem.prompt + v.problem.solution, "contracts": list(v.problem.contracts)} for v in having]
    found = {
        v.problem.id: verdict.word
        for v, verdict in zip(having, verdicts("contracts", cases, room, progress), strict=True)
    }
    kept = []
    for verified in lawful:
        word = found.get(verified.problem.id, "no input found")
        if word in ("confirmed", "no counterexample"):
            kept.append(replace(verified, verified="contracts", confirmed=word == "confirmed"))
        elif word == "no input found":
            kept.append(verified)
        else:
            tally.dropped[word] += 1
    return kept


__all__ = ["DEPTHS", "VERSION", "Depth", "Verified", "reachable", "verify"]
