"""What a schema cannot say: names that must exist, stages that must follow one another, budgets that hold a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.document import Keys, field
from leaven.study.mixtures import flatten
from leaven.study.spec import Study
from leaven.study.stages import Stage

Where = Callable[[Sequence[str | int]], str]


def check(study: Study, where: Where) -> None:
    """Raises BadInput with file, line and field."""
    if study.baseline not in study.variants:
        raise BadInput(
            f'unknown variant "{study.baseline}"{did_you_mean(study.baseline, study.variants)}',
            where=where(("baseline",)),
            field="baseline",
        )
    for name in study.mixtures:
        try:
            flatten(name, study.mixtures, study.corpus.sources)
        except BadInput as error:
            raise BadInput(error.what, where=where(error.field.split(".")), field=error.field, fix=error.fix) from None
    for variant, stages in study.variants.items():
        if not stages:
            raise BadInput(
                "a variant needs at least one stage", where=where(("variants", variant)), field=f"variants.{variant}"
            )
        for index, stage in enumerate(stages):
            if (stage.kind == "pretrain") != (index == 0):
                at: Keys = ("variants", variant, index)
                raise BadInput(
                    f"{stage.kind} cannot be stage {index + 1} of a variant",
                    where=where(at),
                    field=field(at),
                    fix="A variant begins with pretrain; continue and cooldown follow it.",
                )
            _known_mixture(study, stage, ("variants", variant, index), where)
            _stage(study, stage, ("variants", variant, index), where)
    if study.judge.kind == "reference-likelihood":
        reference = study.reference_stage()
        _known_mixture(study, reference, ("judge", "mixture"), where)
        _stage(study, reference, ("judge", "tokens"), where)


def _known_mixture(study: Study, stage: Stage, at: Keys, where: Where) -> None:
    known = [*study.mixtures, *study.corpus.sources]
    if stage.mixture not in known:
        what = f'unknown mixture "{stage.mixture}"{did_you_mean(stage.mixture, known)}'
        raise BadInput(what, where=where(at), field=field(at))


def _stage(study: Study, stage: Stage, at: Keys, where: Where) -> None:
    """One stage, of a variant or of the judge's reference model."""
    place = {"where": where(at), "field": field(at)}
    batch, sequence = study.training.batch, study.model.sequence
    if stage.tokens < batch * sequence:
        raise BadInput(
            f"{stage.tokens} tokens are less than one batch of {batch} × {sequence} = {batch * sequence} tokens",
            **place,
            fix="Raise the budget or lower training.batch.",
        )
    schedule, steps = study.schedule_of(stage), stage.tokens // (batch * sequence)
    if stage.kind == "pretrain" and schedule.peak == "parent":
        raise BadInput(
            "pretrain has no parent to take its learning rate from",
            **place,
            fix="Give training.pretrain.peak a number.",
        )
    if schedule.warmup > steps:
        raise BadInput(
            f"a warm-up of {schedule.warmup} steps does not fit the {steps} steps of the stage",
            **place,
            fix=f"Lower training.{stage.kind}.warmup or raise the budget.",
        )
    if schedule.schedule != "constant" and schedule.final is None:
        raise BadInput(
            f"a {schedule.schedule} schedule needs `final`",
            **place,
            fix=f"Set training.{stage.kind}.final.",
        )
