"""What a study's seeds and items can resolve, from its fields and the noise it is planned with, size by size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.analyze.resolution import Aim, merged, named, resolution, warnings
from leaven.engine.pilots import Finder, unit_of
from leaven.engine.prepare import Prepared
from leaven.engine.present import absent_tasks
from leaven.study.sizes import views
from leaven.study.spec import Study
from leaven.study.suites import Measure

APART = 1.3
"""An arm is named whose noise is so many times that of all of them together."""


@dataclass(frozen=True)
class Foreseen:
    """What a study can be expected to resolve.

    Attributes:
        rows: of `resolution`, a primary measure and size each. unknown: measures of which no noise is known.
        comparisons: corrected together. absent: primary measures of which no task is here.
        notes: what else has to be known to read the rows, a sentence each.
    """

    rows: list[dict[str, Any]]
    unknown: list[str]
    comparisons: int
    absent: list[str]
    notes: list[str]
    compared: bool

    def warnings(self) -> list[str]:
        said = []
        if not self.compared:
            said.append("no variant is compared with another (`against`): there is no verdict, and nothing to resolve")
        if self.absent:
            them = "it" if len(self.absent) == 1 else "them"
            said.append(
                f"nothing of measure {', '.join(self.absent)} is here: this study concludes nothing about {them}"
            )
        return [*said, *warnings(self.rows, self.comparisons)]


def foresee(prepared: Prepared, find: Finder) -> Foreseen:
    """Every primary measure at every size, at the strictest step of Holm's correction over all of them.

    Raises BadInput where a pilot was given and knows none of the measures.
    """
    sizes = views(prepared.study)
    absent = absent_tasks(prepared)
    primary = {name: measure for name, measure in prepared.study.evaluate.measures.items() if measure.primary}
    here = {name: found for name, measure in primary.items() if (found := restricted(measure, absent))}
    family = len(here) * sum(paired(view) for view in sizes)
    rows: list[dict[str, Any]] = []
    unknown: dict[str, None] = {}
    notes = _notes(sizes, primary, here, absent)
    if family and (lacking := find.beyond(here)):
        notes.append(f"{', '.join(lacking)}: not in the pilot that is given, and planned with other noise")
    for view in sizes:
        size, tokens = view.model.size, tokens_of_a_seed(prepared, view)
        if not paired(view):
            continue
        for name, measure in here.items():
            noise = find(name, measure, size, prepared.parameters[size])
            if noise is None:
                unknown[name] = None
                continue
            aim = Aim(size if len(sizes) > 1 else "", name, unit_of(measure), measure.margin, len(view.seeds), tokens)
            rows.append(resolution(aim, noise, family))
    notes += [
        f"{named(row)}: the seeds of {row['source']} do not differ at all, so that this is less than can be expected"
        for row in merged(rows)
        if not row["seed_sd"]
    ]
    compared = any(paired(view) for view in sizes)
    return Foreseen(rows, list(unknown), family, [name for name in primary if name not in here], notes, compared)


def restricted(measure: Measure, absent: frozenset[str]) -> Measure | None:
    """A measure over those of its tasks that are here, None where none is. Its suite's figures are of all of them."""
    kept = [task for task in measure.tasks if task not in absent]
    if kept == measure.tasks:
        return measure
    return measure.model_copy(update={"tasks": kept, "pilot": None}) if kept else None


def _notes(
    sizes: Sequence[Study], primary: Mapping[str, Measure], here: Mapping[str, Measure], absent: frozenset[str]
) -> list[str]:
    """What the plan's measures and sizes lack of those the study names."""
    partly = [
        f"{name}: without {', '.join(task for task in primary[name].tasks if task in absent)}"
        for name, measure in here.items()
        if measure.tasks != primary[name].tasks
    ]
    alone = [view.model.size for view in sizes if not paired(view)]
    idle = [f"nothing is compared at {', '.join(alone)}"] if alone and len(alone) < len(sizes) else []
    return [*partly, *idle]


def paired(view: Study) -> int:
    """Variants of a size that are compared with something: each has one primary comparison a measure."""
    return sum(bool(view.against_of(variant)) for variant in view.variants)


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


def lines(rows: Sequence[dict[str, Any]], unknown: Sequence[str], notes: Sequence[str] = ()) -> list[str]:
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
    return [*said, *(f"power     {note}" for note in notes)]
