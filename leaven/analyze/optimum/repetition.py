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
EVERYWHERE = "everywhere"
ROUNDING = 1e-6
"""Epochs."""


def repetition(
    of: str, shares: Mapping[str, float], repeats: Mapping[str, Mapping[str, float]] | None, cap: float = CAP
) -> dict[str, Any] | None:
    """Shares within which no source is repeated more than `cap` epochs; None where the epochs are not known.

    Args: `repeats`: variant -> source -> epochs.

    Returns: `{cap, least, most, possible, sources: [{source, epochs: {variant: …}, share, side}], said}`: `share` where
    the source meets the cap, None where it never does between 0 and 1; `side` where it repeats too much: "above" or
    "below" that share, "everywhere", or "" for nowhere. `possible`: some share keeps every source within the cap,
    which then are those from `least` to `most`.
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
    possible = least <= most and all(row["side"] != EVERYWHERE for row in rows)
    said = _said(of, rows, cap, possible)
    return {"cap": cap, "least": least, "most": most, "possible": possible, "sources": rows, "said": said}


def _meets(epochs: Mapping[float, float], cap: float) -> dict[str, Any]:
    """Where the line through (share, epochs) meets the cap."""
    if len(epochs) < 2:
        return {"share": None, "side": ""}
    at, height = np.array(list(epochs)), np.array(list(epochs.values()))
    slope, level = np.polyfit(at, height, 1)
    at_none, at_all = float(level), float(level + slope)
    # What is read cap times exactly may come out of the fit a hair beyond it.
    if max(at_none, at_all) <= cap + ROUNDING:
        return {"share": None, "side": ""}
    if min(at_none, at_all) > cap + ROUNDING:
        return {"share": None, "side": EVERYWHERE}
    share = float(np.clip((cap - level) / slope, 0, 1))
    return {"share": share, "side": "above" if at_all > at_none else "below"}


def _said(of: str, rows: list[dict[str, Any]], cap: float, possible: bool) -> str:
    limits = [
        f"at every share, {row['source']}"
        if row["side"] == EVERYWHERE
        else f"{'beyond' if row['side'] == 'above' else 'below'} {percent(row['share'])} {of}, {row['source']}"
        for row in rows
        if row["side"]
    ]
    if not limits:
        return f"At this budget no source is read more than {cap:g} times at any share of {of}."
    said = f"At this budget a source is read more than {cap:g} times: {'; '.join(limits)}."
    return said if possible else f"{said} No share keeps every source within {cap:g} times."
