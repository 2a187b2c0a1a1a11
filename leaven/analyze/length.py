"""What length has to do with winning: a diagnostic beside the headline, never instead of it (EVALUATION.md §5).

A logistic regression of a win on the length gap: logit P(a wins) = zero + slope · tanh(gap / sd), where the gap is the
characters of a minus those of b and sd the standard deviation of the gaps judged (ddof 1, not centred, so that zero is
zero), as in length-controlled AlpacaEval (Dubois et al., arXiv 2404.04475) without its term for an instruction's
difficulty. A tie is half a win and half a loss. A positive slope means that longer completions win more often than the
arms' general quality explains; `zero` is the win rate among completions of equal length.

Only votes that the judge was asked for count: an empty completion that loses by rule says nothing about a judge.

Where every win lies at larger gaps than every loss there is no maximum: the slope would run away. A penalty (Firth, a
weak prior) would give a number, but one that the penalty chose, and a sandwich interval around a perfect fit has almost
no width. So nothing is fitted and the reason is said; the share won by the longer tells the whole story then.

The same where equal lengths are not among what was judged: with one arm nearly always longer, `zero` would be told from
where nothing lies, and far from zero tanh is 1 for every gap. Zero must lie within the middle nine tenths of the gaps,
and these must span SPAN of tanh's range, or slope and `zero` rest on a handful of prompts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from leaven.analyze.bootstrap import Floats
from leaven.analyze.clustered import Interval, crossed_mean, pooled_share
from leaven.analyze.votes import Votes

LEAST = 20
"""Prompts answered by the judge below which no slope is fitted: two coefficients on a handful of prompts mislead."""
MIDDLE = (0.05, 0.95)
"""Quantiles of tanh(gap / sd) that must hold zero. Of gaps around m sd they do to m = 1.6; intervals cover as for m = 0
(94 to 97 %, 20 to 200 prompts)."""
SPAN = 0.2
"""How far these quantiles must lie apart, tanh going from −1 to 1: gaps of a normal distribution span 1.9, a hundred
equal gaps and one far out nothing."""
SEPARATED = "every win has a larger length gap than every loss"
ONE_SIDED = "one arm is nearly always longer: nothing can be said about equal lengths"
NO_SPREAD = "the length gaps of nearly all pairs are alike"
UNFITTED = "the fit found no maximum"
MOST_STEPS = 100


@dataclass(frozen=True)
class Length:
    """Attributes:
    decided: votes decided between completions of unequal length.
    longer: share of them won by the longer completion, prompts resampled.
    spread: sd of the gap in characters, the unit inside tanh.
    slope: in logits per unit of tanh; its interval is cluster-robust by prompt.
    zero_gap: win rate at equal lengths, a share; its interval holds prompts and seeds.
    why: reason for the absence of slope and zero_gap, or "".
    """

    decided: int = 0
    longer: Interval | None = None
    spread: float | None = None
    slope: Interval | None = None
    zero_gap: Interval | None = None
    why: str = ""


def length(votes: Votes, draws: int, key: int) -> Length:
    """The diagnostic of one pair of arms; all None where the votes do not know lengths."""
    if votes.gap is None:
        return Length(why="these votes do not hold lengths")
    wins = np.where(votes.asked, (votes.outcomes + 1) / 2, np.nan)
    decided = np.isin(wins, (0.0, 1.0)) & (votes.gap != 0)
    by_longer = decided & ((wins == 1) == (votes.gap > 0))
    longer = pooled_share(by_longer.astype(np.float64), decided.astype(np.float64), draws, key)
    judged = ~np.isnan(wins)
    wins, gap = wins[judged.any(axis=1)][:, judged.any(axis=0)], votes.gap[judged.any(axis=1)][:, judged.any(axis=0)]
    spread = float(gap[~np.isnan(wins)].std(ddof=1)) if judged.sum() > 1 else 0.0
    x = np.tanh(gap / spread) if spread > 0 else np.zeros_like(gap)
    why = _why_not(wins, gap, x)
    if not why:
        try:
            slope, zero = _controlled(wins, x, draws, key)
        except np.linalg.LinAlgError:
            why = UNFITTED
    if why:
        return Length(int(decided.sum()), longer, spread, None, None, why)
    return Length(int(decided.sum()), longer, spread, slope, zero)


def _why_not(wins: Floats, gap: Floats, x: Floats) -> str:
    """Reason against a fit of wins (NaN: none) on x = tanh(gap / sd). The likelihood has a maximum exactly where wins
    and losses overlap in x (ties are both)."""
    if wins.shape[1] < LEAST:
        return f"fewer than {LEAST} prompts were put before the judge and answered"
    judged = ~np.isnan(wins)
    if len(np.unique(gap[judged])) == 1:
        return "all pairs have the same length gap"
    won, lost = gap[wins > 0], gap[wins < 1]
    if not len(won) or not len(lost):
        return f"one side {'lost' if not len(won) else 'won'} every prompt"
    if max(lost) <= min(won):
        return SEPARATED
    if max(won) <= min(lost):
        return "every win has a smaller length gap than every loss"
    low, high = np.quantile(x[judged], MIDDLE)
    if low > 0 or high < 0:
        return ONE_SIDED
    # Gaps that differ may be one number in x, far out.
    won, lost = x[wins > 0], x[wins < 1]
    overlap = max(lost) > min(won) and max(won) > min(lost)
    return "" if overlap and high - low >= SPAN else NO_SPREAD


def fit(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Maximum-likelihood coefficients (zero, slope) and each observation's influence on them [n × 2].

    Newton's method with halved steps, on y in {0, ½, 1}; the data must overlap (`_why_not`). The influence is
    H⁻¹ xᵢ (yᵢ − pᵢ): to first order what the coefficients owe to observation i. LinAlgError where the curvature is
    singular or MOST_STEPS do not suffice.
    """
    design = np.stack([np.ones_like(x), x], axis=1)
    found = np.zeros(2)
    best = _log_likelihood(design, y, found)
    for _ in range(MOST_STEPS):
        p = special.expit(design @ found)
        curvature = design.T @ (design * (p * (1 - p))[:, None])
        step = np.linalg.solve(curvature, design.T @ (y - p))
        while (ahead := _log_likelihood(design, y, found + step)) < best and np.abs(step).max() > 1e-12:
            step /= 2
        found, best = found + step, max(ahead, best)
        if np.abs(step).max() <= 1e-10 * (1 + np.abs(found).max()):
            break
    else:
        raise np.linalg.LinAlgError(UNFITTED)
    p = special.expit(design @ found)
    curvature = design.T @ (design * (p * (1 - p))[:, None])
    influence: Floats = np.linalg.solve(curvature, (design * (y - p)[:, None]).T).T
    return found, influence


