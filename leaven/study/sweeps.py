"""A sweep: variants that differ in the share of one mixture or source, of which a best share is sought.

At least three of the shares differ, or there is nothing to seek between. Shares are exact and are those of the chain up
to the point that verdicts are about, as declared: whole samples are apportioned when they are drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from leaven.ground.errors import BadInput
from leaven.study.amounts import short
from leaven.study.document import Where
from leaven.study.mixtures import exact
from leaven.study.spec import Study
from leaven.study.stages import Stage

LEAST = 3
"""Shares that differ: a curve through two of them has no best between them."""
ALIKE = Fraction(1, 100)
"""Part of the larger budget by which two may differ and still be called equal: scaled budgets are rounded."""
DIGITS = 4
"""Of a share: what rounding of scaled budgets does to it is no other share."""


def swept_sources(study: Study) -> list[str]:
    """The sources that the variants of a sweep draw from."""
    mixtures = {stage.mixture for variant in study.sweeps for stage in study.variants[variant]}
    return sorted({name for mixture in mixtures for name in exact(mixture, study.mixtures, study.corpus.sources)})


def swept(study: Study, absent: Collection[str]) -> dict[str, Any] | None:
    """The sweep with the share that each of its variants has of what it is about, and the tokens of one; for the
    verdict. The study is settled."""
    if study.sweep is None:
        return None
    batch = study.batch * study.sequence
    of, chains = study.sweep.of, {variant: _compared(study, variant) for variant in study.sweeps}
    budgets = [sum(_whole(stage.tokens, batch) for stage in chain) for chain in chains.values()]
    return {
        "of": of,
        "variants": study.sweeps,
        "shares": {variant: float(_share(study, of, chain, absent, batch)) for variant, chain in chains.items()},
        "budget": budgets[0],
    }


def check_sweep(study: Study, where: Where) -> None:
    """Raises BadInput with file, line and field where too few shares differ. Names and mixtures are known to exist."""
    if study.sweep is None or len(found := _shares(study)) >= LEAST:
        return
    told = ", ".join(f"{float(100 * share):g} %" for share in found)
    raise BadInput(
        f"a best share of {study.sweep.of} is sought among {LEAST} or more, and its variants have {told}",
        where=where(("sweep",)),
        field="sweep.variants",
        fix="Add variants with other shares of it, or leave `sweep` out.",
    )


def without_sweep(study: Study, absent: Collection[str]) -> tuple[Study, list[str]]:
    """The study without a sweep of which too few shares differ on this computer, and a sentence about it.

    Args:
        study: settled, without twins.
        absent: sources of which nothing was found.
    """
    if study.sweep is None or len(_shares(study, absent)) >= LEAST:
        return study, []
    said = f"sweep of {study.sweep.of}: with what is on this computer fewer than {LEAST} of its shares differ"
    return study.model_copy(update={"sweep": None}), [said]


def uneven(study: Study) -> list[str]:
    """A sentence where the variants of the sweep are not trained on equally many tokens."""
    if study.sweep is None:
        return []
    budgets = [sum(stage.tokens for stage in _compared(study, variant)) for variant in study.sweeps]
    least, most = min(budgets), max(budgets)
    if most - least <= ALIKE * most:
        return []
    return [
        f"the variants of the sweep of {study.sweep.of} are trained on {short(least)} to {short(most)} tokens: what a "
        "share does cannot be told from what a budget does"
    ]


def _shares(study: Study, absent: Collection[str] = ()) -> list[Fraction]:
    """The shares that differ, ascending, by the budgets as they are written."""
    if study.sweep is None:
        return []
    of = study.sweep.of
    return sorted({round(_share(study, of, _compared(study, name), absent, 1), DIGITS) for name in study.sweeps})


def _share(study: Study, of: str, chain: Sequence[Stage], absent: Collection[str], batch: int) -> Fraction:
    """The exact share of a chain's tokens, in whole batches of so many, that comes from a mixture or source."""
    wanted = set(exact(of, study.mixtures, study.corpus.sources)) - set(absent)
    drawn = Fraction(0)
    for stage in chain:
        flat = exact(stage.mixture, study.mixtures, study.corpus.sources)
        total = sum((share for source, share in flat.items() if source not in absent), Fraction(0))
        part = sum((share for source, share in flat.items() if source in wanted), Fraction(0))
        drawn += _whole(stage.tokens, batch) * part / total if total else Fraction(0)
    return drawn / sum(_whole(stage.tokens, batch) for stage in chain)


def _compared(study: Study, variant: str) -> Sequence[Stage]:
    """The stages up to the point that verdicts are about."""
    chain = study.variants[variant]
    cooled = chain[-1].kind == "cooldown"
    return chain[:-1] if cooled and study.compare == "before cooldown" else chain


def _whole(tokens: int, batch: int) -> int:
    return tokens // batch * batch
