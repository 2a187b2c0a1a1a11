"""Judged completions: how often a variant is preferred over the baseline, and how sure that is.

The unit is the prompt; its votes over seeds belong together. Wins, losses, ties and errors are counts of votes (prompt
× seed); errors are never ties (EVALUATION.md §5). *Net* is (wins − losses) / (wins + losses + ties), in points,
averaged over seeds; its interval resamples prompts and holds the seeds' spread like every other effect of a study.

The p-value is the exact sign test on prompts: a prompt is decided by the majority of its seeds, ties of a prompt drop
out. It speaks about *these* trained models on other prompts of the kind; the interval, and `p_seeds`, also about models
trained anew. With few seeds the two can disagree, and then the interval is the safer reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from leaven.analyze.bootstrap import Sums, ratios_resampled
from leaven.analyze.crossed import Crossed, cross, scaled
from leaven.analyze.holm import holm
from leaven.analyze.votes import Votes
from leaven.ground.canonical import key64


def sign_test(outcomes: NDArray[np.float64]) -> float:
    """Exact two-sided p on decided prompts, each decided by the majority of its seeds; 1 where none is decided."""
    leaning = np.sign(np.nansum(outcomes, axis=0))
    won, lost = int((leaning > 0).sum()), int((leaning < 0).sum())
    return float(stats.binomtest(won, won + lost, 0.5).pvalue) if won + lost else 1.0


def net_win(outcomes: NDArray[np.float64], draws: int, key: int) -> Crossed:
    """Net win in points. Seeds without any judged prompt drop out; without any seed left nothing is known (±100)."""
    judged = outcomes[~np.isnan(outcomes).all(axis=1)]
    if not len(judged):
        return Crossed(0.0, 0.0, 0.0, 0.0, 1, np.repeat([-100.0, 100.0], 2))
    sums = Sums(np.nan_to_num(judged, nan=0.0), (~np.isnan(judged)).astype(np.float64))
    drawn = ratios_resampled([sums], draws, key)[0]
    return scaled(cross(sums.ratios, drawn, float(sums.ratios.mean())), 100.0)


def winrate_rows(votes: Sequence[Votes], draws: int, seed: int) -> list[dict[str, Any]]:
    """Rows of `verdict.json`, Holm over the pairs judged. `net`, `low`, `high` in points (`unit`)."""
    p_values = [sign_test(pair.outcomes) for pair in votes]
    rows = []
    for pair, p, p_holm in zip(votes, p_values, holm(p_values), strict=True):
        net = net_win(pair.outcomes, draws, key64("analyze/prompts/1", seed))
        low, high = net.interval(0.95)
        rows.append(
            {
                "variant": pair.variant,
                "baseline": pair.baseline,
                "wins": int((pair.outcomes == 1).sum()),
                "losses": int((pair.outcomes == -1).sum()),
                "ties": int((pair.outcomes == 0).sum()),
                "errors": int(np.isnan(pair.outcomes).sum()),
                "prompts": int(pair.outcomes.shape[1]),
                "seeds": int(pair.outcomes.shape[0]),
                "net": net.estimate,
                "low": max(low, -100.0),
                "high": min(high, 100.0),
                "unit": "points",
                "p": p,
                "p_holm": p_holm,
                "p_seeds": net.p_difference(),
                "flips": pair.flips,
                "degenerate": pair.degenerate,
                "judge": pair.judge,
                "judge_what": pair.judge_what,
            }
        )
    return rows
