"""What a study resolves before it runs, and what its smallest effect of interest takes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.analyze.pilot import Noise
from leaven.analyze.power import POWER, power, seeds_to_detect, smallest_effect
from leaven.analyze.resolution import Aim, merged, named, resolution, takes, warnings


def row_of(seed_sd: float, item_sd: float, margin: float = 1.0, seeds: int = 3, family: int = 1, **more: Any) -> Any:
    aim = Aim(more.pop("size", ""), "prose", "%", margin, seeds, 10**6)
    return resolution(aim, Noise(seed_sd, item_sd, more.pop("clusters", 400), "%", "a pilot"), family, **more)


def test_a_row_is_the_power_functions_answer() -> None:
    row = row_of(0.5, 4.0, family=4)
    assert row["smallest_effect"] == pytest.approx(smallest_effect(3, 0.5, 0.2, 0.05 / 4))
    assert row["seeds_needed"] == seeds_to_detect(1.0, 0.5, 0.2, 0.05 / 4)
    assert row["tokens_needed"] == row["seeds_needed"] * 10**6
    assert not row["resolves"]
    assert row["note"].endswith("at Holm's strictest step of 4 comparisons")


def test_a_study_that_resolves_its_question_is_not_warned() -> None:
    row = row_of(0.1, 1.0)
    assert row["resolves"]
    assert row["items_needed"] == 400
    assert row["tokens_needed"] == 3 * 10**6
    assert warnings([row]) == []


@settings(max_examples=40, deadline=None)
@given(
    seed_sd=st.floats(0.01, 2), item_sd=st.floats(0.1, 60), margin=st.floats(0.3, 5), seeds=st.integers(2, 9),
    family=st.integers(1, 40),
)  # fmt: skip
def test_what_is_needed_suffices_and_nothing_less_does(
    seed_sd: float, item_sd: float, margin: float, seeds: int, family: int
) -> None:
    row, level = row_of(seed_sd, item_sd, margin, seeds, family), 0.05 / family
    item_se = item_sd / 20
    if needed := row["seeds_needed"]:
        assert power(margin, needed, seed_sd, item_se, level) >= POWER
        assert needed == 2 or power(margin, needed - 1, seed_sd, item_se, level) < POWER
        assert row["resolves"] == (needed <= seeds)
    if not row["resolves"] and (items := row["items_needed"]):
        assert items > 400
        assert power(margin, seeds, seed_sd, item_sd / math.sqrt(items), level) >= POWER - 1e-4
        assert power(margin, seeds, seed_sd, item_sd / math.sqrt(items - 1), level) < POWER + 1e-4
    if row["both_needed"]:
        assert not row["seeds_needed"]
        both, many = row["both_needed"]
        assert power(margin, both, seed_sd, item_sd / math.sqrt(many), level) >= POWER


def test_items_of_which_nothing_is_known_are_not_advised() -> None:
    row = row_of(2.0, 0.0, clusters=0)
    assert row["items_needed"] is None
    assert "items" not in takes(row)
    assert "items not counted" in row["note"]
    assert takes(row_of(90.0, 0.0, clusters=0)) == "more than 50 seeds"


def test_what_it_takes_in_words() -> None:
    row = row_of(0.7, 0.1)
    assert takes(row) == f"{row['seeds_needed']} seeds, {row['seeds_needed']}M tokens in all (now 3)"
    either = takes(row_of(0.3, 4.8))
    assert " tokens in all (now 3) or " in either
    assert either.endswith(" independent items (now 400)")
    assert takes(row_of(0.1, 8.5)).endswith(" independent items (now 400)")
    assert "seeds" not in takes(row_of(0.1, 8.5))
    both = row_of(0.5, 20.0)
    assert takes(both).endswith(
        f" seeds, {both['both_needed'][0]}M tokens in all (now 3) with 4,000 independent items (now 400)"
    )
    assert "tokens" not in takes(row_of(0.1, 8.5))
    assert takes(row_of(90.0, 20.0)) == "more than 50 seeds and 25 times the items"


def test_one_seed_finds_nothing() -> None:
    row = row_of(0.1, 0.1, seeds=1)
    assert row["smallest_effect"] is None
    assert "would take 3 seeds, 3M tokens in all (now 1) for prose" in warnings([row])[0]


def test_sizes_that_say_the_same_say_it_once() -> None:
    rows = [row_of(0.5, 4.0, size=size) for size in ("1m", "7m")] + [row_of(0.6, 4.0, size="30m")]
    assert [named(row) for row in merged(rows)] == ["prose at 1m and 7m", "prose at 30m"]
    (said,) = warnings(rows, 12)
    assert said.startswith("this study cannot resolve its own question: ")
    assert said.count("(now 3)") == 2
    assert merged(rows)[0]["tokens_needed"] == 2 * rows[0]["tokens_needed"]
    assert f"{2 * rows[0]['seeds_needed']}M tokens in all (now 3) for prose at 1m and 7m" in said
    assert said.endswith("(12 comparisons are corrected together)")
    assert rows[0]["size"] == "1m"
