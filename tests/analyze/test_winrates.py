from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from leaven.analyze.clustered import crossed_mean
from leaven.analyze.votes import Votes, read_votes
from leaven.analyze.winrates import all_met, majority, net_win, sign_test, table_rows, winrate_rows
from leaven.ground.errors import LeavenError

KEYS = {
    *("variant", "baseline", "wins", "losses", "ties", "errors", "prompts", "seeds", "net", "low", "high", "unit", "p"),
    *("p_holm", "p_seeds", "flips", "degenerate", "judge", "judge_what", "half", "half_low", "half_high", "flip_rate"),
    *("first_rate", "first_low", "first_high", "kappa", "longer_rate", "length_slope", "length_low", "length_high"),
    *("zero_gap", "zero_gap_low", "zero_gap_high", "needed", "resolvable", "overlapping", "clean_net", "clean_low"),
    *("clean_high", "rules", "controls", "scripted", "warnings"),
}


def judgement(folder: Path, variant: str = "v", seed: int = 0) -> dict[str, Any]:
    return {"variant": variant, "baseline": "b", "seed": seed, "folder": folder}


def test_the_papers_triple() -> None:
    """34.7 % against 28.1 % on 199 prompts: p ≈ 0.28 (EVALUATION.md §5)."""
    outcomes = np.array([[1.0] * 69 + [-1.0] * 56 + [0.0] * 74])
    assert sign_test(outcomes) == pytest.approx(0.28, abs=0.01)
    net = net_win(outcomes, 2000, key=1)
    assert net.estimate == pytest.approx(100 * 13 / 199)
    assert net.item_se == pytest.approx(5.6, abs=0.3)


@pytest.mark.parametrize(
    ("wins", "losses", "ties", "p"),
    [
        (96, 44, 59, None),
        (104, 37, 58, None),
        (65, 71, 63, 0.67),
        (75, 69, 55, 0.68),
        (73, 67, 59, 0.67),
        (64, 51, 84, 0.26),
        (69, 56, 74, 0.28),
    ],
)
def test_the_papers_figures_7_to_9(wins: int, losses: int, ties: int, p: float | None) -> None:
    """Counts and p-values of PAPER.md §5; without one: below 0.001."""
    found = sign_test(np.array([[1.0] * wins + [-1.0] * losses + [0.0] * ties]))
    assert found < 0.001 if p is None else found == pytest.approx(p, abs=0.005)


def test_rows_hold_what_is_promised_and_half_is_the_net_win_on_another_scale() -> None:
    rng = np.random.default_rng(1)
    outcomes = rng.choice([1.0, 0.0, -1.0, np.nan], p=[0.45, 0.3, 0.2, 0.05], size=(3, 80))
    (row,) = winrate_rows([Votes("v", "b", outcomes, 0, 0, "judge", "A judge.")], 400, 0)
    assert set(row) >= KEYS
    per_seed = [(np.nansum(seed == 1) + np.nansum(seed == 0) / 2) / (~np.isnan(seed)).sum() for seed in outcomes]
    assert row["half"] == pytest.approx(100 * np.mean(per_seed))
    assert row["half_low"] == pytest.approx(50 + row["low"] / 2)
    assert row["half_high"] - row["half"] == pytest.approx((row["high"] - row["net"]) / 2)
    assert row["half_low"] < row["half"] < row["half_high"]
    unknown = ("flip_rate", "first_rate", "kappa", "longer_rate", "length_slope", "zero_gap", "overlapping", "rules")
    assert [row[name] for name in unknown] == [None] * len(unknown)
    (flat,) = table_rows([row])
    assert (flat["controls"], flat["controls_right"], flat["ruled_degenerate"]) == (None, None, None)


def test_without_the_prompts_that_training_held() -> None:
    """Three prompts were met in training and are won; the others are lost: the clean net win says so."""
    outcomes = np.array([[1.0] * 3 + [-1.0] * 37])
    met = Votes("v", "b", outcomes, 0, 0, "judge", "A judge.", overlap=("dolly",) * 3 + ("",) * 37)
    (row,) = winrate_rows([met], 200, 0)
    assert (row["overlapping"], row["clean_net"], row["clean_low"]) == (3, -100, -100)
    assert -100 < row["clean_high"] < -85
    for overlap, count in ((("dolly",) * 40, 40), (("",) * 40, 0), (("",) + ("dolly",) * 39, 39)):
        (row,) = winrate_rows([Votes("v", "b", outcomes, 0, 0, "judge", "", overlap=overlap)], 200, 0)
        assert (row["overlapping"], row["clean_net"], row["clean_low"]) == (count, None, None)


