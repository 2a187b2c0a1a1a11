"""Which shares nothing else beats: a share is beaten if another is as good in every measure and better in one.

Skills trade against each other (PAPER.md §5: code rises where knowledge falls), so one best share is a fiction as soon
as two measures count. Whether a share is on the front is as uncertain as the means are: `often` is the part of draws
in which it is. Draws of all measures use the same seeds, so a seed that is lucky in two measures is lucky in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaven.analyze.bootstrap import Floats
from leaven.analyze.optimum.state import percent

SURE = 0.95
"""Part of the draws above which a share is called beaten."""


def unbeaten(values: Floats) -> NDArray[np.bool_]:
    """Which of K shares are on the front [… × K], of values [… × K × measures], lower is better in each."""
    mine, other = values[..., :, None, :], values[..., None, :, :]
    beats = (other <= mine).all(axis=-1) & (other < mine).any(axis=-1)
    on: NDArray[np.bool_] = np.logical_not(beats.any(axis=-1))
    return on


def front(
    of: str, variants: Sequence[str], shares: Mapping[str, float], names: Sequence[str], values: Floats, draws: Floats
) -> dict[str, Any]:
    """The front of means `values` [K × measures], and how often each share is on it over `draws` [… × K × measures].

    All values are turned so that lower is better.
    """
    on = unbeaten(values)
    often = unbeaten(draws).mean(axis=0)
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
        }
        for k, variant in enumerate(variants)
    ]
    return {
        "measures": list(names),
        "front": [row["variant"] for row in rows if row["front"]],
        "shares": rows,
        "said": _said(of, rows, len(names)),
    }


def _said(of: str, rows: Sequence[Mapping[str, Any]], measures: int) -> str:
    kept = [percent(row["share"]) for row in rows if row["front"]]
    beaten = [percent(row["share"]) for row in rows if not row["front"] and 1 - row["often"] >= SURE]
    counted = "the one measure" if measures == 1 else f"all {measures} measures"
    head = f"Beaten by no other share in {counted} at once: {', '.join(kept)} {of}."
    if beaten:
        return f"{head} Beaten, noise included: {', '.join(beaten)}."
    return f"{head} No share is beaten once the noise is counted."
