"""A study at another size: every token budget by one rule, further sizes in the proportion that they had.

What stands for `of` tokens (the paper's 400B) gets `tokens_per_parameter` tokens for each parameter of the first size;
all other budgets keep their ratio to it. Budgets are the same at every size of a study, as in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.amounts import short
from leaven.study.changes import COMMAND_LINE
from leaven.study.further import FurtherSize
from leaven.study.proxy import Proxy
from leaven.study.spec import Study
from leaven.study.stages import Stage

LEAST_BATCHES = 2
"""Of a stage whose scaled budget would hold fewer."""


def scaled(study: Study, written: str, proxy: Proxy, parameters: Mapping[str, int]) -> tuple[Study, str]:
    """The study with its budgets and further sizes scaled to its size, and a sentence on how.

    Args:
        study: at the size that was asked for, with its proxy block put in.
        written: the size it was written for.
        parameters: of every named size.

    Raises:
        BadInput: a size that is not among them.
    """
    size = study.model.size
    for name in (size, written, *study.sizes):
        if name not in parameters:
            where, field = (COMMAND_LINE, "--size") if name == size else ("", f"sizes.{name}")
            raise BadInput(f'unknown model size "{name}"{did_you_mean(name, parameters)}', where=where, field=field)
    stands = Fraction(str(proxy.tokens_per_parameter)) * parameters[size]
    factor = stands / proxy.of
    variants = {
        name: [stage.model_copy(update={"tokens": _tokens(stage.tokens, factor)}) for stage in stages]
        for name, stages in study.variants.items()
    }
    changed: dict[str, Any] = {"variants": variants}
    if "tokens" in study.judge.model_fields_set:
        judge = study.judge.model_copy(update={"tokens": _tokens(study.judge.tokens, factor)})
        changed["judge"] = judge
    names = further_sizes(size, written, list(study.sizes), parameters)
    changed["sizes"] = _renamed(study.sizes, names)
    said = (
        f"{size} stands for {written}: {short(float(stands))} tokens for {short(proxy.of)}, "
        f"{proxy.tokens_per_parameter:g} for each of its {short(parameters[size])} parameters"
    )
    told = "".join(
        f"; {name} stands for {old}" if name else f"; no size stands for {old}" for old, name in names.items()
    )
    return at_least(study.model_copy(update=changed)), f"{said}{told}"


def further_sizes(size: str, written: str, further: list[str], parameters: Mapping[str, int]) -> dict[str, str | None]:
    """The named size that stands for each further one: on the same side of the first, nearest in the logarithm of the
    ratio to it, none of them twice; None where there is none left."""
    found: dict[str, str | None] = {}
    for old in further:
        ratio = parameters[old] / parameters[written]
        free = [
            name
            for name, count in parameters.items()
            if name != size and name not in found.values() and (count > parameters[size]) == (ratio > 1)
        ]
        wanted = math.log(ratio * parameters[size])
        found[old] = min(free, key=lambda name: abs(math.log(parameters[name]) - wanted), default=None)
    return found


def at_least(study: Study) -> Study:
    """The study with no stage of fewer than two batches, once batch and sequence are known."""
    if study.model.sequence is None or study.training.batch is None:
        return study
    least = LEAST_BATCHES * study.batch * study.sequence

    def long_enough(stage: Stage) -> Stage:
        return stage if stage.tokens >= least else stage.model_copy(update={"tokens": least})

    variants = {name: [long_enough(stage) for stage in stages] for name, stages in study.variants.items()}
    judge = study.judge
    if judge.kind == "reference-likelihood" and judge.tokens < least:
        judge = judge.model_copy(update={"tokens": least})
    return study.model_copy(update={"variants": variants, "judge": judge})


def _tokens(tokens: int, factor: Fraction) -> int:
    return max(1, round(tokens * factor))


def _renamed(sizes: Mapping[str, FurtherSize], names: Mapping[str, str | None]) -> dict[str, FurtherSize]:
    return {name: sizes[old] for old, name in names.items() if name is not None}
