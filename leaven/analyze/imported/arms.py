"""Runs of one metric at one size as arms: a value per seed, and that value under resampled items.

Single items give the full paired treatment of this project's own evaluations. Scores alone hold what their standard
errors hold: items are the same for every seed of an arm, so its error is one draw for all of them and does not shrink
with seeds; whether two arms answered the same items is not known, so their errors are independent and variances add.
That is wider than a paired comparison would be, never narrower.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leaven.analyze.bootstrap import Floats
from leaven.analyze.imported.asked import Asked
from leaven.analyze.imported.conventions import natural
from leaven.analyze.results import Sampled, sample_task
from leaven.analyze.table import Column, Run, Table, clusters_of
from leaven.analyze.text import listing
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput

POINT = "imported"
"""Runs of a table are at one point; this is its key there."""
LABEL = 24
"""Characters of a seed's label that a note repeats."""
Numbers = Map[tuple[str, str], int]
"""(variant, label of a seed) -> seed."""


def numbered(rows: pd.DataFrame, baseline: str) -> tuple[Numbers, list[str]]:
    """Seeds as numbers at one size, so that equal numbers are paired with the baseline's; and how they were paired.

    Labels are kept where a variant shares at least two of the baseline's. Of any other variant what is shared stays
    paired, and its n-th other run is paired with the n-th of the baseline's that is left: independent runs may be
    paired in any way, and their difference has both spreads. No other variant's pairs are touched by that.
    """
    runs = rows[["variant", "seed"]].drop_duplicates()
    labels = {
        str(variant): sorted((str(seed) for seed in group), key=natural)
        for variant, group in runs.groupby("variant", observed=True)["seed"]
    }
    every = sorted({label for own in labels.values() for label in own}, key=natural)
    whole = all(label.lstrip("-").isdigit() and len(label) < 18 for label in every)
    numbers = {label: int(label) if whole else place for place, label in enumerate(every, start=1)}
    if len(set(numbers.values())) < len(numbers):  # 1 and 01
        numbers = {label: place for place, label in enumerate(every, start=1)}
    alone = all(len(own) == 1 for own in labels.values())
    shown = ", ".join(map(_cut, every[:6]))
    told = [] if whole or alone else [f"seeds {shown}{' and others' if len(every) > 6 else ''} are numbered from 1"]
    found = {(variant, label): numbers[label] for variant, own in labels.items() for label in own}
    base = labels.get(baseline, [])
    apart: dict[tuple[str, ...], list[str]] = {}
    for variant in sorted(labels, key=natural):
        own = labels[variant]
        common = [label for label in own if label in base]
        if not base or len(common) >= min(2, len(base), len(own)):
            continue
        apart.setdefault(tuple(common), []).append(variant)
        left = [label for label in base if label not in common], [label for label in own if label not in common]
        found |= {(variant, mine): numbers[theirs] for theirs, mine in zip(*left, strict=False)}
    for shared, variants in apart.items():
        told += _apart(shared, variants, baseline, labels)
    return found, told


def _apart(shared: Sequence[str], variants: Sequence[str], baseline: str, labels: Map[str, Sequence[str]]) -> list[str]:
    """What is said of runs that no label pairs."""
    shown = listing(list(variants[:5])) + (f" and {len(variants) - 5} others" if len(variants) > 5 else "")
    said = f"have one label in common with {baseline} ({_cut(shared[0])}), so their other" if shared else ""
    said = said or f"have no labels in common with {baseline}, so their"
    counts = {len(labels[name]) for name in variants} - {len(labels[baseline])}
    uneven = f"; {baseline} has {len(labels[baseline])}, so not every run has a partner" if counts else ""
    return [
        f"seeds of {shown} {said} runs are paired in the order of their labels: such a pair shares nothing, and no "
        f"noise cancels{uneven}"
    ]


def _cut(label: str) -> str:
    return label if len(label) <= LABEL else f"{label[:LABEL]}…"


def sample(rows: pd.DataFrame, part: str, asked: Asked, seeds: Numbers, draws: int, seed: int) -> dict[str, Sampled]:
    """Arms of one metric. Raises BadInput where some runs have items and others only a score, or items differ."""
    single = (rows["item"] != "").to_numpy()
    if not single.any():
        return _of_scores(rows, part, asked, seeds, draws, seed)
    if not single.all():
        raise BadInput(f"{part}: some rows are single items and others are not", field="columns.item")
    return _of_items(rows, part, asked, seeds, draws, seed)


