"""The one step that reads every evaluation and every vote: what it is asked, and what it reads.

Roles of its inputs: `evaluate:variant:seed:point`, `judge:variant/other:seed` and `stage:variant:seed` (the last stage
of a run) at the first size; at a further one the size stands behind the first word, as in `evaluate@2.8b:…`. Besides
them `suite`, and where there is a sweep `shards:source` of what it draws from, because epochs are counted by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.study.spec import Study
from leaven.study.step import Run
from leaven.study.sweeps import swept

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
        "sweep": swept(study, absent),
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
