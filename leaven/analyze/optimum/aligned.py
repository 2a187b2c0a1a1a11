"""The runs of a sweep, seed by seed: which runs stand for each share, and whether they are paired.

Shares are compared within a seed, so all of them are cut to the seeds that every one has, by the seeds' own numbers and
never by position. Where fewer than two seeds are common all runs are kept and nothing is paired: each share then
deviates on its own. Several variants at one share are one: their mean in each seed, or, unpaired, all their runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats

PAIRED = 2
"""Fewest common seeds that tell noise."""


@dataclass(frozen=True)
class Aligned:
    """`values` per share [S] and `items` per share [draws × S] or None; `paired`: S is the same seeds at every share;
    `note` says what was done to runs that do not pair, "" where all do."""

    values: tuple[Floats, ...]
    items: tuple[Floats, ...] | None
    paired: bool
    note: str


def aligned(
    groups: Sequence[Sequence[str]],
    per_seed: Mapping[str, Floats],
    draws: Mapping[str, Floats] | None,
    seeds: Mapping[str, Sequence[int]] | None,
) -> Aligned:
    """Runs by share.

    Args:
        groups: for each share its variants, each with at least one value.
        per_seed: variant -> values [S]; draws: variant -> values under resampled items [draws × S], or None.
        seeds: variant -> numbers of its seeds [S]; None pairs by position where all variants have as many.
    """
    names = [name for group in groups for name in group]
    items = draws if draws is not None and all(name in draws for name in names) else None
    places, paired, note = _places(names, per_seed, seeds)
    own = {name: np.asarray(per_seed[name], np.float64)[places[name]] for name in names}
    under = None if items is None else {name: np.asarray(items[name], np.float64)[:, places[name]] for name in names}
    together = paired and len(next(iter(own.values()))) >= PAIRED
    return Aligned(
        tuple(_one([own[name] for name in group], mean=together) for group in groups),
        None if under is None else tuple(_one([under[name] for name in group], mean=together) for group in groups),
        paired,
        note,
    )


def _places(
    names: Sequence[str], per_seed: Mapping[str, Floats], seeds: Mapping[str, Sequence[int]] | None
) -> tuple[dict[str, list[int]], bool, str]:
    every = {name: list(range(len(per_seed[name]))) for name in names}
    counts = {len(places) for places in every.values()}
    if seeds is None:
        same = len(counts) == 1
        return every, same, "" if same else "numbers of seeds differ, so nothing is paired"
    known = {name: list(seeds[name]) for name in names}
    common = sorted(set.intersection(*(set(own) for own in known.values())))
    lost = sum(len(own) - len(common) for own in known.values())
    if lost and len(common) < PAIRED:
        return every, False, "fewer than two seeds ran at every share, so nothing is paired"
    runs = f"{lost} run{'s' if lost > 1 else ''}"
    note = f"{runs} of seeds that not every share has {'are' if lost > 1 else 'is'} left out" if lost else ""
    return {name: [own.index(seed) for seed in common] for name, own in known.items()}, True, note


def _one(parts: Sequence[Floats], *, mean: bool) -> Floats:
    """Several variants as one, seeds along the last axis."""
    return np.asarray(np.mean(parts, axis=0) if mean else np.concatenate(parts, axis=-1), np.float64)