def test_all_pairs_are_corrected_together_and_known_as_a_tournament() -> None:
    def pair(a: str, b: str, wins: int, seeds: int = 1) -> Votes:
        return Votes(a, b, np.array([[1.0] * wins + [-1.0] * (30 - wins)] * seeds), 0, 0, "judge", "A judge.")

    votes = [pair("x", "base", 24), pair("y", "base", 22), pair("y", "x", 20)]
    rows = winrate_rows(votes, 200, 0)
    assert [(row["variant"], row["baseline"]) for row in rows] == [("x", "base"), ("y", "base"), ("y", "x")]
    assert rows[0]["p_holm"] == pytest.approx(3 * rows[0]["p"])
    assert rows[1]["p_holm"] == pytest.approx(2 * rows[1]["p"])
    assert all_met(votes) == ["base", "x", "y"]
    assert all_met(votes[:2]) == all_met(votes[:1]) == all_met([]) == []
    assert all_met([*votes[:2], pair("y", "x", 20, seeds=2)]) == []


@pytest.mark.parametrize(("seeds", "spread"), [(1, 0.0), (3, 0.0), (3, 0.15)])
def test_intervals_of_net_win_and_half_cover(seeds: int, spread: float) -> None:
    """Prompts that lean, seeds that differ by `spread` in net win, a tenth of errors; 300 studies of a known truth."""
    rng = np.random.default_rng(8)
    truth, held = 0.15, np.zeros(2)
    for study in range(300):
        lean = truth + rng.uniform(-0.35, 0.35, size=120) + rng.normal(0, spread, size=(seeds, 1))
        drawn = rng.random((seeds, 120))
        outcomes = np.where(drawn < 0.325 + lean / 2, 1.0, np.where(drawn > 0.675 + lean / 2, -1.0, 0.0))
        outcomes[rng.random(outcomes.shape) < 0.1] = np.nan
        (row,) = winrate_rows([Votes("v", "b", outcomes, 0, 0, "judge", "")], 200, study)
        held += row["low"] <= 100 * truth <= row["high"], row["half_low"] <= 50 + 50 * truth <= row["half_high"]
    assert held[0] == held[1]
    assert held[0] / 300 >= 0.925  # 95 % less two standard errors of 300 studies


def test_a_prompt_is_decided_by_the_majority_of_its_seeds() -> None:
    outcomes = np.array([[1, 1, -1, np.nan], [1, -1, -1, np.nan], [-1, 0, 0, np.nan]])
    # Prompt 0 won, prompt 1 tied, prompt 2 lost, prompt 3 never judged: one against one.
    assert majority(outcomes) == (1, 1)
    assert sign_test(np.tile(outcomes[:, [0, 0, 1, 2]], 4)) == pytest.approx(stats.binomtest(8, 12).pvalue)
    assert sign_test(np.array([[1.0] * 8])) == pytest.approx(stats.binomtest(8, 8).pvalue)
    assert sign_test(np.full((2, 3), np.nan)) == 1.0


def test_counts_holm_and_flips(tmp_path: Path, votes_writer: Any) -> None:
    strong = ["win"] * 30 + ["lose"] * 2 + ["tie"] * 6 + ["error"] * 2
    even = ["win"] * 10 + ["lose"] * 10 + ["tie"] * 20
    given = [judgement(votes_writer(tmp_path / f"s{s}", strong, flips=2), "strong", s) for s in range(2)]
    given += [judgement(votes_writer(tmp_path / f"e{s}", even), "even", s) for s in range(2)]
    first, second = winrate_rows(read_votes(given), 400, 0)
    assert [first[key] for key in ("wins", "losses", "ties", "errors", "prompts", "flips", "degenerate")] == (
        [60, 4, 12, 4, 40, 4, 2]
    )
    assert first["net"] == pytest.approx(100 * 56 / 76)
    assert first["p_holm"] == pytest.approx(2 * first["p"])
    assert second["p_holm"] == 1
    assert first["low"] > 0 > second["low"]


