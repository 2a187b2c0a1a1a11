"""No source is repeated more often than the study allows: an error before training, never a surprise after
it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from leaven.ground.errors import BadInput


def check_repetition(
    stage: str,
    quotas: Mapping[str, int],
    cursor: Mapping[str, int],
    rows: Mapping[str, int],
    repeat: float,
    sequence: int,
    *,
    where: str = "",
    field: str = "",
) -> None:
    """Raise BadInput where a source is drawn more than `repeat` times over its rows.

    Args:
        stage: what the stage is called, e.g. `pretrain 400B text`.
        quotas: samples that the stage draws of each source (`StageStream.quotas`).
        cursor: rows of each source already drawn by the ancestors whose cursor the stage continues; absent is
            zero.
        rows: rows that each source has (`Shard.rows(sequence)`).
        repeat: how many passes over a source the whole chain may make; fractions are allowed.
        sequence: tokens a row.
        where, field: the place in the study file, for the message.
    """
    used = [name for name in sorted(quotas) if quotas[name] > 0]
    for name in used:
        before, has = cursor.get(name, 0), rows.get(name, 0)
        allowed = int(Fraction(repr(float(repeat))) * has)
        if before + quotas[name] <= allowed:
            continue
        needs = f"{tokens_in_words(quotas[name] * sequence)} tokens" + (f" of {name}" if len(used) > 1 else "")
        after = f" after the {tokens_in_words(before * sequence)} of earlier stages" if before else ""
        raise BadInput(
            f"stage {stage} needs {needs}{after}; source {name} has {tokens_in_words(has * sequence)} "
            f"and repeat: {repeat:g} allows {tokens_in_words(allowed * sequence)}.",
            where=where,
            field=field,
            fix="Lower the budget, raise repeat, or add sources. Nothing was run.",
        )


def tokens_in_words(count: int) -> str:
    """`31.2B`, `600.0K`, `512`."""
    for scale, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= scale:
            return f"{count / scale:.1f}{letter}"
    return str(count)
