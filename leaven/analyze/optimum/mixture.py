"""The best mixture that a swarm predicts, and whether it beats the two plain ones.

Candidates are drawn around the mixtures that ran, their predicted values sorted, and the best of them averaged, which
is steadier than the single best (RegMix, arXiv 2407.01492, averages the top 100 of a simulation). Candidates beyond the
largest share that any run had of a source are left out: the regression knows nothing there. Runs are resampled, the
regression is refitted and the choice made again, so every share has an interval, and the gain over the two plain
mixtures too: stratified (every source alike) and natural (given, or the mean of all mixtures). Fitted mixtures often
lose to these (Aioli; METHODS.md §2.5), so neither is ever left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.optimum.features import PENALTY, features, ridge
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, LeavenError

CANDIDATES = 20_000
TOP = 100
STRENGTHS = (0.1, 5.0)
"""Range of the Dirichlet strength per source, log-uniform: from mixtures of one or two sources to near the mean."""


def best_mixture(
    sources: Sequence[str],
    shares: Floats,
    values: Floats,
    *,
    better: str,
    draws: int = 200,
    seed: int = 0,
    natural: Floats | None = None,
    most: Floats | None = None,
    penalty: float = PENALTY,
    level: float = 0.95,
) -> dict[str, Any]:
    """The mixture predicted best, with intervals over resampled runs.

    Args:
        shares: [runs × sources], each row adding up to one; values: [runs].
        natural: [sources], the natural mixture; without it the mean of all mixtures stands for it.
        most: [sources], the largest share a source may have (repetition cap, as a share), besides the largest that ran.

    Returns: `{sources: [{source, share, low, high}], predicted, baselines: [{name, predicted, gain, low, high}], runs,
    said}`; `gain` is how much better the mixture is predicted than the baseline (positive: better), with its interval.

    Raises: BadInput for shares that do not add up to one; LeavenError where no candidate stays within the caps.
    """
    sums = shares.sum(axis=1)
    if not np.allclose(sums, 1, atol=0.02):
        worst = int(np.abs(sums - 1).argmax())
        raise BadInput(f"the shares of run {worst + 1} add up to {sums[worst]:.3g}, not 1", field="shares")
    sign = 1.0 if better == "lower" else -1.0
    turned = sign * values
    caps = shares.max(axis=0) if most is None else np.minimum(shares.max(axis=0), most)
    candidates = _candidates(shares.mean(axis=0), caps, seed)
    described = features(candidates)
    if len(candidates) < 1:
        raise LeavenError("no mixture stays within the repetition cap and the shares that ran")
    plain = {
        "stratified": np.full(len(sources), 1 / len(sources)),
        "natural" if natural is not None else "mean of all mixtures": shares.mean(axis=0)
        if natural is None
        else natural,
    }
    others = np.stack(list(plain.values()))
    fitted = ridge(shares, turned, penalty)

    def choose(coefficients: Floats) -> Floats:
        """The mean of the candidates predicted lowest."""
        best: Floats = candidates[np.argsort(described @ coefficients, kind="stable")[:TOP]].mean(axis=0)
        return best

    chosen = choose(fitted.coefficients)
    own, theirs = float(fitted.predict(chosen[None])[0]), fitted.predict(others)
    generator = np.random.Generator(np.random.Philox(key=key64("analyze/optimum/mixtures/1", seed, len(values))))
    drawn, gains = [], []
    for _ in range(draws):
        counts = np.bincount(generator.integers(0, len(values), len(values)), minlength=len(values)).astype(np.float64)
        again = ridge(shares, turned, penalty, counts)
        drawn.append(choose(again.coefficients))
        # The gain of the mixture that was chosen, not of each draw's own choice: that one flatters itself.
        gains.append(again.predict(others) - again.predict(chosen[None]))
    ends = ((1 - level) / 2, (1 + level) / 2)
    low, high = np.quantile(np.stack(drawn), ends, axis=0)
    worst, most_gain = np.quantile(np.stack(gains), ends, axis=0)
    rows = [
        {
            "name": name,
            "predicted": float(sign * theirs[k]),
            "gain": float(theirs[k] - own),
            "low": float(worst[k]),
            "high": float(most_gain[k]),
        }
        for k, name in enumerate(plain)
    ]
    return {
        "sources": [
            {"source": name, "share": float(chosen[k]), "low": float(low[k]), "high": float(high[k])}
            for k, name in enumerate(sources)
        ],
        "predicted": float(sign * own),
        "baselines": rows,
        "runs": len(values),
        "said": _said(rows),
    }


def _candidates(centre: Floats, caps: Floats, seed: int) -> Floats:
    """Mixtures around the mean one, no share beyond its cap."""
    generator = np.random.Generator(np.random.Philox(key=key64("analyze/optimum/candidates/1", seed)))
    low, high = np.log(STRENGTHS)
    strengths = np.exp(generator.uniform(low, high, CANDIDATES)) * len(centre)
    parts = generator.standard_gamma(np.maximum(strengths[:, None] * centre, 1e-3))
    made = parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-300)
    within: Floats = made[(made <= caps + 1e-9).all(axis=1) & (parts.sum(axis=1) > 0)]
    return within


def _said(rows: Sequence[dict[str, Any]]) -> str:
    beaten = [row["name"] for row in rows if row["low"] > 0]
    if len(beaten) == len(rows):
        return f"Predicted to beat both plain mixtures ({', '.join(beaten)}); confirm with a run before believing it."
    left = ", ".join(row["name"] for row in rows if row["low"] <= 0)
    return f"Not predicted to beat {left} beyond noise: the plain mixture may be all it takes."
