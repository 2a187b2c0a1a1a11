"""Where a source would be read too often, and what to run next."""

from __future__ import annotations

import pytest

from leaven.analyze.optimum.confirm import confirmation
from leaven.analyze.optimum.repetition import repetition

SHARES = {"0 %": 0.0, "50 %": 0.5, "100 %": 1.0}
EPOCHS = {name: {"code": 8 * share, "text": 6 * (1 - share), "books": 0.5} for name, share in SHARES.items()}


def test_both_sides_meet_the_cap():
    found = repetition("code", SHARES, EPOCHS, 4.0)
    assert found is not None
    assert found["most"] == pytest.approx(0.5)
    assert found["least"] == pytest.approx(1 / 3)
    assert {row["source"]: row["side"] for row in found["sources"]} == {"code": "above", "text": "below", "books": ""}
    assert "beyond 50 % code, code; below 33 % code, text" in found["said"]


def test_a_source_that_never_repeats_too_much_and_epochs_that_are_unknown():
    found = repetition("code", SHARES, {name: {"code": 2 * share} for name, share in SHARES.items()}, 4.0)
    assert found is not None
    assert (found["least"], found["most"]) == (0.0, 1.0)
    assert "no source is read more than 4 times" in found["said"]
    assert repetition("code", SHARES, None) is None
    always = repetition("code", SHARES, {name: {"code": 5 + share} for name, share in SHARES.items()}, 4.0)
    assert always is not None
    assert always["most"] == 0.0


def lead(state: str) -> dict[str, object]:
    return {"name": "reasoning", "state": state, "best": 0.3, "low": 0.2, "high": 0.502}


def asked(**more):
    given = {"gain": 0.5, "seed_sd": 0.2, "item_se": 0.0, "comparisons": 2, "natural": None, "stratified": 0.5}
    return confirmation("code", SHARES, **{"lead": lead("identified"), **given, **more})


def test_the_best_the_ends_and_the_baselines_are_run_once_each():
    found = asked(natural=0.305)
    assert [(row["share"], row["roles"], row["variant"]) for row in found["shares"]] == [
        (0.3, ["best", "natural baseline"], None),
        (0.2, ["low end"], None),
        (0.5, ["high end", "stratified baseline"], "50 %"),
    ]
    assert found["seeds"] >= 3
    assert f"{found['seeds']} seeds each" in found["said"]


def test_more_noise_takes_more_seeds_and_single_runs_name_none():
    assert asked(seed_sd=0.5)["seeds"] > asked(seed_sd=0.1)["seeds"]
    assert asked(seed_sd=50.0)["seeds"] is None
    assert "single runs do not tell" in asked(seed_sd=None)["said"]
    assert "No gain" in asked(gain=-0.1)["said"]


def test_the_cap_moves_the_best_and_nothing_is_confirmed_where_nothing_is_told():
    assert asked(within=(0.0, 0.25))["shares"][0] == {"share": 0.25, "roles": ["best within the cap"], "variant": None}
    found = asked(lead=lead("not identified"))
    assert found["seeds"] is None
    assert [row["roles"] for row in found["shares"]] == [["stratified baseline"], ["middle of the widest gap"]]
    assert "nothing to confirm" in found["said"]
