"""What is compared: metrics of a table as measures, with their direction, their unit and the metrics they average.

A direction that neither the mapping, nor the file, nor the metric's own name tells is asked for: a verdict with the
wrong sign is worse than none.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.imported import conventions
from leaven.analyze.imported.mapping import Mapping, Metric
from leaven.analyze.imported.readings import Readings
from leaven.analyze.measures import Measure
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput, did_you_mean

MIXED = (50.0, 200.0)
"""How many times larger than small values large ones are where they may be the same in per cent."""


@dataclass(frozen=True)
class Asked:
    """A measure, the metrics that it is the mean of, what their values are multiplied with (percent become shares), and
    the score of guessing, None where nobody told it."""

    measure: Measure
    parts: tuple[str, ...]
    factor: float = 1.0
    chance: float | None = None


def asked_of(readings: Readings, mapping: Mapping, *, pairs: bool = True) -> tuple[list[Asked], list[str]]:
    """Measures in the order of the mapping, else by name; and what was taken as what, `pairs` of variants included.

    Raises BadInput where a metric is not there, or no direction can be known.
    """
    known = readings.names("metric")
    wanted = mapping.metrics or dict.fromkeys(known)
    told: list[str] = []
    found, unknown = [], []
    for name, given in wanted.items():
        metric = given or Metric()
        parts = parts_of(name, metric, known)
        better = metric.better or _direction(name, parts, readings)
        if not better:
            unknown.append(name)
            continue
        found.append((name, metric, parts, better))
    if unknown and (mapping.metrics or not found):
        raise BadInput(
            f"whether more or less of {listing(unknown[:5])} is better is not known",
            field=f"metrics.{unknown[0]}.better",
            fix="Say it in a mapping file: better: lower, or better: higher.",
        )
    if unknown:
        told.append(f"{listing(unknown[:6])} not compared: which way is better is not known")
    declared = any(metric.primary is not None for _, metric, _, _ in found)
    asked = [_asked(readings, *each, primary=bool(each[1].primary) or not declared) for each in found]
    told += [
        f"{way} is better in {_some(names)}"
        for way in ("lower", "higher")
        if (names := [name for name, metric, _, better in found if better == way and metric.better is None])
    ]
    if pairs:
        told += _guesses(found, asked, declared=declared)
    return asked, told


def parts_of(name: str, metric: Metric, known: Sequence[str]) -> tuple[str, ...]:
    """Metrics that a name or its patterns mean: itself, else every task's metric of that name."""
    found: dict[str, None] = {}
    for pattern in metric.of or (name,):
        names = [pattern] if pattern in known else []
        for form in (pattern, f"*:{pattern}", f"{pattern}:*"):
            names = names or fnmatch.filter(known, form)
        if not names:
            raise BadInput(
                f'there is no metric "{pattern}"{did_you_mean(pattern, known[:30])}', field=f"metrics.{name}"
            )
        found.update(dict.fromkeys(names))
    return tuple(found)


def _direction(name: str, parts: Sequence[str], readings: Readings) -> str:
    said = {readings.better.get(part) or conventions.direction(part) for part in parts}
    return said.pop() if len(said) == 1 else "" if len(said) > 1 else conventions.direction(name)


def _asked(
    readings: Readings, name: str, metric: Metric, parts: tuple[str, ...], better: str, *, primary: bool
) -> Asked:
    rows = readings.rows[readings.rows["metric"].isin(parts)]
    values: Floats = rows["value"].to_numpy()
    scale = metric.scale or _scale(name, parts, values)
    if metric.scale is None and scale == "percent" and (rows["item"] == "").all():
        _one_scale(name, values)
    weighted = bool(rows["weight"].notna().any())
    if scale == "share" and (values.min() < 0 or values.max() > 1):
        raise BadInput(
            f"{name} has values from {values.min():g} to {values.max():g}, so it is no share",
            field=f"metrics.{name}.scale",
        )
    positive = bool(values.min() > 0) or (weighted and bool(values.min() >= 0))
    effect = metric.effect
    if effect is None:
        effect = "points" if scale in ("share", "percent") else "relative" if positive else "difference"
    statistic = {"share": "accuracy", "percent": "accuracy", "bits per byte": "gold_bpb"}.get(scale, "value")
    if weighted:
        statistic = "bits_per_byte"
    return Asked(
        Measure(name, parts, statistic, better, effect, metric.margin, primary),
        parts,
        0.01 if scale == "percent" else 1.0,
        None if metric.chance is None else metric.chance * (0.01 if scale == "percent" else 1.0),
    )


def _scale(name: str, parts: Sequence[str], values: Floats) -> str:
    if all(conventions.in_bits(part) for part in parts) or conventions.in_bits(name):
        return "bits per byte"
    if all(conventions.is_share(part) for part in parts) or conventions.is_share(name):
        if values.min() >= 0 and values.max() <= 1:
            return "share"
        if values.min() >= 0 and values.max() <= 100:
            return "percent"
    return "other"


def _one_scale(name: str, values: Floats) -> None:
    """Raises BadInput where some values look like shares and others like the same shares in per cent."""
    small, large = values[(values > 0) & (values <= 1)], values[values > 1]
    if not small.size or not large.size:
        return
    if MIXED[0] < float(np.median(large)) / float(np.median(small)) < MIXED[1]:
        raise BadInput(
            f"{name} has values such as {small[0]:g} and such as {large[0]:g}: shares and per cent may be mixed",
            field=f"metrics.{name}.scale",
            fix="Write all of them alike, or, if they are, say so in a mapping file: scale: percent.",
        )


def _guesses(
    found: Sequence[tuple[str, Metric, tuple[str, ...], str]], asked: Sequence[Asked], *, declared: bool
) -> list[str]:
    told = []
    for effect, said in (
        ("relative", "relative, in % of the baseline's"),
        ("points", "in percentage points"),
        ("difference", "differences in their own unit"),
    ):
        both = zip(found, asked, strict=True)
        names = [name for (name, metric, _, _), one in both if metric.effect is None and one.measure.effect == effect]
        if names:
            told.append(f"effects on {_some(names)} are {said}")
    if not declared and len(found) > 1:
        told.append("no metric is named as primary, so all are, and are corrected together")
    if all(metric.margin == 0 for _, metric, _, _ in found):
        told.append("no smallest effect of interest is given (margin), so nothing can be called equivalent")
    return told


def _some(names: Sequence[str], most: int = 6) -> str:
    return listing(list(names)) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"
