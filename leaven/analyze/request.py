"""What a verdict step is asked, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaven.analyze.measures import Measure, parse_measure
from leaven.ground.errors import BadInput, did_you_mean

FINAL = "final"
"""The point of training that verdicts are about."""


@dataclass(frozen=True)
class Request:
    study: str
    question: str
    baseline: str
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    measures: tuple[Measure, ...]
    alpha: float
    draws: int
    seed: int
    proxy: bool


def parse_request(data: Mapping[str, Any]) -> Request:
    """Raises BadInput naming the field."""
    variants = tuple(str(name) for name in data["variants"])
    if data["baseline"] not in variants:
        raise BadInput(
            f'"{data["baseline"]}" is no variant{did_you_mean(data["baseline"], variants)}', field="baseline"
        )
    measures = tuple(parse_measure(measure, i) for i, measure in enumerate(data["measures"]))
    names = [measure.name for measure in measures]
    if len(set(names)) != len(names):
        raise BadInput("two measures have the same name", field="measures")
    alpha, draws = float(data.get("alpha", 0.05)), int(data.get("draws", 2000))
    if not 0 < alpha < 0.5:
        raise BadInput("alpha lies between 0 and 0.5", field="alpha")
    if draws < 100:
        raise BadInput("fewer than 100 draws make no interval", field="draws")
    return Request(
        str(data["study"]),
        str(data.get("question", "")),
        str(data["baseline"]),
        variants,
        tuple(int(seed) for seed in data["seeds"]),
        measures,
        alpha,
        draws,
        int(data.get("seed", 0)),
        bool(data.get("proxy", True)),
    )
