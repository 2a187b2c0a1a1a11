"""Exact shares: a whole number of samples for every source of a mixture.

Largest remainder (Hamilton): everyone gets the floor of their ideal share, and the samples left over go one
each to the largest remainders. Arithmetic is in fractions, over the weights as they were *declared*: 0.1 is
one tenth, not the nearest binary number. So shares depend neither on rounding nor on the order in which a
file lists the sources.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from leaven.ground.errors import BadInput


def shares(weights: Mapping[str, float]) -> dict[str, Fraction]:
    """Weights normalised to sum to exactly one, sorted by name.

    A float is read as the decimal that Python prints for it, which is what a study file says.
    Raises BadInput for a negative, infinite or NaN weight, for no weights, and for weights that are all zero.
    """
    exact: dict[str, Fraction] = {}
    for name in sorted(weights):
        weight = float(weights[name])
        if not math.isfinite(weight) or weight < 0:
            raise BadInput(
                f"weight of {name} is {weights[name]}",
                fix="A weight is a finite number, zero or above; weights need not sum to one.",
            )
        exact[name] = Fraction(repr(weight))
    total = sum(exact.values(), Fraction(0))
    if total == 0:
        what = "every weight is zero" if exact else "a mixture has no sources"
        raise BadInput(what, fix="Give at least one source a weight above zero.")
    return {name: weight / total for name, weight in exact.items()}


def apportion(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Split `total` samples over the sources, each within one of its ideal share, summing to exactly `total`.

    Ties between equal remainders go to the name that sorts first. A source of weight zero gets zero.
    Returns the sources sorted by name. Raises BadInput as `shares` does, ValueError for a negative total.
    """
    if total < 0:
        raise ValueError(f"cannot apportion {total} samples")
    ideal = {name: share * total for name, share in shares(weights).items()}
    counts = {name: math.floor(value) for name, value in ideal.items()}
    left = total - sum(counts.values())
    by_remainder = sorted(ideal, key=lambda name: (counts[name] - ideal[name], name))
    for name in by_remainder[:left]:
        counts[name] += 1
    return counts
