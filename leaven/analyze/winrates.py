"""Judged completions: how often a variant is preferred over the baseline, and how sure that is.

The unit is the prompt; its votes over seeds belong together. Wins, losses, ties and errors are counts of votes (prompt
× seed); errors are never ties (EVALUATION.md §5). *Net* is (wins − losses) / (wins + losses + ties), in points,
averaged over seeds; its interval resamples prompts and holds the seeds' spread like every other effect of a study.

The p-value is the exact sign test on prompts: a prompt is decided by the majority of its seeds, ties of a prompt drop
out. It speaks about *these* trained models on other prompts of the kind; the interval, and `p_seeds`, also about models
trained anew. With few seeds the two can disagree, and then the interval is the safer reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import stats

from leaven.analyze.bootstrap import Sums, ratios_resampled
from leaven.analyze.crossed import Crossed, cross, scaled
from leaven.analyze.holm import holm
from leaven.ground.canonical import key64
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json

SIGN = {"win": 1.0, "lose": -1.0, "tie": 0.0, "error": np.nan}


@dataclass(frozen=True)
class Votes:
    """All votes on one variant: `outcomes` [seed × prompt] of +1 win, −1 loss, 0 tie, NaN error."""

    variant: str
    baseline: str
    outcomes: NDArray[np.float64]
    degenerate: int
    flips: int
    judge: str
    judge_what: str


def read_votes(judgements: Sequence[Mapping[str, Any]]) -> list[Votes]:
    """Votes per variant in the order of first appearance; seeds sorted, prompts joined.

    Raises LeavenError for a missing file, an unknown outcome, and a prompt that one seed has and another lacks.
    """
    by_variant: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for judgement in judgements:
        by_variant.setdefault((str(judgement["variant"]), str(judgement["baseline"])), []).append(judgement)
    return [_read_variant(*pair, group) for pair, group in by_variant.items()]


def _read_variant(variant: str, baseline: str, group: Sequence[Mapping[str, Any]]) -> Votes:
    prompts: NDArray[np.str_] | None = None
    rows: list[NDArray[np.float64]] = []
    degenerate = flips = 0
    judge = what = ""
    for judgement in sorted(group, key=lambda j: int(j["seed"])):
        where = f"judgement of {variant} seed {judgement['seed']}"
        folder = Path(judgement["folder"])
        if not (folder / "votes.parquet").is_file() or not (folder / "judge.json").is_file():
            raise LeavenError(f"{where}: votes.parquet or judge.json is missing")
        votes = pq.read_table(folder / "votes.parquet").to_pandas()
        names = votes["id" if "id" in votes else "prompt"].to_numpy(dtype=str)
        order = np.argsort(names, kind="stable")
        if prompts is None:
            prompts = names[order]
        elif not np.array_equal(prompts, names[order]):
            odd = sorted(set(prompts) ^ set(names))
            raise LeavenError(f'{where}: prompt "{odd[0] if odd else names[0]}" is not judged alike in every seed')
        unknown = sorted(set(votes["outcome"]) - set(SIGN))
        if unknown:
            raise LeavenError(f'{where}: unknown outcome "{unknown[0]}"')
        rows.append(votes["outcome"].map(SIGN).to_numpy(dtype=np.float64)[order])
        degenerate += int((votes["degenerate_a"].astype(bool) | votes["degenerate_b"].astype(bool)).sum())
        said = read_json(folder / "judge.json")
        flips += int(said.get("flips") or 0)
        judge, what = str(said["judge"]), str(said["what"])
    return Votes(variant, baseline, np.stack(rows), degenerate, flips, judge, what)


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
