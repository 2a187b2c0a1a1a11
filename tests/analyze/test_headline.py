"""The sentence for somebody who has to decide."""

from __future__ import annotations

from leaven.analyze.headline import headlines

ROW = {"size": "1m", "variant": "v", "baseline": "b", "measure": "code", "primary": True, "verdict": "better"}
ROW |= {"effect": -9.0, "low": -11.0, "high": -7.0, "unit": "%", "seeds": 3, "p_holm": 0.01, "p_equivalence_holm": 1.0}
ROW |= {"would_change": "a bias of 5 % in its favour would undo it"}


def test_gain_and_cost_stand_in_one_sentence() -> None:
    cost = {**ROW, "measure": "prose", "verdict": "worse", "effect": 2.0, "low": 1.0, "high": 3.0, "p_holm": 0.04}
    cost["would_change"] = "a bias of 1 % against it would undo it"
    (found,) = headlines([cost, ROW, {**ROW, "primary": False, "measure": "secondary"}])
    assert found["said"] == (
        "v instead of b (3 seeds) is better on code (−9.0 % [−11.0, −7.0]); worse on prose (+2.0 % [+1.0, +3.0])"
    )
    # The weaker of the two claims is the one that would go first.
    assert found["would_change"] == "on prose a bias of 1 % against it would undo it"


def test_what_is_open_is_what_to_settle() -> None:
    open_ = {**ROW, "measure": "facts", "verdict": "unresolved", "seeds": 2, "would_change": "about 9 seeds would tell"}
    even = {**ROW, "measure": "prose", "verdict": "equivalent", "seeds": 2}
    (found,) = headlines([ROW, open_, even])
    assert "(2 to 3 seeds)" in found["said"]
    assert [found["said"].index(word) for word in ("better on code", "equivalent on prose", "unresolved on facts")] == (
        sorted(found["said"].index(word) for word in ("better on code", "equivalent on prose", "unresolved on facts"))
    )
    assert found["would_change"] == "on facts about 9 seeds would tell"


def test_sizes_are_named_where_there_are_several() -> None:
    first, second = headlines([ROW, {**ROW, "size": "3m", "seeds": 1}])
    assert first["said"].startswith("at 1m, v instead of b (3 seeds)")
    assert "(1 seed)" in second["said"]
