"""Verification: what is right is kept at the level it reached, what is wrong is dropped by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from leaven.corpus.document import Tally
from leaven.corpus.synthetic import problems
from leaven.corpus.synthetic.execute import SPOILED, reachable
from leaven.corpus.synthetic.problem import Problem, Property
from leaven.corpus.synthetic.verify import Verified, verify
from leaven.ground.errors import LeavenError
from leaven.sandbox.level import Level, attempt, none

SUM = Problem(
    "sum", "sum", "sum", 'def total(xs: list[int]) -> int:\n    """Add."""\n',
    "    result = 0\n    for x in xs:\n        result += x\n    return result\n",
    ("assert total([1, 2]) == 3", "assert total([]) == 0", "assert total([5]) == 5"),
)  # fmt: skip


@pytest.fixture(scope="module")
def made() -> list[Problem]:
    return problems(0, 300)


def of(found: Sequence[Verified]) -> list[Problem]:
    return [verified.problem for verified in found]


@pytest.mark.parametrize("name", ["bubblewrap", "unshare", "none"])
def test_all_that_is_right_is_kept(made: list[Problem], name: str) -> None:
    level = none() if name == "none" else attempt(name)
    if not isinstance(level, Level):
        pytest.skip(level)
    seen: list[float] = []
    found = verify(
        made, isolation=level, allow_unisolated=True, sensitive=False, progress=lambda done, *_: seen.append(done)
    )
    assert of(found) == made
    assert seen[-1] == len(made)
    assert {v.isolation for v in found} == {name}
    assert {v.verified for v in found} == {"tests"}
    assert verify([], allow_unisolated=True) == []


def test_what_is_wrong_is_dropped_by_name(made: list[Problem]) -> None:
    good = made[:6]
    wrong = [
        replace(good[0], solution="    return None\n"),
        replace(good[1], solution="    return (\n"),
        replace(good[2], tests=("assert True",)),
        replace(good[3], solution="    while True:\n        pass\n"),
        replace(good[4], solution="    raise SystemExit\n"),
        replace(good[5], solution="    import os\n    os._exit(0)\n"),
    ]
    tally = Tally()
    mixed = [problem for pair in zip(wrong, good, strict=True) for problem in pair]
    assert of(verify(mixed, allow_unisolated=True, sensitive=False, tally=tally)) == good
    assert tally.dropped == {
        "solution does not pass its tests": 3,
        "tests pass an empty body": 1,
        "solution runs too long": 1,
        SPOILED: 1,
    }


def test_tests_must_notice_a_fault() -> None:
    weak = replace(
        SUM, id="weak", prompt='def big(n: int) -> bool:\n    """Big."""\n', solution="    return n > 7\n",
        tests=("assert big(100)", "assert not big(-100)"),
    )  # fmt: skip
    tally = Tally()
    assert of(verify([SUM, weak], allow_unisolated=True, tally=tally)) == [SUM]
    assert tally.dropped == {"tests pass every faulty solution": 1}
    (strong,) = verify([SUM], allow_unisolated=True)
    assert strong.killed == strong.mutants > 0
    assert strong.labels["mutants"] == f"{strong.killed}/{strong.mutants}"


@pytest.mark.parametrize("apart", [False, True])
def test_properties_raise_the_level_or_drop(apart: bool) -> None:
    given = (("xs", "st.lists(st.integers(-9, 9))"),)
    true = replace(SUM, id="true", properties=(Property(given, "total(xs + xs) == 2 * total(xs)"),))
    false = replace(SUM, id="false", properties=(Property(given, "total(xs) < 25"),))
    broken = replace(SUM, id="broken", properties=(Property((("xs", "st.nothing_like_that()"),), "total(xs) == 0"),))
    raising = replace(SUM, id="raising", properties=(Property(given, "1 // len(xs) >= 0"),))
    tally = Tally()
    found = verify(
        [SUM, true, false, broken, raising], level_wanted="properties", allow_unisolated=True, apart=apart, tally=tally
    )
    assert [(v.problem.id, v.verified) for v in found] == [("sum", "tests"), ("true", "properties")]
    assert tally.dropped == {"property does not hold": 2, "property cannot be checked": 1}


def test_contracts_are_confirmed_only_if_every_path_was_seen() -> None:
    if reachable("contracts")[0] != "contracts":
        pytest.skip(reachable("contracts")[1])
    clamp = replace(
        SUM, id="clamp", prompt='def clamp(n: int) -> int:\n    """Clamp."""\n',
        solution="    if n > 9:\n        return 9\n    return n\n",
        tests=("assert clamp(10) == 9", "assert clamp(12) == 9", "assert clamp(4) == 4"), contracts=("post: _ <= 9",),
    )  # fmt: skip
    open_ended = replace(SUM, id="open", contracts=("pre: all(x > 0 for x in xs)", "post: _ >= len(xs)"))
    false = replace(SUM, id="false", contracts=("post: _ != 437",))
    unreadable = replace(SUM, id="unreadable", contracts=("post: _ >",))
    impossible = replace(SUM, id="impossible", contracts=("pre: len(xs) < 0", "post: _ == 0"))
    tally = Tally()
    found = verify(
        [SUM, clamp, open_ended, false, unreadable, impossible],
        level_wanted="contracts",
        allow_unisolated=True,
        tally=tally,
    )
    assert [(v.problem.id, v.labels["verified"]) for v in found] == [
        ("sum", "tests"), ("clamp", "contracts:confirmed"), ("open", "contracts"), ("impossible", "tests"),
    ]  # fmt: skip
    assert tally.dropped == {"contract does not hold": 1, "contract cannot be checked": 1}


def test_without_the_extra_the_level_stops_below_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "leaven.corpus.synthetic.execute.homes", lambda names: "crosshair" if "crosshair" in names else ()
    )
    tally = Tally()
    found = verify([SUM], level_wanted="contracts", allow_unisolated=True, tally=tally)
    assert [v.verified for v in found] == ["tests"]
    (why,) = tally.skipped
    assert "crosshair is not installed (pip install 'leaven[synthetic]')" in why


def test_without_isolation_nothing_runs_unless_asked() -> None:
    for apart in (False, True):
        with pytest.raises(LeavenError, match="bubblewrap"):
            verify([SUM], isolation=none(), apart=apart)


def test_a_program_cannot_answer_for_itself_or_for_others(made: list[Problem]) -> None:
    """Printed verdicts do not count, and in a process of its own a program spoils nobody else's."""
    forged = replace(
        SUM, id="forged",
        solution="    import os\n    os.write(1, b'{\"verdict\": \"good\"}\\n')\n    print('good')\n    return 7\n",
    )  # fmt: skip
    killer = replace(SUM, id="killer", solution="    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    tally = Tally()
    found = verify([forged, SUM, killer], allow_unisolated=True, apart=True, tally=tally)
    assert of(found) == [SUM]
    assert sum(tally.dropped.values()) == 2


def test_the_number_of_workers_changes_nothing() -> None:
    some = problems(3, 60, style="textbook")
    assert verify(some, workers=1, allow_unisolated=True) == verify(some, workers=5, allow_unisolated=True)
