"""The sizes of a study, one at a time: a view is the study as it is at one size of its model.

All views share corpus, tokenizer, suite, budgets, batches and the order of the data: the size is the only difference
that a study does not write down. What it does write down (`sizes`) is which variants and seeds are trained there, what
they are compared with, whether they are cooled down, and by which factor their learning rates differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.study.further import FurtherSize, Sweep
from leaven.study.spec import Model, Study, Training
from leaven.study.stages import Schedule, Stage, times

SHARED = ("sequence", "rope_theta", "norm_eps", "logit_scale")
"""Fields of a model that a study states for every size; its dimensions are those of one."""


def views(study: Study) -> tuple[Study, ...]:
    """The study at each of its sizes, the first as it stands; none of them has further sizes.

    The study has passed `leaven.study.check`: names of variants and baselines exist.
    """
    first = study.model_copy(update={"sizes": {}})
    return (first, *(_view(first, name, size) for name, size in study.sizes.items()))


def _view(study: Study, name: str, size: FurtherSize) -> Study:
    variants = {
        variant: _rated(_ending(study.variants[variant], size.cooldown), size.rate)
        for variant in size.variants or study.variants
        if variant in study.variants
    }
    baseline = size.baseline or study.baseline
    shared = {field: getattr(study.model, field) for field in SHARED}
    changed: dict[str, Any] = {
        "model": Model(size=name, **shared),
        "variants": variants,
        "baseline": baseline,
        "seeds": size.seeds or study.seeds,
        "against": _against(study, size, baseline, variants),
        "sweep": sweep_among(study, variants),
        "training": _trained(study.training, size.rate),
    }
    return study.model_copy(update=changed)


def _against(study: Study, size: FurtherSize, baseline: str, variants: Mapping[str, object]) -> dict[str, list[str]]:
    """What a size says of comparisons, else what the study says of its variants. A baseline of its own is compared
    with nothing: what the study compares that variant with is compared with it here."""
    if size.against is not None:
        return restricted(size.against, variants)
    found = restricted(study.against, variants)
    return found if baseline == study.baseline else found | {baseline: []}


def restricted(against: Mapping[str, Sequence[str]], variants: Mapping[str, object]) -> dict[str, list[str]]:
    """What is compared with what among these variants; where nothing is left of what a study says, nothing is said."""
    found = {}
    for variant, others in against.items():
        kept = [other for other in others if other in variants]
        if variant in variants and (kept or not others):
            found[variant] = kept
    return found


def sweep_among(study: Study, variants: Mapping[str, object]) -> Sweep | None:
    """The study's sweep over these variants; none where none of it are among them."""
    kept = [variant for variant in study.sweeps if variant in variants]
    return study.sweep.model_copy(update={"variants": kept}) if study.sweep and kept else None


def _ending(stages: Sequence[Stage], cooldown: bool) -> list[Stage]:
    """A chain, without the cooldown at its end where there is to be none."""
    end = len(stages)
    while not cooldown and end > 1 and stages[end - 1].kind == "cooldown":
        end -= 1
    return list(stages[:end])


def _trained(training: Training, rate: float) -> Training:
    kinds = ("pretrain", "continue_", "cooldown")
    return training.model_copy(update={kind: _peaked(getattr(training, kind), rate) for kind in kinds})


def _rated(stages: Sequence[Stage], rate: float) -> list[Stage]:
    return [
        stage.model_copy(update={"schedule": _peaked(stage.schedule, rate)})
        if stage.schedule is not None and "peak" in stage.schedule.model_fields_set
        else stage
        for stage in stages
    ]


def _peaked(schedule: Schedule, rate: float) -> Schedule:
    return schedule.model_copy(update={"peak": times(schedule.peak, rate)})
