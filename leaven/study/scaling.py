"""A study at another size: every token budget by one rule, further sizes in the proportion that they had.

What stands for `of` tokens (the paper's 400B) gets `tokens_per_parameter` tokens for each parameter of the first size;
all other budgets keep their ratio to it. Budgets are the same at every size of a study, as in the paper. Parameters are
those of the models that are trained: with the vocabulary of the study's tokenizer, as far as the study says it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.amounts import short
from leaven.study.changes import COMMAND_LINE
from leaven.study.document import Where
from leaven.study.proxy import Proxy
from leaven.study.spec import Study
from leaven.study.stages import Stage

LEAST_BATCHES = 2
"""Of a stage whose scaled budget would hold fewer."""
Parameters = Callable[[int | None], Mapping[str, int]]
"""Parameters of every named size with a vocabulary; without one, each with its own."""


class Scaled(NamedTuple):
    """A study at another size; how that came about, in one sentence; and a sentence for each size that is gone."""

    study: Study
    told: str
    left_out: tuple[str, ...]


def scaled(
    study: Study, written: str, proxy: Proxy, parameters: Parameters, named: Collection[str], where: Where
) -> Scaled:
    """The study with its budgets and further sizes scaled to its size.

    Args:
        study: at the size that was asked for, with its proxy block put in.
        written: the size it was written for.
        named: further sizes that are meant as they are named, and stand for no other.

    Raises:
        BadInput: a size that is not among them, or is too large for the block.
    """
    size, tokenizer = study.model.size, study.corpus.tokenizer
    own, here = parameters(None), parameters(tokenizer.vocabulary if tokenizer.path is None else None)
    places = {size: (COMMAND_LINE, "--size"), written: ("", "model.size")}
    places |= {name: (where(("sizes", name)), f"sizes.{name}") for name in study.sizes}
    if proxy.largest is not None:
        places |= {proxy.largest: (where(("proxy", "largest")), "proxy.largest")}
    for name, (at, field) in places.items():
        if name not in here:
            raise BadInput(f'unknown model size "{name}"{did_you_mean(name, here)}', where=at, field=field)
    for name in (size, *named):
        _meant(name, proxy, here, places[name])
    stands = Fraction(str(proxy.tokens_per_parameter)) * here[size]
    factor = stands / proxy.of
    variants = {
        name: [stage.model_copy(update={"tokens": _tokens(stage.tokens, factor)}) for stage in stages]
        for name, stages in study.variants.items()
    }
    changed: dict[str, Any] = {"variants": variants}
    if "tokens" in study.judge.model_fields_set:
        judge = study.judge.model_copy(update={"tokens": _tokens(study.judge.tokens, factor)})
        changed["judge"] = judge
    among = {name: count for name, count in here.items() if name not in named and not _beyond(name, proxy, here)}
    ratios = {name: own[name] / own[written] for name in study.sizes if name not in named}
    names = further_sizes(size, here[size], ratios, among)
    changed["sizes"] = {names.get(old, old): further for old, further in study.sizes.items() if names.get(old, old)}
    vocabulary = ", counted with that size's own vocabulary" if tokenizer.path is not None else ""
    said = (
        f"{size} stands for {written}: {short(float(stands))} tokens for {short(proxy.of)}, "
        f"{proxy.tokens_per_parameter:g} for each of its {short(here[size])} parameters{vocabulary}"
    )
    told = "".join(f"; {name or 'no size'} stands for {old}" for old, name in names.items())
    bound = f" up to {proxy.largest}" if proxy.largest else ""
    gone = tuple(
        f"size {old}: beside {size} no size{bound} is left to stand for it" for old, name in names.items() if not name
    )
    return Scaled(at_least(study.model_copy(update=changed)), f"{said}{told}", gone)


def further_sizes(
    size: str, parameters: int, ratios: Mapping[str, float], among: Mapping[str, int]
) -> dict[str, str | None]:
    """The named size that stands for each further one: on the same side of the first, nearest in the logarithm of the
    ratio to it, none of them twice; None where there is none left.

    Args:
        size, parameters: the first.
        ratios: of each further size to the first, as they are written.
        among: parameters of the sizes that may stand for one.
    """
    found: dict[str, str | None] = {}
    for old, ratio in ratios.items():
        free = [
            name
            for name, count in among.items()
            if name != size and name not in found.values() and (count > parameters) == (ratio > 1)
        ]
        wanted = math.log(ratio * parameters)
        found[old] = min(free, key=lambda name: abs(math.log(among[name]) - wanted), default=None)
    return found


def _beyond(size: str, proxy: Proxy, parameters: Mapping[str, int]) -> bool:
    return proxy.largest is not None and parameters[size] > parameters[proxy.largest]


def _meant(size: str, proxy: Proxy, parameters: Mapping[str, int], place: tuple[str, str]) -> None:
    """Raises BadInput for a size that the block's batches and learning rates are not meant for."""
    if not _beyond(size, proxy, parameters):
        return
    where, field = place
    raise BadInput(
        f"the batches and learning rates of proxy {proxy.proxy or 'block'} are meant for sizes up to {proxy.largest}, "
        f"and {size} has {short(parameters[size])} parameters",
        where=where,
        field=field,
        fix=f"Take a smaller size; or answer for it: --set proxy.largest={size}, with --set training.batch=… and "
        "--set training.pretrain.peak=… of your own. --set proxy=null changes nothing but the size.",
    )


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
