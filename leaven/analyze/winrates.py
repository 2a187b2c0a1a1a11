"""Judged completions: how often a variant is preferred over the baseline, and how sure that is.

The unit is the prompt; its votes over seeds belong together, and so do its two orders. Wins, losses, ties and errors
are counts of votes (prompt × seed); errors are never ties (EVALUATION.md §5). *Net* is (wins − losses) / (wins + losses
+ ties) of a seed, in points, and of several seeds their plain mean: seeds are the replicates, so each counts alike
however many of its votes are errors, and where those are uneven the counts added up over seeds give another number (a
warning says so). *Half* is the same as a win rate in which a tie is half a win, 50 + net / 2 in per cent.

Their interval resamples prompts and holds the seeds' spread like every other effect of a study. Prompts are resampled
together with one more that is won and one more that is lost, each at half a prompt's weight: without them five wins of
five would be +100 for sure. The estimate does not hold them. Of 5, 10, 20 and 30 prompts such intervals cover 94 to
100 % where plain ones cover 41, 66, 86 and 87 % (90 % wins, 5 % losses; tests/analyze/test_winrates.py).

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

from leaven.analyze.bootstrap import Sums, ratios_resampled
from leaven.analyze.clustered import Interval, prompt_key
from leaven.analyze.crossed import Crossed, cross, scaled
from leaven.analyze.holm import holm
from leaven.analyze.judge_warnings import judge_warnings
from leaven.analyze.length import Length, length
from leaven.analyze.orders import Orders, orders
from leaven.analyze.preference_power import observed_ties, prompts_needed, resolvable
from leaven.analyze.votes import Votes

RULES = ("degenerate", "identical")
"""Rules by which a pair is decided without asking the judge."""
LEAST = 2
"""Judged prompts below which nothing is known of other prompts."""
PSEUDO = 0.5
"""Weight of the win and of the loss that prompts are resampled with, after A. Agresti and Y. Min (Statistics in
Medicine 24, 2005), who add a half to each cell of matched pairs; ties get none here."""


def majority(outcomes: NDArray[np.float64]) -> tuple[int, int]:
    """Prompts won and lost by the majority of their seeds."""
    leaning = np.sign(np.nansum(outcomes, axis=0))
    return int((leaning > 0).sum()), int((leaning < 0).sum())


def sign_test(outcomes: NDArray[np.float64]) -> float:
    """Exact two-sided p on decided prompts, each decided by the majority of its seeds; 1 where none is decided."""
    won, lost = majority(outcomes)
    return float(stats.binomtest(won, won + lost, 0.5).pvalue) if won + lost else 1.0


def net_win(outcomes: NDArray[np.float64], draws: int, key: int) -> Crossed:
    """Net win in points of votes [S × P], the mean over the seeds that have any judged prompt.

    One judged prompt says nothing of others, so of fewer than two nothing is known (±100; estimate 0 of none).
    """
    judged = outcomes[~np.isnan(outcomes).all(axis=1)]
    if judged_prompts(judged) < LEAST:
        estimate = 100 * float(np.nanmean(judged)) if judged.size else 0.0
        return Crossed(estimate, 0.0, 100.0, 100.0, 1, np.repeat([-100.0, 100.0], 2) - estimate)
    known = ~np.isnan(judged)
    sums = Sums(np.where(known, judged, 0.0), known.astype(np.float64))
    won_and_lost = np.tile([PSEUDO, -PSEUDO], (len(judged), 1))
    more = Sums(np.hstack([sums.numerator, won_and_lost]), np.hstack([sums.denominator, np.abs(won_and_lost)]))
    drawn = ratios_resampled([more], draws, key)[0]
    return scaled(cross(sums.ratios, drawn, float(sums.ratios.mean())), 100.0)


def judged_prompts(outcomes: NDArray[np.float64]) -> int:
    """Prompts with a vote that is no error, in any seed."""
    return int((~np.isnan(outcomes)).any(axis=0).sum())


def winrate_rows(votes: Sequence[Votes], draws: int, seed: int) -> list[dict[str, Any]]:
    """Rows of `verdict.json`, Holm over the pairs judged. `net`, `low`, `high` in points (`unit`); rates named `half`
    and `zero_gap` in per cent, other rates are shares. None stands for what the votes do not tell; where nothing was
    judged that is also `net`, `half` and their bounds (`p` is then 1)."""
    p_values = [sign_test(pair.outcomes) for pair in votes]
    key = prompt_key(seed)
    return [_row(pair, p, p_holm, draws, key) for pair, p, p_holm in zip(votes, p_values, holm(p_values), strict=True)]


def _row(pair: Votes, p: float, p_holm: float, draws: int, key: int) -> dict[str, Any]:
    net = net_win(pair.outcomes, draws, key)
    low, high = _bounded(net)
    order, size = orders(pair, draws, key), length(pair, draws, key)
    ties = observed_ties(pair.outcomes)
    clean = _clean(pair, draws, key)
    judged = judged_prompts(pair.outcomes)
    # What a rule decided says nothing about the judge.
    asked_p = sign_test(np.where(pair.asked, pair.outcomes, np.nan))
    figures = (net.estimate, low, high) if judged else (None, None, None)
    halves = (50 + net.estimate / 2, 50 + low / 2, 50 + high / 2) if judged else (None, None, None)
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
        **dict(zip(("net", "low", "high"), figures, strict=True)),
        "unit": "points",
        **dict(zip(("half", "half_low", "half_high"), halves, strict=True)),
        "p": p,
        "p_holm": p_holm,
        "p_seeds": net.p_difference(),
        "flips": pair.flips,
        "degenerate": pair.degenerate,
        **_order_figures(order),
        **_length_figures(size),
        "needed": prompts_needed(net.estimate, ties) if judged else None,
        "resolvable": resolvable(judged, ties) if judged else None,
        "overlapping": None if pair.overlap is None else sum(bool(names) for names in pair.overlap),
        **dict(zip(("clean_net", "clean_low", "clean_high"), clean or (None, None, None), strict=True)),
        "rules": None if pair.rules is None else {rule: int((pair.rules == rule).sum()) for rule in RULES},
        "controls": {name: pair.controls[name] for name in ("n", "right")} if pair.controls else None,
        "scripted": pair.scripted,
        "judge": pair.judge,
        "judge_what": pair.judge_what,
        "warnings": judge_warnings(pair, order, size, asked_p, sum(majority(pair.outcomes)), clean),
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


def _clean(pair: Votes, draws: int, key: int) -> tuple[float, float, float] | None:
    """Net win and interval on prompts found in no training document; None where all are, or fewer than LEAST judged
    ones."""
    if pair.overlap is None:
        return None
    clean = np.array([not names for names in pair.overlap])
    if clean.all() or judged_prompts(pair.outcomes[:, clean]) < LEAST:
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