def _log_likelihood(design: Floats, y: Floats, at: Floats) -> float:
    z = design @ at
    return float((y * special.log_expit(z) + (1 - y) * special.log_expit(-z)).sum())


def _controlled(wins: Floats, x: Floats, draws: int, key: int) -> tuple[Interval, Interval]:
    """Slope and win rate at zero gap. Every seed and prompt must hold a vote; single votes may be NaN."""
    judged = ~np.isnan(wins)
    found, each = fit(x[judged], wins[judged])
    influence = np.zeros((2, *wins.shape))
    influence[:, judged] = each.T
    seeds, prompts = wins.shape
    # CR1: sums within clusters, G/(G−1), a t with G − 1 degrees of freedom.
    se = float(np.sqrt(prompts / (prompts - 1) * (influence[1].sum(axis=0) ** 2).sum()))
    reach = -float(special.stdtrit(prompts - 1, 0.025)) * se
    slope = Interval(float(found[1]), float(found[1]) - reach, float(found[1]) + reach)
    # Pseudo-values: their mean is the estimate, and their spread over prompts and seeds its error.
    zero = crossed_mean(found[0] + seeds * prompts * influence[0], draws, key)
    low, high = zero.interval(0.95)
    return slope, Interval(*(float(special.expit(value)) for value in (found[0], low, high)))
