"""Scripted judges are exposed, honest ones left in peace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from leaven.analyze.clustered import prompt_key
from leaven.analyze.judge_warnings import SCRIPTED, judge_warnings
from leaven.analyze.length import Length
from leaven.analyze.orders import orders
from leaven.analyze.votes import Votes
from leaven.analyze.winrates import sign_test, winrate_rows

POSITION, MIND, AGREES, CONTRADICTS, LENGTH, ALONE, CONTROLS, ERRORS, FEW, OVERLAP = (
    "The judge goes by position",
    "The judge changed its mind",
    "The judge does not agree with itself",
    "The judge contradicts itself",
    "The judge goes by length",
    "Length alone may explain",
    "The judge cannot tell intact text",
    "hold no answer",
    "decided: fewer than",
    "found in training documents",
)
HALF = {"n": 20, "right": 10, "wrong": 10, "ties": 0, "errors": 0}
KINDS = (POSITION, MIND, AGREES, CONTRADICTS, LENGTH, ALONE, CONTROLS, ERRORS, FEW, OVERLAP)


def kinds(votes: Votes, draws: int = 200) -> set[str]:
    (row,) = winrate_rows([votes], draws, 0)
    found = {kind for kind in KINDS for warning in row["warnings"] if kind in warning}
    assert len(found) == len([warning for warning in row["warnings"] if warning != SCRIPTED])
    return found


def answers(first: np.ndarray, second: np.ndarray, gap: np.ndarray, right: int = 20, wrong: int = 0) -> Votes:
    """Votes of a judge that answered so, and of 20 controls preferred so many intact and so many shuffled texts."""
    outcomes = np.where(np.isnan(first + second), np.nan, np.where(first == second, first, 0.0))
    controls = {"n": 20, "right": right, "wrong": wrong, "ties": 20 - right - wrong, "errors": 0}
    return Votes(
        *("a", "b", outcomes, 0, 0, "judge", "A judge."),
        first=first,
        second=second,
        gap=gap,
        rules=np.full(first.shape, ""),
        overlap=("",) * first.shape[1],
        controls=controls,
    )


@dataclass(frozen=True)
class Honest:
    """Prefers the better text; each answer is another one with probability `noise`, so about 2·noise of prompts flip.

    Attributes: shares of prompts on which a or b is better (the rest ties); `taste`: what a standard deviation of
    length gap adds to the log odds of a being the better one.
    """

    better: float = 0.45
    worse: float = 0.25
    noise: float = 0.05
    prompts: int = 100
    seeds: int = 1
    taste: float = 0.0
    errors: float = 0.01

    def votes(self, seed: int) -> Votes:
        rng = np.random.default_rng(seed)
        shape = self.seeds, self.prompts
        gap = rng.normal(0, 1, shape)
        sided = rng.random(shape) < self.better + self.worse
        odds = np.log(self.better / self.worse) + self.taste * gap
        truth = np.where(sided, np.where(rng.random(shape) < 1 / (1 + np.exp(-odds)), 1.0, -1.0), 0.0)

        def say() -> np.ndarray:
            other = np.where(truth == 0, rng.choice([1.0, -1.0], shape), -truth)
            said = np.where(rng.random(shape) < self.noise, other, truth)
            return np.where(rng.random(shape) < self.errors, np.nan, said)

        right = int(rng.binomial(20, 1 - 2 * self.noise))
        return answers(say(), say(), (200 * gap).round(), right, int(rng.binomial(20 - right, 0.1)))


@pytest.mark.parametrize(
    "judge",
    [
        Honest(),
        Honest(better=0.65, worse=0.35),
        Honest(better=0.93, worse=0.02),
        Honest(better=0.3, worse=0.28),
        Honest(seeds=3),
        Honest(prompts=200, taste=0.3),
    ],
    ids=str,
)
def test_an_honest_judge_with_moderate_noise_is_rarely_accused(judge: Honest) -> None:
    counts = Counter(kind for seed in range(200) for kind in kinds(judge.votes(seed), draws=120))
    assert max(counts.values(), default=0) <= 10, counts  # 5 % of 200


def test_the_honest_judges_flip_a_tenth_of_their_decisions() -> None:
    rows = winrate_rows([Honest().votes(seed) for seed in range(100)], 100, 0)
    assert np.mean([row["flip_rate"] for row in rows]) == pytest.approx(0.1, abs=0.02)


def scripted(script: str, seed: int) -> Votes:
    rng = np.random.default_rng(seed)
    gap = rng.normal(20, 150, (1, 100)).round()
    side = np.where(rng.random((1, 100)) < 0.5, 1.0, -1.0)
    ones = np.ones((1, 100))
    if script == "first":
        return answers(ones, -ones, gap, 0, 0)
    if script == "longer":
        return answers(np.sign(gap), np.sign(gap), gap, 0, 0)
    if script == "coin":
        right = int(rng.binomial(20, 0.5))
        return answers(side, side, gap, right, 20 - right)
    right, wrong = (int(part) for part in rng.multinomial(20, [0.25, 0.25, 0.5])[:2])
    return answers(side, np.where(rng.random((1, 100)) < 0.5, 1.0, -1.0), gap, right, wrong)


@pytest.mark.parametrize(
    ("script", "caught"),
    [
        ("first", {POSITION, AGREES, CONTROLS, FEW}),
        ("longer", {LENGTH, CONTROLS}),
        ("random", {CONTROLS}),
        ("coin", {CONTROLS}),
    ],
)
def test_scripted_judges_are_exposed_with_a_hundred_prompts(script: str, caught: set[str]) -> None:
    missed = Counter(kind for seed in range(100) for kind in caught - kinds(scripted(script, seed)))
    assert max(missed.values(), default=0) <= 5, missed


def test_a_random_judge_is_exposed_without_controls() -> None:
    found = [kinds(replace(scripted("random", seed), controls=None), draws=400) for seed in range(400)]
    # A random judge's κ is below 0, interval and all, in 2.5 % of runs.
    assert sum(bool(each & {AGREES, CONTRADICTS}) for each in found) >= 380
    assert sum(CONTRADICTS in each for each in found) <= 20
    assert sum(MIND in each for each in found) >= 180


def flipping(share: float) -> float:
    """The noise of an honest judge with which two answers to a prompt differ so often."""
    return float(1 - np.sqrt(1 - 2 * share)) / 2


@pytest.mark.parametrize("flips", [0.1, 0.3])
@pytest.mark.parametrize("prompts", [10, 20, 30, 100, 805])
@pytest.mark.parametrize(("better", "worse"), [(0.45, 0.25), (0.65, 0.35), (0.93, 0.02)])
def test_an_honest_judge_is_not_said_to_answer_at_random(
    better: float, worse: float, prompts: int, flips: float
) -> None:
    judge = Honest(better=better, worse=worse, noise=flipping(flips), prompts=prompts)
    runs = 40 if prompts == 805 else 100
    accused = 0
    for seed in range(runs):
        votes = judge.votes(seed)
        order = orders(votes, 200, prompt_key(0))
        said = judge_warnings(replace(votes, controls=None), order, Length(), sign_test(votes.outcomes), 20, None)
        accused += any(kind in each for kind in (AGREES, CONTRADICTS) for each in said)
    assert accused <= 0.05 * runs  # 3 % and two standard errors less than that of 100 runs; here mostly none


def test_of_few_prompts_a_random_judge_is_not_excluded_and_that_is_a_remark() -> None:
    tail = "and so few prompts cannot tell this judge from one that answers at random."
    side, gap = np.array([[1.0, -1, 1, -1, 1, -1]]), np.arange(6.0)[None]
    (row,) = winrate_rows([answers(side, side[:, ::-1], gap)], 200, 0)
    assert row["warnings"] == [f"No prompt was decided: fewer than 20 can hardly tell a preference, {tail}"]
    (row,) = winrate_rows([answers(side, side, gap)], 200, 0)
    assert row["warnings"] == ["Only 6 prompts were decided: fewer than 20 can hardly tell a preference."]


def test_a_random_judge_is_exposed_also_where_a_rule_decided_for_one_arm() -> None:
    """40 of 100 prompts are won because the other completion is degenerate: that is no merit of the judge."""

    def ruled(seed: int) -> Votes:
        votes = scripted("random", seed)
        assert votes.rules is not None
        outcomes, rules = votes.outcomes.copy(), votes.rules.astype("<U10")
        outcomes[:, :40], rules[:, :40] = 1, "degenerate"
        return replace(votes, outcomes=outcomes, rules=rules)

    found = [kinds(ruled(seed)) for seed in range(100)]
    assert sum(CONTROLS in each for each in found) >= 95
    assert sum(AGREES in each for each in found) >= 75  # of 60 answers


def test_length_explains_no_preference_that_a_rule_made() -> None:
    rng = np.random.default_rng(4)
    gap = rng.normal(0, 200, (1, 300)).round()
    side = np.where(rng.random(gap.shape) < 1 / (1 + np.exp(-1.2 * np.tanh(gap / 200))), 1.0, -1.0)
    judged = answers(side, side, gap)
    assert judged.rules is not None
    rules = judged.rules.astype("<U10")
    rules[:, :100] = "degenerate"
    outcomes = np.where(rules == "degenerate", 1.0, judged.outcomes)
    (row,) = winrate_rows([replace(judged, outcomes=outcomes, rules=rules)], 200, 0)
    assert row["p"] < 0.001
    assert row["length_low"] > 0
    assert row["zero_gap_low"] < 0.5 * 100 < row["zero_gap_high"]
    assert row["warnings"] == []


@pytest.mark.parametrize(("flips", "accused"), [(0.35, False), (0.44, False), (0.5, True)])
def test_changing_ones_mind_is_reported_where_its_whole_interval_is_beyond_the_threshold(
    flips: float, accused: bool
) -> None:
    """400 prompts, so ± 5 points: 35 % is what a good judge does between near-equal answers; 44 % may be 40 %."""
    side = np.resize([1.0, 1.0, -1.0, -1.0], 400)
    second = np.where(np.arange(400) < 400 * flips, -side, side)  # of each side as many, so no position is favoured
    found = kinds(replace(answers(side[None], second[None], np.ones((1, 400))), gap=None))
    assert (MIND in found) is accused


def test_a_judge_that_goes_by_length_is_exposed_also_with_noise() -> None:
    def noisy(seed: int) -> Votes:
        rng = np.random.default_rng(seed)
        longer = scripted("longer", seed)
        assert longer.gap is not None
        side = np.where(rng.random((1, 100)) < 0.92, np.sign(longer.gap), -np.sign(longer.gap))
        return answers(side, side, longer.gap)

    assert sum(LENGTH in kinds(noisy(seed)) for seed in range(100)) >= 95


def test_a_judge_that_contradicts_itself_does_not_answer_at_random() -> None:
    """Of most prompts it takes one place in both orders, of some the first and of some the second."""
    first = np.resize([1.0, -1.0], 60)
    second = np.where(np.arange(60) < 50, -first, first)
    (row,) = winrate_rows([answers(first[None], second[None], np.zeros((1, 60)))], 400, 0)
    said = [warning for warning in row["warnings"] if "κ" in warning]
    assert row["kappa_high"] < 0
    assert len(said) == 1
    assert said[0].startswith(f"{CONTRADICTS}: its two orders disagree more often than random answers would")
    assert f"κ = {row['kappa']:.2f} [" in said[0]
    assert AGREES not in " ".join(row["warnings"])


def test_controls_accuse_the_judge_or_the_text_they_are_made_of() -> None:
    (row,) = winrate_rows([replace(Honest(errors=0.0).votes(1), controls=dict(HALF))], 200, 0)
    assert row["warnings"] == [
        "The judge cannot tell intact text from the same words shuffled, or the baseline's text is hardly better than "
        "its words shuffled: the intact text was preferred in 10 of 20 controls."
    ]


def test_an_arm_that_is_longer_nearly_everywhere_accuses_no_judge() -> None:
    rng = np.random.default_rng(2)
    side = np.where(rng.random((1, 100)) < 0.9, 1.0, -1.0)
    (row,) = winrate_rows([answers(side, side, rng.normal(10, 1, (1, 100)))], 200, 0)
    (said,) = row["warnings"]
    assert said.startswith("Length cannot be told from quality: the longer text won")
    assert said.endswith("at equal lengths nothing can be said, since one arm is nearly always longer.")


def test_made_up_answers_are_the_first_thing_said() -> None:
    (row,) = winrate_rows([replace(Honest().votes(1), scripted=True)], 200, 0)
    assert row["warnings"] == [SCRIPTED]
    assert "not a result" in SCRIPTED
    assert row["scripted"] is True


def test_a_preference_that_length_may_explain_is_said() -> None:
    rng = np.random.default_rng(2)
    gap = rng.normal(150, 200, (1, 400)).round()
    side = np.where(rng.random(gap.shape) < 1 / (1 + np.exp(-1.5 * np.tanh(gap / 200))), 1.0, -1.0)
    assert kinds(answers(side, side, gap)) == {ALONE}


def test_an_arm_that_is_longer_and_better_throughout_accuses_no_judge() -> None:
    rng = np.random.default_rng(2)
    gap = rng.integers(100, 300, size=(1, 60)).astype(float)
    (row,) = winrate_rows([answers(np.ones((1, 60)), np.ones((1, 60)), gap)], 200, 0)
    assert row["warnings"] == [
        "Length cannot be told from quality: the longer text won 100 % [100, 100] of its decisions; at equal lengths "
        "nothing can be said, since one side won every prompt."
    ]


def test_errors_few_decisions_and_overlap() -> None:
    honest = Honest(errors=0.0).votes(1)
    assert kinds(honest) == set()
    broken = honest.outcomes.copy()
    broken[0, :6] = np.nan
    assert kinds(replace(honest, outcomes=broken)) == {ERRORS}
    assert kinds(Honest(prompts=20, errors=0.0).votes(1)) == {FEW}
    found = replace(honest, overlap=("dolly, flan",) * 3 + ("flan",) + ("",) * 96)
    (row,) = winrate_rows([found], 200, 0)
    assert row["warnings"][0].startswith("4 of 100 prompts were found in training documents (dolly, flan); without")
    (row,) = winrate_rows([replace(honest, overlap=("flan",) * 100)], 200, 0)
    assert "without them nothing is left" in row["warnings"][0]


def test_few_controls_accuse_nobody() -> None:
    few = {"n": 6, "right": 3, "wrong": 3, "ties": 0, "errors": 0}
    assert kinds(replace(Honest(errors=0.0).votes(1), controls=few)) == set()
    mostly_tied = {"n": 100, "right": 10, "wrong": 0, "ties": 90, "errors": 0}
    assert kinds(replace(Honest(errors=0.0).votes(1), controls=mostly_tied)) == {CONTROLS}
