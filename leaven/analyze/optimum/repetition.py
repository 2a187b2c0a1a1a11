"""Beyond which share a source would have to be read more often than is worth while.

Tokens repeated up to about four times are nearly as good as new ones (Muennighoff et al. 2023, arXiv 2305.16264; olmix
caps at 4, METHODS.md §2.5). At a fixed budget the epochs of a source are a straight line in the share: up for sources
of the kind that is varied, down for the rest. The line is fitted to the runs and met with the cap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from leaven.analyze.optimum.state import percent

CAP = 4.0


def repetition(
    of: str, shares: Mapping[str, float], repeats: Mapping[str, Mapping[str, float]] | None, cap: float = CAP
) -> dict[str, Any] | None:
    """Shares within which no source is repeated more than `cap` epochs; None where the epochs are not known.

    Args: `repeats`: variant -> source -> epochs.

    Returns: `{cap, least, most, sources: [{source, epochs: {variant: …}, share, side}], said}`: `share` where the
    source meets the cap, None where it never does between 0 and 1; `side` where it repeats too much: above or below.
    """
    if not repeats:
        return None
    named = dict.fromkeys(source for variant in shares for source in repeats.get(variant, {}))
    rows: list[dict[str, Any]] = []
    for source in named:
        epochs = {v: float(repeats[v].get(source, 0.0)) for v in shares if v in repeats}
        rows.append({"source": source, "epochs": epochs, **_meets({shares[v]: epochs[v] for v in epochs}, cap)})
    if not rows:
        return None
    most = min([row["share"] for row in rows if row["side"] == "above"], default=1.0)
    least = max([row["share"] for row in rows if row["side"] == "below"], default=0.0)
    return {"cap": cap, "least": least, "most": most, "sources": rows, "said": _said(of, rows, cap)}


def _meets(epochs: Mapping[float, float], cap: float) -> dict[str, Any]:
    """Where the line through (share, epochs) meets the cap."""
    if len(epochs) < 2:
        return {"share": None, "side": ""}
    at, height = np.array(list(epochs)), np.array(list(epochs.values()))
    slope, level = np.polyfit(at, height, 1)
    if abs(slope) < 1e-9:
        return {"share": None, "side": ""}
    rising = slope > 0
    if (level + slope if rising else level) <= cap:
        return {"share": None, "side": ""}
    return {"share": float(np.clip((cap - level) / slope, 0, 1)), "side": "above" if rising else "below"}


def _said(of: str, rows: list[dict[str, Any]], cap: float) -> str:
    limits = [
        f"{'beyond' if row['side'] == 'above' else 'below'} {percent(row['share'])} {of}, {row['source']}"
        for row in rows
        if row["side"]
    ]
    if not limits:
        return f"At this budget no source is read more than {cap:g} times at any share of {of}."
    return f"At this budget a source is read more than {cap:g} times: {'; '.join(limits)}."
