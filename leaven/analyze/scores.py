"""What each arm scores: mean over seeds with its interval, and every seed's value, per measure and per task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.analyze.measures import Measure
from leaven.analyze.results import Sampled


def score_rows(
    measure: Measure, task: str, counted: bool, arms: Mapping[str, Sampled], size: str, point: str
) -> list[dict[str, Any]]:
    """Rows {size, variant, point, measure, task, counted, mean, low, high, seeds, items}.

    `task` is empty for the measure itself (the mean over its tasks). Values are in the statistic's own scale: bits per
    byte, or a share in [0, 1], to which intervals are clipped. 95 % intervals hold seeds and items; with one seed they
    hold items only.
    """
    least, most = measure.columns.bounds
    rows = []
    for variant, sampled in arms.items():
        crossed = sampled.crossed()
        low, high = crossed.interval(0.95)
        rows.append(
            {
                "size": size,
                "variant": variant,
                "point": point,
                "measure": measure.name,
                "task": task,
                "counted": counted,
                "mean": crossed.estimate,
                "low": max(low, least),
                "high": min(high, most),
                "seeds": [float(value) for value in sampled.per_seed],
                "items": sampled.items,
            }
        )
    return rows
