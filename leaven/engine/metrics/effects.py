"""The verdict's comparisons as numbers by name, for places that keep numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.engine.metrics.places import Curve

ENDS = ("effect", "low", "high")
"""An effect and the ends of its interval, in its own unit."""


def of_curve(effects: Sequence[Mapping[str, Any]], curve: Curve) -> list[Mapping[str, Any]]:
    """The comparisons of a run's variant at its size."""
    about = curve.about
    return [
        effect
        for effect in effects
        if effect["variant"] == about.get("variant") and effect.get("size") in (None, "", about.get("size"))
    ]


def name_of(effect: Mapping[str, Any]) -> str:
    """`verdict/fact recall against text-only`."""
    return f"verdict/{effect['measure']} against {effect['baseline']}"


def numbers(effect: Mapping[str, Any]) -> dict[str, float]:
    """The effect and the ends of its interval, those that there are."""
    found = {f"{name_of(effect)}/{end}": effect.get(end) for end in ENDS}
    return {name: float(value) for name, value in found.items() if value is not None}
