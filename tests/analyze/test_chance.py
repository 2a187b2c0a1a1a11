from __future__ import annotations

import numpy as np

from leaven.analyze.bootstrap import Sums, ratios_resampled
from leaven.analyze.chance import at_chance, beats, reason
from leaven.analyze.results import Sampled


def answers(level: float, seeds: int = 3, items: int = 400, seed: int = 0) -> Sampled:
    correct = (np.random.default_rng(seed).random((seeds, items)) < level).astype(float)
    sums = Sums(correct, np.ones_like(correct))
    drawn = ratios_resampled([sums], 400, key=1)[0]
    return Sampled(tuple(range(seeds)), sums.ratios, drawn, items, items)


def test_clear_cases() -> None:
    assert beats(answers(0.7), 0.5)
    assert not beats(answers(0.5), 0.5)
    assert not beats(answers(0.55), 0.62)
    assert beats(answers(1.0), 0.5)
    assert not beats(answers(0.0), 0.0)


def test_guessing_passes_in_about_one_case_of_twenty() -> None:
    passed = np.mean([beats(answers(0.5, items=100, seed=seed), 0.5) for seed in range(400)])
    assert 0.015 < passed < 0.085


def test_seeds_that_disagree_weaken_the_evidence() -> None:
    steady = answers(0.53, items=4000)
    uneven = Sampled(steady.seeds, np.array([0.46, 0.53, 0.60]), steady.draws + np.array([-0.07, 0, 0.07]), 4000, 4000)
    assert beats(steady, 0.5)
    assert not beats(uneven, 0.5)


def test_every_model_must_beat_chance() -> None:
    arms = {"text-only": answers(0.5), "code→text": answers(0.8)}
    excluded = at_chance("boolean", "reasoning", arms, 0.5)
    assert excluded is not None
    assert excluded.reason.startswith("text-only not above chance: ")
    assert set(excluded.values) == {"text-only", "code→text"}
    assert at_chance("boolean", "reasoning", {"code→text": answers(0.8)}, 0.5) is None


def test_wording() -> None:
    one = reason(["text-only"], {"text-only": 0.512, "code→text": 0.7}, 0.5)
    assert one == "text-only not above chance: 51.2 % of 50 %"
    some = reason(["a", "b", "c"], {"a": 0.52, "b": 0.51, "c": 0.5, "d": 0.9}, 1 / 3)
    assert some == "a, b and c not above chance: 50.0 to 52.0 % of 33.3 %"
    assert reason(["a", "b"], {"a": 0.2498, "b": 0.253}, 0.25) == "no variant above chance: 25.0 to 25.3 % of 25 %"
    assert reason(["a", "b"], {"a": 0.5, "b": 0.5}, 0.5) == "no variant above chance: 50.0 % of 50 %"
