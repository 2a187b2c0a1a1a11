"""Variants that come to the same model on this computer are one variant, not two that are compared.

Where an optional source is absent its weight goes to the other parts of a mixture, and `code+adjacent` becomes `code`;
where a size has no cooldown, variants that differ in it alone become one. The first of them stays, the others are left
out by name, and whatever named them names the one that stays: it is the same model. Two variants that a study writes
down alike are left alone: that is a comparison of something with itself on purpose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from leaven.ground.errors import BadInput
from leaven.study.further import FurtherSize
from leaven.study.mixtures import flatten, without
from leaven.study.sizes import restricted, sweep_among, views
from leaven.study.spec import Study
from leaven.study.stages import Stage


def without_twins(study: Study, absent: Collection[str]) -> tuple[Study, list[str]]:
    """The study without variants that coincide with an earlier one, and a sentence about each.

    Args:
        study: settled.
        absent: sources of which nothing was found.

    Raises:
        BadInput: the baseline is one of them.
    """
    told: list[str] = []
    same = _same(study, study, absent, told)
    _stays(study.baseline, same, "baseline")
    study = _reduced(study, same)
    sizes = {name: _renamed(size, same, name) for name, size in study.sizes.items()}
    study = study.model_copy(update={"sizes": sizes})
    for view in views(study)[1:]:
        size = view.model.size
        at_size = _same(study, view, absent, told)
        _stays(view.baseline, at_size, f"sizes.{size}.baseline")
        if at_size:
            kept = {name: view.variants[name] for name in view.variants if name not in at_size}
            against = restricted(_compared(view.against, at_size), kept)
            sizes[size] = sizes[size].model_copy(update={"variants": list(kept), "against": against})
    return study.model_copy(update={"sizes": sizes}), told


def _same(study: Study, view: Study, absent: Collection[str], told: list[str]) -> dict[str, str]:
    """Variant → the earlier one that it coincides with at this size, and why, added to `told`."""
    first: dict[Any, str] = {}
    same: dict[str, str] = {}
    at = "" if view.model.size == study.model.size else f" at size {view.model.size}"
    for name, stages in view.variants.items():
        other = first.setdefault(_trained(view, stages, absent), name)
        if other == name or _trained(study, study.variants[name]) == _trained(study, study.variants[other]):
            continue
        same[name] = other
        if _trained(view, stages) == _trained(view, view.variants[other]):
            lacking = "its cooldown"
        else:
            used = {*_sources(view, stages), *_sources(view, view.variants[other])}
            lacking = f"source {', '.join(sorted(used & set(absent)))}"
        told.append(f"variant {name}{at}: without {lacking} it is the same as {other}")
    return same


def _trained(study: Study, stages: Iterable[Stage], absent: Collection[str] = ()) -> tuple[Any, ...]:
    """Everything that decides the models of a chain: equal for two variants exactly where their stages are."""
    tokens = study.batch * study.sequence
    return tuple(
        (
            stage.kind,
            stage.tokens // tokens,
            tuple(without(flatten(stage.mixture, study.mixtures, study.corpus.sources), absent).items()),
            study.schedule_of(stage).model_dump_json(),
            stage.start,
        )
        for stage in stages
    )


def _sources(study: Study, stages: Iterable[Stage]) -> set[str]:
    return {source for stage in stages for source in flatten(stage.mixture, study.mixtures, study.corpus.sources)}


def _stays(baseline: str, same: Mapping[str, str], field: str) -> None:
    if baseline in same:
        raise BadInput(
            f'the baseline "{baseline}" is on this computer the same as "{same[baseline]}", and is left out',
            field=field,
            fix=f"Name {same[baseline]} as the baseline, or give what is absent: --source NAME=PATH.",
        )


def _reduced(study: Study, same: Mapping[str, str]) -> Study:
    if not same:
        return study
    variants = {name: stages for name, stages in study.variants.items() if name not in same}
    against = restricted(_compared(study.against, same), variants)
    return study.model_copy(update={"variants": variants, "against": against, "sweep": sweep_among(study, variants)})


def _renamed(size: FurtherSize, same: Mapping[str, str], name: str) -> FurtherSize:
    if size.baseline is not None:
        _stays(size.baseline, same, f"sizes.{name}.baseline")
    variants = size.variants and _named(size.variants, same)
    against = size.against and _compared(size.against, same)
    return size.model_copy(update={"variants": variants, "against": against})


def _compared(against: Mapping[str, Sequence[str]], same: Mapping[str, str]) -> dict[str, list[str]]:
    """What is compared with what, by the names that stay; nothing is compared with itself."""
    return {
        name: [other for other in _named(others, same) if other != name]
        for name, others in against.items()
        if name not in same
    }


def _named(names: Sequence[str], same: Mapping[str, str]) -> list[str]:
    """Names with those that stay in place of the others, each once."""
    return list(dict.fromkeys(same.get(name, name) for name in names))
