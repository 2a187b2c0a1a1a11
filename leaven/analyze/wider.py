"""What goes beyond single comparisons: the best share of a sweep, and what smaller sizes say of larger ones.

Here the evidence is put into the form those two analyses take; their methods are theirs (`optimum`, `transfer`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leaven.analyze import ratio
from leaven.analyze.compare import against_baseline
from leaven.analyze.crossed import Crossed
from leaven.analyze.optimum.data import SweepMeasure, optimum_data
from leaven.analyze.request import Request
from leaven.analyze.transfer.data import SizeEffects, transfer_data

if TYPE_CHECKING:
    from leaven.analyze.evidence import Evidence


def optimum(asked: Request, evidence: Sequence[Evidence]) -> dict[str, Any] | None:
    """The sweep's dict, from every measure of the first size that has its variants; None without a sweep."""
    sweep = asked.sweep
    if sweep is None:
        return None
    measures = []
    for one in evidence:
        if one.size != asked.sizes[0].size:
            continue
        factor, unit = one.measure.columns.points
        arms = {variant: one.arms[variant] for variant in sweep.variants if variant in one.arms}
        measures.append(
            SweepMeasure(
                one.measure.name,
                one.measure.better,
                unit,
                {variant: factor * arm.per_seed for variant, arm in arms.items()},
                {variant: factor * arm.draws for variant, arm in arms.items()},
                {variant: arm.seeds for variant, arm in arms.items()},
            )
        )
    if not measures:
        return None
    # The natural mixture is not known here: a request says nothing of how much there is of a source.
    baselines = {"study's": sweep.shares[asked.baseline]} if asked.baseline in sweep.shares else {}
    if sweep.repeats is not None:  # a study of ours: one kind against the rest, so equal parts are a half
        baselines["stratified"] = 0.5
    return optimum_data(
        sweep.shares,
        measures,
        of=sweep.of,
        draws=asked.draws,
        seed=asked.seed,
        repeats=sweep.repeats,
        baselines=baselines,
    )


def transfer(asked: Request, evidence: Sequence[Evidence]) -> dict[str, Any] | None:
    """The dict on transfer; None with one size, or where a size's parameters are not known.

    Effects are against one baseline a size, whatever the variants' own: what is asked is how recipes rank. Where a
    baseline is near zero at any size, a measure's effects are absolute at all of them, so that sizes can be compared.
    """
    if len(asked.sizes) < 2 or any(each.parameters is None for each in asked.sizes):
        return None
    absolute = _absolute(asked, evidence)
    sizes = []
    for each in asked.sizes:
        scores: dict[str, Mapping[str, Any]] = {}
        effects: dict[str, dict[str, Crossed]] = {}
        for one in evidence:
            if one.size != each.size:
                continue
            name = one.measure.name
            scores[name] = {variant: arm.per_seed for variant, arm in one.arms.items()}
            base = one.arms.get(each.baseline)
            effects[name] = {}
            for variant, arm in one.arms.items() if base is not None else ():
                found = against_baseline(one.measure, arm, base, absolute=absolute[name]) if base is not None else None
                if variant != each.baseline and found is not None:
                    effects[name][variant] = found
        assert each.parameters is not None
        sizes.append(SizeEffects(each.size, each.parameters, each.baseline, scores, effects))
    better = {measure.name: measure.better for measure in asked.measures}
    units = {
        measure.name: measure.columns.points[1] if absolute.get(measure.name) else measure.unit
        for measure in asked.measures
    }
    return transfer_data(sizes, better, units, draws=asked.draws, seed=asked.seed)


def _absolute(asked: Request, evidence: Sequence[Evidence]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for one in evidence:
        base = one.arms.get(asked.at(one.size).baseline)
        near = base is not None and ratio.near_zero(one.measure, base)
        found[one.measure.name] = found.get(one.measure.name, False) or near
    return found
