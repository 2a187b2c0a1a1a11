"""Whether a solution passes its tests, and whether the tests would notice that something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType
from typing import Any

from leaven.corpus.synthetic.inside import mutants, steps

MOST_STEPS = 2_000_000
MUTANTS = 8


def trial(case: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict over `case` = {"source", "empty", "tests"}: "good", or why not; how many faulty versions of the
    solution were tried, and how many of those failed the tests.

    A faulty version that runs ten times as long as the solution counts as failed.
    """
    try:
        tests = compile(case["tests"], "<tests>", "exec")
        used = steps.run([compile(case["source"], "<program>", "exec"), tests], MOST_STEPS)
    except steps.TooManyStepsError:
        return {"verdict": "solution runs too long"}
    except BaseException as error:
        return {"verdict": "solution does not pass its tests", "error": type(error).__name__}
    if _passes(compile(case["empty"], "<empty>", "exec"), tests, MOST_STEPS):
        return {"verdict": "tests pass an empty body"}
    tried = killed = 0
    for mutant in mutants.mutants(case["source"], MUTANTS):
        tried += 1
        killed += not _passes(mutant, tests, 10 * used + 1000)
    verdict = "good" if killed or not tried else "tests pass every faulty solution"
    return {"verdict": verdict, "mutants": tried, "killed": killed}


def _passes(program: CodeType, tests: CodeType, most: int) -> bool:
    try:
        steps.run([program, tests], most)
    except BaseException:
        return False
    return True
