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


@pytest.mark.parametrize("rise", [0.0, 1.0, -1.0])
def test_a_source_that_is_read_too_often_at_every_share(rise):
    found = repetition("code", SHARES, {name: {"code": 10 + rise * share} for name, share in SHARES.items()}, 4.0)
    assert found is not None
    assert found["sources"][0]["side"] == "everywhere"
    assert not found["possible"]
    assert "more than 4 times: at every share, code. No share keeps" in found["said"]


def test_limits_that_leave_no_share():
    """Code beyond 20 %, text below 60 %."""
    epochs = {name: {"code": 20 * share, "text": 10 * (1 - share)} for name, share in SHARES.items()}
    found = repetition("code", SHARES, epochs, 4.0)
    assert found is not None
    assert (found["most"], found["least"]) == (pytest.approx(0.2), pytest.approx(0.6))
    assert not found["possible"]
    assert "No share keeps every source within 4 times" in found["said"]


def lead(state: str) -> dict[str, object]:
    return {"name": "reasoning", "state": state, "best": 0.3, "low": 0.2, "high": 0.502}


def asked(**more):
    given = {"gain": 0.5, "seed_sd": 0.2, "item_se": 0.0, "comparisons": 2, "baselines": {"stratified": 0.5}}
    return confirmation("code", SHARES, **{"lead": lead("identified"), **given, **more})


def test_the_best_the_ends_and_the_baselines_are_run_once_each():
    found = asked(baselines={"stratified": 0.5, "natural": 0.305})
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
    assert "these runs do not tell" in asked(seed_sd=None)["said"]
    assert "No gain" in asked(gain=-0.1)["said"]


def test_the_cap_moves_the_best_and_the_ends_and_marks_the_baseline():
    assert [(row["share"], row["roles"]) for row in asked(within=(0.0, 0.25))["shares"]] == [
        (0.25, ["best within the cap", "high end within the cap"]),
        (0.2, ["low end"]),
        (0.5, ["stratified baseline beyond the cap"]),
    ]
    nowhere = asked(within=None)
    assert nowhere["shares"][0]["roles"] == ["best"]
    assert "No share keeps every source within the cap" in nowhere["said"]


def test_baselines_beyond_the_shares_that_ran_and_narrow_sweeps():
    shares = {"0": 0.0, "2": 0.02, "4": 0.04}
    narrow = {"name": "m", "state": "identified", "best": 0.013, "low": 0.0105, "high": 0.019}
    given = {"seed_sd": 0.2, "item_se": 0.0, "comparisons": 1}
    found = confirmation("code", shares, narrow, gain=None, baselines={"stratified": 0.5}, **given)
    assert [row["share"] for row in found["shares"]] == [0.013, 0.0105, 0.019, 0.5]
    assert found["shares"][2]["variant"] is None
    assert (found["gain"], found["seeds"]) == (None, None)
    assert "no baseline lies among the shares that ran" in found["said"]


def test_nothing_is_confirmed_where_nothing_is_told():
    found = asked(lead=lead("not identified"))
    assert found["seeds"] is None
    assert [row["roles"] for row in found["shares"]] == [["stratified baseline"], ["middle of the widest gap"]]
    assert "nothing to confirm" in found["said"]