def _of_scores(
    rows: pd.DataFrame, part: str, asked: Asked, seeds: Numbers, draws: int, seed: int
) -> dict[str, Sampled]:
    arms = {}
    for variant, group in rows.groupby("variant", observed=True, sort=True):
        name = str(variant)
        order = {seeds[name, str(label)]: place for place, label in enumerate(group["seed"])}
        chosen = [order[number] for number in sorted(order)]
        values: Floats = group["value"].to_numpy()[chosen] * asked.factor
        counts: Floats = group["n"].to_numpy()[chosen]
        errors = _errors(values, group["se"].to_numpy()[chosen] * asked.factor, counts, asked)
        size = str(group["size"].iloc[0])
        random = np.random.Generator(np.random.Philox(key=key64("analyze/imported/scores/1", seed, size, name, part)))
        drawn = values + random.standard_normal((draws, 1)) * errors
        items = int(np.nanmax(counts)) if np.isfinite(counts).any() else 0
        arms[name] = Sampled(tuple(sorted(order)), values, drawn, items, items)
    return arms


def _errors(values: Floats, given: Floats, counts: Floats, asked: Asked) -> Floats:
    """Standard errors; of a share without one that of a binomial with n items, √(p(1−p)/(n−1)); else 0."""
    binomial = np.zeros_like(values)
    if asked.measure.columns.bounds == (0.0, 1.0):
        known = np.isfinite(counts) & (counts > 1)
        inside = np.clip(values, 0.0, 1.0)
        binomial[known] = np.sqrt(inside[known] * (1 - inside[known]) / (counts[known] - 1))
    found: Floats = np.where(np.isfinite(given), given, binomial)
    return found


def noiseless(sampled: Sampled) -> bool:
    """Whether nothing at all is known about the noise of an arm: one run or copies of one, and no error of items."""
    return bool((sampled.draws == sampled.per_seed[0]).all())


def _of_items(rows: pd.DataFrame, part: str, asked: Asked, seeds: Numbers, draws: int, seed: int) -> dict[str, Sampled]:
    statistic = asked.measure.columns
    wanted = [statistic.numerator, *([statistic.denominator] if statistic.denominator else [])]
    columns: dict[tuple[str, str], Column] = {}
    arms: dict[str, list[Run]] = {}
    for (variant, label), group in rows.groupby(["variant", "seed"], observed=True, sort=True):
        run: Run = (str(variant), POINT, seeds[str(variant), str(label)])
        arms.setdefault(run[0], []).append(run)
        items = group["item"].astype(str).to_numpy(dtype=str)
        order = np.argsort(items, kind="stable")
        items, groups = items[order], group["group"].astype(str).to_numpy(dtype=str)[order]
        clusters = clusters_of(items, groups)[0]
        values = {wanted[0]: group["value"].to_numpy()[order] * asked.factor}
        if len(wanted) > 1:
            values[wanted[1]] = group["weight"].to_numpy()[order]
        for name, column in values.items():
            if not np.isfinite(column).all():
                raise BadInput(f"{part}: an item of {run[0]} has no weight", field="columns.weight")
            known = columns.get((part, name))
            if known is None:
                columns[part, name] = Column(items, clusters, {run: column})
                continue
            _check(known, items, clusters, run, part)
            known.runs[run] = column
    table = Table(columns, {}, {}, {}, ())
    return sample_task(table, part, statistic, {name: sorted(runs) for name, runs in arms.items()}, draws, seed)


def _check(known: Column, items: NDArray[np.str_], clusters: NDArray[np.int64], run: Run, part: str) -> None:
    other = next(iter(known.runs))
    if not np.array_equal(known.items, items):
        lost, extra = np.setdiff1d(known.items, items), np.setdiff1d(items, known.items)
        item, has, lacks = (lost[0], other, run) if lost.size else (extra[0], run, other)
        raise BadInput(
            f"{part}: item {item} is in {has[0]} seed {has[2]} and not in {lacks[0]} seed {lacks[2]}",
            field="columns.item",
            fix="Verdicts are paired on items. To count only those of every run: items: common in a mapping file.",
        )
    if not np.array_equal(known.clusters, clusters):
        raise BadInput(f"{part}: items of {run[0]} belong to other groups than in {other[0]}", field="columns.group")


def common(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Rows of items that every run has, and how many items others had."""
    runs = rows[["variant", "seed"]].drop_duplicates().shape[0]
    counts = rows.groupby("item", observed=True).size()
    full: Sequence[str] = list(counts.index[counts == runs])
    if not len(full):
        raise BadInput("no item is in every run", field="items")
    return rows[rows["item"].isin(full)], len(counts) - len(full)
