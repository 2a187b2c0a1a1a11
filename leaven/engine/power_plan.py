"""What a study's seeds and items can resolve, from its fields and the noise it is planned with, size by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leaven.analyze.resolution import Aim, merged, named, resolution, warnings
from leaven.engine.pilots import Finder, unit_of
from leaven.engine.prepare import Prepared
from leaven.study.sizes import views
from leaven.study.spec import Study

APART = 1.3
"""An arm is named whose noise is so many times that of all of them together."""


@dataclass(frozen=True)
class Foreseen:
    """`rows`: of `resolution`, a primary measure and size each. `unknown`: measures of which no noise is known.
    `comparisons`: corrected together."""

    rows: list[dict[str, Any]]
    unknown: list[str]
    comparisons: int

    def warnings(self) -> list[str]:
        return warnings(self.rows, self.comparisons)


def foresee(prepared: Prepared, find: Finder) -> Foreseen:
    """Every primary measure at every size, at the strictest step of Holm's correction over all of them."""
    sizes = views(prepared.study)
    family = comparisons(sizes)
    rows: list[dict[str, Any]] = []
    unknown: dict[str, None] = {}
    for view in sizes:
        size, tokens = view.model.size, tokens_of_a_seed(prepared, view)
        if not paired(view):
            continue
        for name, measure in view.evaluate.measures.items():
            if not measure.primary:
                continue
            noise = find(name, measure, size, prepared.parameters[size])
            if noise is None:
                unknown[name] = None
                continue
            aim = Aim(size if len(sizes) > 1 else "", name, unit_of(measure), measure.margin, len(view.seeds), tokens)
            rows.append(resolution(aim, noise, family))
    return Foreseen(rows, list(unknown), family)


def paired(view: Study) -> int:
    """Variants of a size that are compared with something: each has one primary comparison a measure."""
    return sum(bool(view.against_of(variant)) for variant in view.variants)


def comparisons(sizes: Sequence[Study]) -> int:
    """Comparisons that are corrected together: every size's variants, each with the first that it is compared with."""
    primary = sum(measure.primary for measure in sizes[0].evaluate.measures.values())
    return primary * sum(paired(view) for view in sizes)


def tokens_of_a_seed(prepared: Prepared, view: Study) -> int:
    """What one seed of all variants of a size trains on, shared ancestors once."""
    graph, own = prepared.graph, prepared.study.model.size
    stages = {
        step_id
        for run in graph.runs
        if (run.size or own) == view.model.size and run.seed == view.seeds[0]
        for step_id in run.stages
    }
    return sum(graph.steps[step_id].tokens for step_id in stages)


def lines(rows: Sequence[dict[str, Any]], unknown: Sequence[str]) -> list[str]:
    """`power     prose bits-per-byte: smallest effect this study resolves 4 times in 5: 0.6 %, of interest 1 (…)`."""
    said = []
    for row in merged(rows):
        smallest, unit = row["smallest_effect"], row["unit"]
        told = f"{smallest:.2g} {unit}" if smallest is not None else "none, however large"
        noisy = ""
        if row["noisiest"] and row["noisiest_sd"] > APART * row["seed_sd"]:
            noisy = f"; noisiest arm: {row['noisiest']}"
        said.append(
            f"power     {named(row)}: smallest effect this study resolves 4 times in 5: {told}, of interest"
            f" {row['margin']:g} (noise: {row['source']}{noisy})"
        )
    if unknown:
        said.append(f"power     {', '.join(unknown)}: not known, for want of noise to plan with (--pilot FILE|STUDY)")
    return said
