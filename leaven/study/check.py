"""What a schema cannot say: names that must exist, stages that must follow one another, budgets that hold a batch,
learning rates that lead somewhere.

Batch and sequence may be left to the model's size, which this room does not know: what depends on them is checked as
soon as they are there, in a study as it was read or as it was settled.
"""

from __future__ import annotations

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.check_names import check_names
from leaven.study.document import Keys, Where, field
from leaven.study.mixtures import flatten
from leaven.study.sizes import views
from leaven.study.spec import Study
from leaven.study.stages import Schedule, Stage
from leaven.study.sweeps import check_sweep


class TooShort(BadInput):
    """A stage whose budget does not hold what is to happen in it."""


def check(study: Study, where: Where, *, scaling: str = "") -> None:
    """Raises BadInput with file, line and field. `scaling`: how budgets were scaled, where they were."""
    try:
        _check(study, where)
    except TooShort as error:
        told = f" Budgets are scaled: {scaling}. On the command line they are those of the study as it is written."
        fix = f"{error.fix}{told if scaling else ''}"
        raise BadInput(error.what, where=error.where, field=error.field, fix=fix) from None


def _check(study: Study, where: Where) -> None:
    check_names(study, where)
    if not study.evaluate.measures:
        raise BadInput(
            f"suite {study.evaluate.suite} has no measures, so the study has nothing to compare",
            where=where(("evaluate",)),
            field="evaluate.measures",
            fix="Give it at least one; leaven/studies/suites/ has examples.",
        )
    if study.evaluate.tasks and not study.data:
        raise BadInput(
            f"suite {study.evaluate.suite} asks benchmarks, and the study does not say where they are",
            where=where(("evaluate",)),
            field="data",
            fix="Give their folder: --data DIR or data: DIR in the study file; or --data hub to download them.",
        )
    for name in study.mixtures:
        try:
            flatten(name, study.mixtures, study.corpus.sources)
        except BadInput as error:
            raise BadInput(error.what, where=where(error.field.split(".")), field=error.field, fix=error.fix) from None
    for view in views(study):
        try:
            _chains(view, where)
        except BadInput as error:
            size = view.model.size
            at_size = "" if size == study.model.size else f"at size {size}: "
            raise type(error)(f"{at_size}{error.what}", where=error.where, field=error.field, fix=error.fix) from None
    check_sweep(study, where)
    if study.judge.kind == "reference-likelihood":
        reference = study.reference_stage()
        _known_mixture(study, reference, ("judge", "mixture"), where)
        _stage(study, reference, None, ("judge", "tokens"), where)


def _chains(study: Study, where: Where) -> None:
    """Every stage of every variant, at one size."""
    for variant, stages in study.variants.items():
        if not stages:
            raise BadInput(
                "a variant needs at least one stage", where=where(("variants", variant)), field=f"variants.{variant}"
            )
        rate: float | None = None
        for index, stage in enumerate(stages):
            at: Keys = ("variants", variant, index)
            if (stage.kind == "pretrain") != (index == 0):
                raise BadInput(
                    f"{stage.kind} cannot be stage {index + 1} of a variant",
                    where=where(at),
                    field=field(at),
                    fix="A variant begins with pretrain; continue and cooldown follow it.",
                )
            _known_mixture(study, stage, at, where)
            _start(stage, index, at, where)
            rate = _stage(study, stage, rate, at, where)


def _known_mixture(study: Study, stage: Stage, at: Keys, where: Where) -> None:
    known = [*study.mixtures, *study.corpus.sources]
    if stage.mixture not in known:
        what = f'unknown mixture "{stage.mixture}"{did_you_mean(stage.mixture, known)}'
        raise BadInput(what, where=where(at), field=field(at))


def _start(stage: Stage, index: int, at: Keys, where: Where) -> None:
    """What a stage that begins with weights trained elsewhere cannot be."""
    if stage.start is None:
        return
    place = {"where": where((*at, "start")), "field": field((*at, "start"))}
    if index:
        raise BadInput(
            f"stage {index + 1} of a variant begins with the weights of stage {index}",
            **place,
            fix="Only the first stage may start from weights trained elsewhere.",
        )
    own = stage.schedule
    if own is not None and "carry" in own.model_fields_set and own.carry != "weights":
        raise BadInput(
            "weights trained elsewhere bring no state of an optimizer",
            where=where((*at, "schedule", "carry")),
            field=field((*at, "schedule", "carry")),
            fix="Leave `carry` out: a warm-start carries weights only.",
        )


def _stage(study: Study, stage: Stage, parent: float | None, at: Keys, where: Where) -> float:
    """One stage, of a variant or of the judge's reference model. Returns the learning rate it is declared to end with;
    `parent` is its parent's."""
    place = {"where": where(at), "field": field(at)}
    schedule, steps = study.schedule_of(stage), _steps(study, stage, at, where)
    if steps is not None and schedule.warmup > steps:
        raise TooShort(
            f"a warm-up of {schedule.warmup} steps does not fit the {steps} steps of the stage",
            **place,
            fix=f"Lower training.{stage.kind}.warmup or raise the budget.",
        )
    peak = _peak(stage, schedule, parent, place)
    if schedule.schedule == "constant":
        return peak
    if schedule.final is None:
        raise BadInput(
            f"a {schedule.schedule} schedule needs `final`",
            **place,
            fix=f"Set training.{stage.kind}.final.",
        )
    if schedule.final > peak:
        raise BadInput(
            f"`final` {schedule.final:g} is above the learning rate that it falls from, {peak:g}",
            **place,
            fix=f"Lower training.{stage.kind}.final or raise its peak.",
        )
    return peak if schedule.warmup == steps else schedule.final


def _peak(stage: Stage, schedule: Schedule, parent: float | None, place: dict[str, str]) -> float:
    """The highest learning rate of a stage as declared: its own, or the one its parent ends with."""
    if schedule.peak != "parent":
        return schedule.peak
    if parent is None:
        what = "pretrain has no parent to take its learning rate from"
        raise BadInput(
            "weights trained elsewhere bring no learning rate" if stage.start else what,
            **place,
            fix="Give training.pretrain.peak a number.",
        )
    if parent == 0:
        raise BadInput(
            "its parent ends with a learning rate of 0, and it would begin with that",
            **place,
            fix=f"Give training.{stage.kind}.peak a number, or the stage before it a `final` above 0.",
        )
    return parent


def _steps(study: Study, stage: Stage, at: Keys, where: Where) -> int | None:
    """Updates of a stage; None as long as batch or sequence are left to the size."""
    if study.model.sequence is None or study.training.batch is None:
        return None
    batch, sequence = study.batch, study.sequence
    if stage.tokens < batch * sequence:
        raise TooShort(
            f"{stage.tokens} tokens are less than one batch of {batch} × {sequence} = {batch * sequence} tokens",
            where=where(at),
            field=field(at),
            fix="Raise the budget or lower training.batch.",
        )
    return stage.tokens // (batch * sequence)
