"""Standard errors of means and ratios over items that may share groups.

Items of one group (questions about one passage, passages of one document) are not independent. The standard error of a
mean is the cluster-robust one of Miller 2024 (arXiv 2411.00640, §2.2):

    SE² = SE_plain² + 1/n² · Σ over groups, Σ over pairs i ≠ j of the group, (xᵢ - x̄)(xⱼ - x̄)

with SE_plain = sd / √n (ddof 1); it equals SE_plain where every item stands alone. A ratio Σb / Σs is linearised: the
same formula over the residuals b - ratio·s, divided by the mean of s (Cochran 1977, Sampling Techniques, eq. 6.13
without the finite population term).

What is a group follows `leaven.analyze.table`: an item without one stands alone; fewer than five groups of thirty
items or more on average are kinds of item, not a sample of documents, and one group of everything cannot tell how
groups vary: their items stand alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

FEWEST_GROUPS, LARGE_GROUP = 5, 30


def clusters(groups: Sequence[str]) -> list[int]:
    """A number for the cluster of each item, counted from 0 in the order of their first items."""
    counts = Counter(groups)
    kinds = 1 < len(counts) < FEWEST_GROUPS and "" not in counts and len(groups) >= LARGE_GROUP * len(counts)
    if len(counts) <= 1 or kinds:
        return list(range(len(groups)))
    numbers: dict[tuple[str, int], int] = {}
    return [
        numbers.setdefault((group, -1) if group else ("", place), len(numbers)) for place, group in enumerate(groups)
    ]


def mean(values: Sequence[float], labels: Sequence[int]) -> dict[str, Any]:
    """{value, n, se} of a mean; the standard error of a single item is null.

    Args:
        labels: the cluster of each value, any whole numbers.
    """
    n = len(values)
    value = math.fsum(values) / n
    return {"value": value, "n": n, "se": _error([x - value for x in values], labels)}


def ratio(upper: Sequence[float], lower: Sequence[float], labels: Sequence[int]) -> dict[str, Any]:
    """{value, n, se} of Σ upper / Σ lower."""
    n, total = len(upper), math.fsum(lower)
    value = math.fsum(upper) / total
    error = _error([a - value * b for a, b in zip(upper, lower, strict=True)], labels)
    return {"value": value, "n": n, "se": None if error is None else error * n / total}


def _error(residuals: Sequence[float], labels: Sequence[int]) -> float | None:
    """The standard error of a mean from its residuals, which sum to zero; null for a single item."""
    n = len(residuals)
    if n < 2:
        return None
    squares = math.fsum(x * x for x in residuals)
    sums = np.bincount(np.unique(labels, return_inverse=True)[1], weights=residuals)
    # the pairs i ≠ j of a group are the square of its sum less its squares
    pairs = math.fsum(float(total) ** 2 for total in sums) - squares if len(sums) < n else 0.0
    return math.sqrt(max(0.0, squares / (n - 1) / n + pairs / n**2))
