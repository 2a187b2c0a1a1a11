"""Other thresholds over the scores that are kept beside the documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from leaven.corpus import rules
from leaven.corpus.select import Facts, Selection, refusals
from leaven.ground.errors import BadInput, did_you_mean


class _Known(Facts):
    """Facts whose words are worked out once, however many thresholds are tried."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts.file, facts.row, facts.columns, facts.scores)
        words = {name: facts.strings(name) for name in ("language", "licence")}
        object.__setattr__(self, "_words", words | {"": facts.extensions()})

    def strings(self, name: str) -> np.ndarray:
        words: dict[str, np.ndarray] = self.__dict__["_words"]
        return words[name]

    def extensions(self) -> np.ndarray:
        return self.strings("")


def sweep(facts: Facts, chosen: Selection, key: str, values: Sequence[float]) -> list[dict[str, Any]]:
    """What a source would keep if a threshold had other values, everything else as it is: from scores alone.

    Returns:
        The value in force first, then those asked for: `value`, `documents`, `bytes` (before the cap), `beyond_cap`:
        whether the cap would leave some of them out. Where a table of rows decides, the value in force is words.

    Raises:
        BadInput: no ruleset of the source has a threshold of this name, or a value is no number.
    """
    size = facts.columns["bytes"].to_numpy()
    rows: list[dict[str, Any]] = []
    in_force = rules.thresholds(chosen.rules, chosen.thresholds)
    if key not in in_force:
        raise BadInput(
            f'unknown threshold "{key}"{did_you_mean(key, in_force)}', fix=f"Thresholds: {', '.join(in_force)}."
        )
    known = _Known(facts)
    for value in (None, *values):
        changed = chosen if value is None else replace(chosen, thresholds={**chosen.thresholds, key: value})
        kept = refusals(known, changed) == ""
        total = int(size[kept].sum())
        rows.append(
            {
                "value": in_force[key] if value is None else value,
                "documents": int(np.count_nonzero(kept)),
                "bytes": total,
                "beyond_cap": total > chosen.max_bytes,
            }
        )
    return rows
