"""What a verdict step is asked, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.analyze.measures import Measure, parse_measure
from leaven.ground.errors import BadInput, did_you_mean

FINAL = "final"
"""The end of training: what verdicts are about unless a study names another point."""


@dataclass(frozen=True)
class SizeRequest:
    """What is compared at one size of model.

    Attributes: `size` as the rows of results name it; `parameters`, None where nobody counted them; `against`: variant
    -> the baselines it is compared with, the first being what the verdict is about; empty for none.
    """

    size: str
    parameters: int | None
    baseline: str
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    against: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Sweep:
    """Variants of the first size that differ in the share of one mixture or source, `of`.

    Attributes: `shares` in 0…1 of all tokens of a variant's chain; `repeats`: variant -> source -> epochs, None where
    unknown; `budget`: tokens of one run, None where unknown.
    """

    of: str
    variants: tuple[str, ...]
    shares: Mapping[str, float]
    repeats: Mapping[str, Mapping[str, float]] | None = None
    budget: int | None = None


@dataclass(frozen=True)
class Request:
    """Everything that is asked. `baseline`, `variants` and `seeds` are those of the first of the `sizes`."""

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
    sizes: tuple[SizeRequest, ...]
    point: str = FINAL
    sweep: Sweep | None = None
    figures: tuple[str, ...] = ()

    def at(self, size: str) -> SizeRequest:
        """What is asked at this size. Raises KeyError for a size that is not asked for."""
        return {each.size: each for each in self.sizes}[size]


def parse_request(data: Mapping[str, Any]) -> Request:
    """Raises BadInput naming the field.

    A request without `sizes` is about one size without a name; without `against` every other variant is compared with
    the baseline.
    """
    measures = tuple(parse_measure(measure, i) for i, measure in enumerate(data["measures"]))
    names = [measure.name for measure in measures]
    if len(set(names)) != len(names):
        raise BadInput("two measures have the same name", field="measures")
    alpha, draws = float(data.get("alpha", 0.05)), int(data.get("draws", 2000))
    if not 0 < alpha < 0.5:
        raise BadInput("alpha lies between 0 and 0.5", field="alpha")
    if draws < 100:
        raise BadInput("fewer than 100 draws make no interval", field="draws")
    sizes = _sizes(data)
    return Request(
        str(data["study"]),
        str(data.get("question", "")),
        sizes[0].baseline,
        sizes[0].variants,
        sizes[0].seeds,
        measures,
        alpha,
        draws,
        int(data.get("seed", 0)),
        bool(data.get("proxy", True)),
        sizes,
        str(data.get("point") or FINAL),
        _sweep(data.get("sweep"), sizes[0].variants),
        tuple(str(name) for name in data.get("figures") or ()),
    )


def _sizes(data: Mapping[str, Any]) -> tuple[SizeRequest, ...]:
    given = data.get("sizes")
    if not given:
        return (_size(data, ""),)
    sizes = tuple(_size(each, f"sizes[{i}].") for i, each in enumerate(given))
    names = [each.size for each in sizes]
    if len(set(names)) != len(names):
        raise BadInput("two sizes have the same name", field="sizes")
    return sizes


def _size(data: Mapping[str, Any], field: str) -> SizeRequest:
    variants = tuple(str(name) for name in data["variants"])
    baseline = str(data["baseline"])
    _known(baseline, variants, f"{field}baseline")
    against: dict[str, tuple[str, ...]] = {name: (baseline,) for name in variants if name != baseline}
    for variant, others in (data.get("against") or {}).items():
        _known(str(variant), variants, f"{field}against")
        named = [others] if isinstance(others, str) else others
        for other in named:
            _known(str(other), variants, f"{field}against.{variant}")
        if variant in named:
            raise BadInput(f"{variant} cannot be compared with itself", field=f"{field}against.{variant}")
        against[str(variant)] = tuple(dict.fromkeys(str(other) for other in named))
    parameters = data.get("parameters")
    return SizeRequest(
        str(data.get("size") or ""),
        None if parameters is None else int(parameters),
        baseline,
        variants,
        tuple(int(seed) for seed in data["seeds"]),
        {variant: against[variant] for variant in variants if variant in against},
    )


def _known(name: str, variants: Sequence[str], field: str) -> None:
    if name not in variants:
        raise BadInput(f'"{name}" is no variant{did_you_mean(name, variants)}', field=field)


def _sweep(data: Mapping[str, Any] | None, variants: Sequence[str]) -> Sweep | None:
    if not data:
        return None
    names = tuple(str(name) for name in data["variants"])
    for name in names:
        _known(name, variants, "sweep.variants")
        if name not in data["shares"]:
            raise BadInput(f"{name} has no share of {data['of']}", field="sweep.shares")
    repeats, budget = data.get("repeats"), data.get("budget")
    return Sweep(
        str(data["of"]),
        names,
        {name: float(data["shares"][name]) for name in names},
        None if repeats is None else {str(name): dict(row) for name, row in repeats.items()},
        None if budget is None else int(budget),
    )
