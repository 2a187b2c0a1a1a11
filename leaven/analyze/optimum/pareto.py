"""Which shares nothing else beats: a share is beaten if another is as good in every measure and better in one.

Skills trade against each other (PAPER.md §5: code rises where knowledge falls), so one best share is a fiction as soon
as two measures count. Whether a share is on the front is as uncertain as the means are: `often` is the part of draws
in which it is. Draws of all measures use the same seeds, so a seed that is lucky in two measures is lucky in both.

`often` is no test: where all shares are equally good each is beaten by some other in most draws. A share is *surely*
beaten if one named share is better with a confidence of 1 − α / K(K−1) in every measure: Bonferroni's part of the
ordered pairs: flat curves name a beaten share in at most α of studies. Tails so thin are taken from the paired t
of the seeds (`crossed`); draws, of which there are too few, only where seeds are not paired or single.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaven.analyze.bootstrap import Floats
from leaven.analyze.crossed import cross
from leaven.analyze.optimum.state import percent

ALPHA = 0.05
"""Part of the studies without a difference that may call some share beaten."""


def unbeaten(values: Floats) -> NDArray[np.bool_]:
    """Which of K shares are on the front [… × K], of values [… × K × measures], lower is better in each."""
    mine, other = values[..., :, None, :], values[..., None, :, :]
    beats = (other <= mine).all(axis=-1) & (other < mine).any(axis=-1)
    on: NDArray[np.bool_] = np.logical_not(beats.any(axis=-1))
    return on


def front(
    of: str,
    variants: Sequence[str],
    shares: Mapping[str, float],
    names: Sequence[str],
    values: Floats,
    draws: Floats,
    confidence: Floats | None = None,
) -> dict[str, Any]:
    """The front of means `values` [K × measures], and how often each share is on it over `draws` [… × K × measures].

    All values are turned so that lower is better. `confidence` [measures × K × K] that the first share is better than
    the second, NaN where they are the same; without it that of the draws.
    """
    on = unbeaten(values)
    often = unbeaten(draws).mean(axis=0)
    surely = beats_surely(by_draws(draws) if confidence is None else confidence)
    rows = [
        {
            "variant": variant,
            "share": shares[variant],
            "front": bool(on[k]),
            "often": float(often[k]),
            "beaten_by": [
                variants[j]
                for j in range(len(variants))
                if (values[j] <= values[k]).all() and (values[j] < values[k]).any()
            ],
            "surely_beaten_by": [variants[j] for j in range(len(variants)) if surely[j, k]],
        }
        for k, variant in enumerate(variants)
    ]
    return {
        "measures": list(names),
        "front": [row["variant"] for row in rows if row["front"]],
        "shares": rows,
        "said": _said(of, rows, len(names), shares),
    }


def beats_surely(confidence: Floats, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Whether share j beats share k, noise included [K × K], from the `confidence` of each measure."""
    shares = confidence.shape[-1]
    same = np.isnan(confidence)
    sure = confidence >= 1 - alpha / max(shares * (shares - 1), 1)
    found: NDArray[np.bool_] = (same | sure).all(axis=0) & sure.any(axis=0)
    return found


def by_draws(draws: Floats) -> Floats:
    """Confidence [measures × K × K] from draws [draws × K × measures]: never more than so many draws can tell."""
    gaps = draws[:, :, None, :] - draws[:, None, :, :]
    told = ((gaps < 0).sum(axis=0) / (len(draws) + 1)).transpose(2, 0, 1)
    found: Floats = np.where((gaps == 0).all(axis=0).transpose(2, 0, 1), np.nan, told)
    return found


def by_seeds(values: Sequence[Floats], items: Sequence[Floats] | None) -> Floats:
    """Confidence [K × K] from paired seeds [S] of K shares and their values under resampled items [draws × S]."""
    found = np.full((len(values), len(values)), np.nan)
    for j, k in combinations(range(len(values)), 2):
        own = values[j] - values[k]
        under = items[j] - items[k] if items is not None else own[None]
        if own.any() or under.any():
            found[j, k] = cross(own, under, float(own.mean())).cdf(0.0)
            found[k, j] = 1 - found[j, k]
    return found


def _said(of: str, rows: Sequence[Mapping[str, Any]], measures: int, shares: Mapping[str, float]) -> str:
    kept = [percent(row["share"]) for row in rows if row["front"]]
    beaten = [
        f"{percent(row['share'])} (by {', '.join(percent(shares[name]) for name in row['surely_beaten_by'])})"
        for row in rows
        if row["surely_beaten_by"]
    ]
    counted = "the one measure" if measures == 1 else f"all {measures} measures"
    head = f"Beaten by no other share in {counted} at once: {', '.join(kept)} {of}."
    if beaten:
        return f"{head} Beaten, noise included: {', '.join(beaten)}."
    return f"{head} No share is beaten once the noise is counted."
