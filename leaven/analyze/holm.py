"""Holm's step-down correction of a family of p-values."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given; reject where adjusted ≤ α.

    Keeps the chance of any false rejection in the family at α under every kind of dependence (S. Holm, Scandinavian
    Journal of Statistics 6, 1979): the k-th smallest of m is multiplied by m − k + 1, then made monotone and capped
    at 1.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, p_values[i] * (len(order) - rank)))
        adjusted[i] = running
    return adjusted
