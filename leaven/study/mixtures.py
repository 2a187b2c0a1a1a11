"""Mixtures nest; training draws from sources. Flattening is exact: weights are rationals until the last step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from leaven.ground.errors import BadInput, did_you_mean


def flatten(name: str, mixtures: Mapping[str, Mapping[str, float]], sources: Collection[str]) -> dict[str, float]:
    """The weight of each source in mixture (or plain source) `name`; weights sum to 1, sources in name order.

    Raises:
        BadInput: unknown name, a circle, a negative weight, weights that sum to zero.
    """
    return {source: float(share) for source, share in exact(name, mixtures, sources).items()}


def exact(name: str, mixtures: Mapping[str, Mapping[str, float]], sources: Collection[str]) -> dict[str, Fraction]:
    """As `flatten`, before anything is rounded."""
    flat = _flatten(name, mixtures, sources, ())
    return {source: flat[source] for source in sorted(flat) if flat[source] > 0}


def _flatten(
    name: str, mixtures: Mapping[str, Mapping[str, float]], sources: Collection[str], above: tuple[str, ...]
) -> dict[str, Fraction]:
    if name in above:
        raise BadInput(
            f"mixtures refer to each other in a circle: {' → '.join([*above[above.index(name) :], name])}",
            field=f"mixtures.{name}",
            fix="A mixture may hold sources and other mixtures, but never itself.",
        )
    if name not in mixtures:
        if name in sources:
            return {name: Fraction(1)}
        where = f"mixtures.{above[-1]}.{name}" if above else "mixtures"
        raise BadInput(f'unknown mixture or source "{name}"{did_you_mean(name, [*mixtures, *sources])}', field=where)
    if name in sources:
        raise BadInput(
            f'"{name}" is a source and a mixture',
            field=f"mixtures.{name}",
            fix="Give the mixture another name.",
        )
    weights = {part: Fraction(str(weight)) for part, weight in mixtures[name].items()}
    for part, weight in weights.items():
        if weight < 0:
            raise BadInput(
                f"weight {float(weight):g} is negative",
                field=f"mixtures.{name}.{part}",
                fix="Weights are shares of tokens: 0 or more.",
            )
    total = sum(weights.values())
    if total == 0:
        raise BadInput(
            "the weights sum to zero",
            field=f"mixtures.{name}",
            fix="Give at least one part a positive weight.",
        )
    flat: dict[str, Fraction] = {}
    for part, weight in weights.items():
        for source, share in _flatten(part, mixtures, sources, (*above, name)).items():
            flat[source] = flat.get(source, Fraction(0)) + share * weight / total
    return flat


def without(flat: Mapping[str, float], absent: Collection[str]) -> dict[str, float]:
    """Weights with absent optional sources taken out and the others scaled to 1. Empty if nothing is left."""
    if not any(source in absent for source in flat):
        return dict(flat)
    kept = {source: Fraction(str(weight)) for source, weight in flat.items() if source not in absent}
    total = sum(kept.values())
    return {source: float(weight / total) for source, weight in kept.items()} if total else {}
