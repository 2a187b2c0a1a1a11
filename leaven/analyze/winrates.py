"""Judged completions: how often a variant is preferred over the baseline, and how sure that is.

The unit is the prompt; its votes over seeds belong together, and so do its two orders. Wins, losses, ties and errors
are counts of votes (prompt × seed); errors are never ties (EVALUATION.md §5). *Net* is (wins − losses) / (wins + losses
+ ties), in points, averaged over seeds; *half* is the same as a win rate in which a tie is half a win, 50 + net / 2 in
per cent. Their interval resamples prompts and holds the seeds' spread like every other effect of a study.

The p-value is the exact sign test on prompts: a prompt is decided by the majority of its seeds, ties of a prompt drop
out. It speaks about *these* trained models on other prompts of the kind; the interval, and `p_seeds`, also about models
trained anew. With few seeds the two can disagree, and then the interval is the safer reading. Holm's correction is over
all pairs judged, pairs of two variants included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from leaven.analyze.clustered import Interval, crossed_mean, prompt_key
from leaven.analyze.crossed import Crossed, scaled
from leaven.analyze.holm import holm
from leaven.analyze.judge_warnings import judge_warnings
from leaven.analyze.length import Length, length
from leaven.analyze.orders import Orders, orders
from leaven.analyze.preference_power import observed_ties, prompts_needed, resolvable
from leaven.analyze.votes import Votes

RULES = ("degenerate", "identical")
"""Rules by which a pair is decided without asking the judge."""


def majority(outcomes: NDArray[np.float64]) -> tuple[int, int]:
    """Prompts won and lost by the majority of their seeds."""
    leaning = np.sign(np.nansum(outcomes, axis=0))
    return int((leaning > 0).sum()), int((leaning < 0).sum())


def sign_test(outcomes: NDArray[np.float64]) -> float:
    """Exact two-sided p on decided prompts, each decided by the majority of its seeds; 1 where none is decided."""
    won, lost = majority(outcomes)
    return float(stats.binomtest(won, won + lost, 0.5).pvalue) if won + lost else 1.0


def net_win(outcomes: NDArray[np.float64], draws: int, key: int) -> Crossed:
    """Net win in points. Seeds without any judged prompt drop out; without any seed left nothing is known (±100)."""
    judged = outcomes[~np.isnan(outcomes).all(axis=1)]
    if not len(judged):
        return Crossed(0.0, 0.0, 0.0, 0.0, 1, np.repeat([-100.0, 100.0], 2))
    return scaled(crossed_mean(judged, draws, key), 100.0)


def winrate_rows(votes: Sequence[Votes], draws: int, seed: int) -> list[dict[str, Any]]:
    """Rows of `verdict.json`, Holm over the pairs judged. `net`, `low`, `high` in points (`unit`); rates named `half`
    and `zero_gap` in per cent, other rates are shares. None stands for what the votes do not tell."""
    p_values = [sign_test(pair.outcomes) for pair in votes]
    key = prompt_key(seed)
    return [_row(pair, p, p_holm, draws, key) for pair, p, p_holm in zip(votes, p_values, holm(p_values), strict=True)]


def _row(pair: Votes, p: float, p_holm: float, draws: int, key: int) -> dict[str, Any]:
    net = net_win(pair.outcomes, draws, key)
    low, high = _bounded(net)
    order, size = orders(pair, draws, key), length(pair, draws, key)
    ties = observed_ties(pair.outcomes)
    clean = _clean(pair, draws, key)
    judged = bool((~np.isnan(pair.outcomes)).any())
    return {
        "variant": pair.variant,
        "baseline": pair.baseline,
        "wins": int((pair.outcomes == 1).sum()),
        "losses": int((pair.outcomes == -1).sum()),
        "ties": int((pair.outcomes == 0).sum()),
        "errors": int(np.isnan(pair.outcomes).sum()),
        "reasons": dict(pair.reasons),
        "prompts": int(pair.outcomes.shape[1]),
        "seeds": int(pair.outcomes.shape[0]),
        "net": net.estimate,
        "low": low,
        "high": high,
        "unit": "points",
        "half": 50 + net.estimate / 2,
        "half_low": 50 + low / 2,
        "half_high": 50 + high / 2,
        "p": p,
        "p_holm": p_holm,
        "p_seeds": net.p_difference(),
        "flips": pair.flips,
        "degenerate": pair.degenerate,
        **_order_figures(order),
        **_length_figures(size),
        "needed": prompts_needed(net.estimate, ties) if judged else None,
        "resolvable": resolvable(_judged_prompts(pair), ties) if judged else None,
        "overlapping": None if pair.overlap is None else sum(bool(names) for names in pair.overlap),
        **dict(zip(("clean_net", "clean_low", "clean_high"), clean or (None, None, None), strict=True)),
        "rules": None if pair.rules is None else {rule: int((pair.rules == rule).sum()) for rule in RULES},
        "controls": {name: pair.controls[name] for name in ("n", "right")} if pair.controls else None,
        "scripted": pair.scripted,
        "judge": pair.judge,
        "judge_what": pair.judge_what,
        "warnings": judge_warnings(pair, order, size, p, sum(majority(pair.outcomes)), clean),
    }


def _order_figures(order: Orders) -> dict[str, Any]:
    return {
        "flip_rate": order.flip_rate,
        **_figures("first_rate", "first", order.first),
        **_figures("kappa", "kappa", order.kappa),
        "error_rate": order.error_rate,
    }


def _length_figures(size: Length) -> dict[str, Any]:
    zero = size.zero_gap
    percent = None if zero is None else Interval(100 * zero.value, 100 * zero.low, 100 * zero.high)
    return {
        **_figures("longer_rate", "longer", size.longer),
        "length_sd": size.spread,
        **_figures("length_slope", "length", size.slope),
        **_figures("zero_gap", "zero_gap", percent),
        "length_why": size.why,
    }


def _figures(name: str, stem: str, interval: Interval | None) -> dict[str, float | None]:
    """`name`, `stem`_low and `stem`_high."""
    values = (None, None, None) if interval is None else (interval.value, interval.low, interval.high)
    return dict(zip((name, f"{stem}_low", f"{stem}_high"), values, strict=True))


def _bounded(net: Crossed) -> tuple[float, float]:
    low, high = net.interval(0.95)
    return max(low, -100.0), min(high, 100.0)


def _judged_prompts(pair: Votes) -> int:
    return int((~np.isnan(pair.outcomes)).any(axis=0).sum())


def _clean(pair: Votes, draws: int, key: int) -> tuple[float, float, float] | None:
    """Net win and interval on prompts found in no training document; None where all are, or none is, such a prompt."""
    if pair.overlap is None:
        return None
    clean = np.array([not names for names in pair.overlap])
    if clean.all() or not (~np.isnan(pair.outcomes[:, clean])).any():
        return None
    net = net_win(pair.outcomes[:, clean], draws, key)
    return (net.estimate, *_bounded(net))


def table_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with one value a cell, for `winrates.csv` and `winrates.parquet`."""
    return [
        {
            **row,
            **{f"ruled_{rule}": (row["rules"] or {}).get(rule) for rule in RULES},
            "reasons": ", ".join(f"{reason} {many}" for reason, many in row["reasons"].items()),
            "controls": (row["controls"] or {}).get("n"),
            "controls_right": (row["controls"] or {}).get("right"),
        }
        for row in rows
    ]


def all_met(votes: Sequence[Votes]) -> list[str]:
    """The arms in the order of appearance where three or more were judged all against all, alike in seeds; else []."""
    arms = list(dict.fromkeys(name for pair in votes for name in (pair.baseline, pair.variant)))
    met = {frozenset((pair.variant, pair.baseline)) for pair in votes}
    alike = len({pair.outcomes.shape[0] for pair in votes}) == 1
    return arms if len(arms) > 2 and alike and len(met) == len(arms) * (len(arms) - 1) // 2 else []