def test_nothing_judged_is_nothing_known(tmp_path: Path, votes_writer: Any) -> None:
    (row,) = winrate_rows(read_votes([judgement(votes_writer(tmp_path / "v", ["error"] * 5))]), 100, 0)
    unknown = (
        "net",
        "low",
        "high",
        "half",
        "half_low",
        "half_high",
        "zero_gap",
        "zero_gap_low",
        "needed",
        "resolvable",
    )
    assert [row[name] for name in unknown] == [None] * len(unknown)
    assert (row["p"], row["p_holm"], row["p_seeds"], row["errors"]) == (1, 1, 1, 5)
    assert row["warnings"][-1].startswith("No prompt was decided")
    (row,) = winrate_rows([Votes("v", "b", np.empty((2, 0)), 0, 0, "judge", "A judge.", overlap=())], 100, 0)
    assert [row[name] for name in unknown] == [None] * len(unknown)


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_judged_prompt_says_nothing_of_others(seeds: int) -> None:
    outcomes = np.full((seeds, 4), np.nan)
    outcomes[:, 2] = -1
    (row,) = winrate_rows([Votes("v", "b", outcomes, 0, 0, "judge", "A judge.")], 100, 0)
    assert (row["net"], row["low"], row["high"], row["half_low"], row["half_high"]) == (-100, -100, 100, 0, 100)
    assert row["warnings"][1:] == ["Only 1 prompt was decided: fewer than 20 can hardly tell a preference."]


FEW = [(0.9, 0.05, 0.05), (0.35, 0.35, 0.3), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0), (0.05, 0.05, 0.9), (0.97, 0.03, 0.0)]


@pytest.mark.parametrize("shares", FEW, ids=str)
def test_intervals_of_few_or_near_unanimous_votes_cover(shares: tuple[float, float, float]) -> None:
    """Shares of wins, losses and ties; without the win and the loss that are resampled too, 90/5/5 has 41, 66, 86 and
    87 %. Each composition of votes is analysed once."""
    rng = np.random.default_rng(9)
    truth = 100 * (shares[0] - shares[1])
    for prompts in (5, 10, 20, 30):
        drawn, counts = np.unique(rng.multinomial(prompts, shares, size=600), axis=0, return_counts=True)
        held = 0
        for composition, count in zip(drawn, counts, strict=True):
            low, high = net_win(np.repeat([[1.0, -1.0, 0.0]], composition, axis=1), 400, 1).interval()
            held += int(count) * (low - 1e-9 <= truth <= high + 1e-9)
        assert held / 600 >= 0.92, prompts


def test_many_ordinary_votes_hardly_notice_the_prompts_resampled_beside_them() -> None:
    for counts in ((45, 20, 35), (69, 56, 74), (104, 37, 58)):
        outcomes = np.repeat([[1.0, -1.0, 0.0]], counts, axis=1)
        assert net_win(outcomes, 10, 1).estimate == pytest.approx(100 * (counts[0] - counts[1]) / sum(counts))
        with_them = np.mean([net_win(outcomes, 1000, key).interval() for key in range(30)], axis=0)
        plain = np.mean([crossed_mean(outcomes, 1000, key).interval() for key in range(30)], axis=0)
        assert with_them == pytest.approx(100 * plain, abs=0.5)


def test_seeds_count_alike_however_many_of_their_votes_are_errors() -> None:
    outcomes = np.vstack([[1.0] * 10 + [np.nan] * 90, [1.0] * 50 + [-1.0] * 50])
    (row,) = winrate_rows([Votes("v", "b", outcomes, 0, 0, "judge", "A judge.")], 100, 0)
    assert row["net"] == pytest.approx(50)
    assert any(said.startswith("The seeds have unequally many outcomes (10 to 100)") for said in row["warnings"])
    outcomes = np.vstack([[1.0, -1] * 40 + [np.nan] * 20, [1.0, -1] * 50])  # a fifth fewer: not yet
    (row,) = winrate_rows([Votes("v", "b", outcomes, 0, 0, "judge", "A judge.")], 100, 0)
    assert not any("unequally" in said for said in row["warnings"])


def test_what_is_wrong_is_named(tmp_path: Path, votes_writer: Any) -> None:
    with pytest.raises(LeavenError, match="judgement of v seed 0: votes.parquet or judge.json is missing"):
        read_votes([judgement(tmp_path)])
    with pytest.raises(LeavenError, match='unknown outcome "draw"'):
        read_votes([judgement(votes_writer(tmp_path / "d", ["draw"]))])
    pair = [
        judgement(votes_writer(tmp_path / "1", ["win"] * 2)),
        judgement(votes_writer(tmp_path / "2", ["win"]), seed=1),
    ]
    with pytest.raises(LeavenError, match='prompt "0001" is not judged alike'):
        read_votes(pair)
