from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from leaven.analyze.votes import read_votes
from leaven.analyze.winrates import net_win, sign_test, winrate_rows
from leaven.ground.errors import LeavenError


def judgement(folder: Path, variant: str = "v", seed: int = 0) -> dict[str, Any]:
    return {"variant": variant, "baseline": "b", "seed": seed, "folder": folder}


def test_the_papers_triple() -> None:
    """34.7 % against 28.1 % on 199 prompts: p ≈ 0.28 (EVALUATION.md §5)."""
    outcomes = np.array([[1.0] * 69 + [-1.0] * 56 + [0.0] * 74])
    assert sign_test(outcomes) == pytest.approx(0.28, abs=0.01)
    net = net_win(outcomes, 2000, key=1)
    assert net.estimate == pytest.approx(100 * 13 / 199)
    assert net.item_se == pytest.approx(5.6, abs=0.3)


def test_a_prompt_is_decided_by_the_majority_of_its_seeds() -> None:
    outcomes = np.array([[1, 1, -1, np.nan], [1, -1, -1, np.nan], [-1, 0, 0, np.nan]])
    # Prompt 0 won, prompt 1 tied, prompt 2 lost, prompt 3 never judged: one against one.
    assert sign_test(outcomes) == 1.0
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
    assert (row["net"], row["low"], row["high"], row["p"], row["errors"]) == (0, -100, 100, 1, 5)


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
