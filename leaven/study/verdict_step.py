"""The one step that reads every evaluation and every vote: what it is asked, and what it reads.

Roles of its inputs: `evaluate:variant:seed:point`, `judge:variant/other:seed` and `stage:variant:seed` (the last stage
of a run) at the first size; at a further one the size stands behind the first word, as in `evaluate@2.8b:…`. Besides
them `suite`, and where there is a sweep `shards:source` of what it draws from, because epochs are counted by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from leaven.study.mixtures import exact
from leaven.study.spec import Study
from leaven.study.stages import Stage
from leaven.study.step import Run

BILLION = 10**9
"""Models below so many parameters stand in for larger ones, unless the study says that they do not."""


def asked(views: Sequence[Study], parameters: Mapping[str, int], absent: frozenset[str]) -> dict[str, Any]:
    """The fields of the verdict step.

    Args:
        views: the study at each of its sizes (`leaven.study.sizes.views`), settled.
        parameters: of the model of each size.
        absent: sources of which nothing was found.
    """
    study = views[0]
    small = all(count < BILLION for count in parameters.values())
    return {
        "study": study.study,
        "question": study.question,
        "baseline": study.baseline,
        "variants": list(study.variants),
        "seeds": list(study.seeds),
        "measures": [
            {"name": name, **measure.model_dump(exclude={"pilot"})} for name, measure in study.evaluate.measures.items()
        ],
        "alpha": 0.05,
        "draws": 2000,
        "proxy": small if study.stand_in is None else study.stand_in,
        "averages": {name: list(members) for name, members in study.evaluate.averages.items()},
        "scores": {name: benchmark.score for name, benchmark in study.evaluate.tasks.items()},
        "point": study.compare,
        "sizes": [
            {
                "size": view.model.size,
                "parameters": parameters.get(view.model.size),
                "baseline": view.baseline,
                "variants": list(view.variants),
                "seeds": list(view.seeds),
                "against": {variant: view.against_of(variant) for variant in view.variants},
            }
            for view in views
        ],
        "sweep": _sweep(study, absent),
        "figures": list(study.figures),
    }


def read(runs: Sequence[Run], first: str) -> dict[str, str]:
    """The inputs of the verdict step but for the suite; `first`: the study's own size."""
    marks = {run.size: "" if run.size == first else f"@{run.size}" for run in runs}
    inputs = {
        f"evaluate{marks[run.size]}:{run.variant}:{run.seed}:{point}": step
        for run in runs
        for point, step in run.evaluations.items()
    }
    inputs |= {
        f"judge{marks[run.size]}:{run.variant}/{other}:{run.seed}": step
        for run in runs
        for other, step in run.judgements.items()
    }
    return inputs | {f"stage{marks[run.size]}:{run.variant}:{run.seed}": run.stages[-1] for run in runs}


def swept_sources(study: Study) -> list[str]:
    """The sources that the variants of a sweep draw from."""
    mixtures = {stage.mixture for variant in study.sweeps for stage in study.variants[variant]}
    return sorted({name for mixture in mixtures for name in exact(mixture, study.mixtures, study.corpus.sources)})


def _sweep(study: Study, absent: frozenset[str]) -> dict[str, Any] | None:
    """The sweep with the share that each of its variants has of what it is about, up to where verdicts are about."""
    if study.sweep is None:
        return None
    swept = frozenset(exact(study.sweep.of, study.mixtures, study.corpus.sources)) - absent
    chains = {variant: _compared(study, study.variants[variant]) for variant in study.sweeps}
    budgets = [sum(_trained_on(study, stage) for stage in chain) for chain in chains.values()]
    return {
        "of": study.sweep.of,
        "variants": study.sweeps,
        "shares": {variant: float(share_of(study, chain, swept, absent)) for variant, chain in chains.items()},
        "budget": budgets[0],
    }


def share_of(study: Study, chain: Sequence[Stage], swept: frozenset[str], absent: frozenset[str]) -> Fraction:
    """The exact share of a chain's tokens that comes from these sources, as declared: whole samples are apportioned
    when they are drawn."""
    drawn = Fraction(0)
    for stage in chain:
        flat = exact(stage.mixture, study.mixtures, study.corpus.sources)
        total = sum((share for source, share in flat.items() if source not in absent), Fraction(0))
        part = sum((share for source, share in flat.items() if source in swept), Fraction(0))
        drawn += _trained_on(study, stage) * part / total if total else Fraction(0)
    return drawn / sum(_trained_on(study, stage) for stage in chain)


def _compared(study: Study, chain: Sequence[Stage]) -> Sequence[Stage]:
    cooled = chain[-1].kind == "cooldown"
    return chain[:-1] if cooled and study.compare == "before cooldown" else chain


def _trained_on(study: Study, stage: Stage) -> int:
    """Tokens of a stage in whole batches."""
    batch = study.batch * study.sequence
    return stage.tokens // batch * batch
