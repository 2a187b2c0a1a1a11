"""From readings to evidence, and from evidence to the same `verdict.json` that studies have.

Order of thought: measures; seeds of each size; each metric's arms; tasks at chance; what has no noise is told apart;
then `evidence.conclude`, and beyond it transfer and optimum, which need no noise of single runs.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from leaven.analyze import wider
from leaven.analyze.chance import at_chance
from leaven.analyze.evidence import Context, Evidence, conclude
from leaven.analyze.imported import arms as runs
from leaven.analyze.imported import conventions
from leaven.analyze.imported.asked import Asked, asked_of
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.method import method
from leaven.analyze.imported.points import at_the_end
from leaven.analyze.imported.readings import Readings
from leaven.analyze.imported.rounding import unit_of
from leaven.analyze.imported.sweep import sweep_of
from leaven.analyze.imported.unsaid import ALONE, Found, at, lacking, take_hidden, unjudged, without_items
from leaven.analyze.request import FINAL, Request, SizeRequest
from leaven.analyze.results import Sampled, average
from leaven.analyze.scores import score_rows
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput, did_you_mean

BILLION = 1_000_000_000
"""Parameters below which a study is at proxy scale (DESIGN, evidence semantics)."""
MOST_ARMS = 40
"""Arms without an interval that a page still shows one by one."""


@dataclass(frozen=True)
class Verdict:
    """`data` as in verdict.json, not yet rounded; rows of single `tasks`' scores; sentences on what was guessed."""

    data: dict[str, Any]
    tasks: list[dict[str, Any]]
    told: tuple[str, ...]


def bring(readings: Readings, mapping: Mapping) -> Verdict:
    """The verdict on what a table holds.

    Raises BadInput for what cannot be known: a direction, a baseline, items that do not pair.
    """
    readings = at_the_end(readings, mapping)
    baseline, said = _baseline(readings, mapping)
    asked, told = asked_of(readings, mapping, pairs=bool(baseline) and len(readings.names("variant")) > 1)
    sizes = sorted(readings.names("size"), key=lambda size: (-_parameters(size, mapping), conventions.natural(size)))
    found = Found(notes=list(readings.notes), told=[*readings.told, *told, *said])
    # A swarm's runs are compared by their curve, so the size with most of them tells most.
    most = max(sizes, key=lambda size: readings.rows["variant"][readings.rows["size"] == size].nunique())
    swept = sizes[0] if baseline else most
    sweep, said = sweep_of(readings, mapping, swept)
    found.told += said
    draws = mapping.draws if sweep or readings.rows["se"].notna().any() or _has_items(readings, asked) else 1
    requests = []
    for size in sizes:
        rows = readings.rows[readings.rows["size"] == size]
        seeds, said = runs.numbered(rows, baseline)
        found.notes += [f"{at(size)}{note}" for note in said]
        requests.append(_request(size, rows, baseline, seeds, mapping))
        if baseline and baseline not in requests[-1].variants:
            found.notes.append(f"{at(size)}{baseline} has no run, so nothing is compared with it")
        for one in asked:
            _measure(one, rows, size, baseline, seeds, mapping, draws, found)
    found.notes += unjudged(found, baseline) + without_items(found.judged)
    request = Request(
        mapping.study,
        mapping.question or _question(requests[0], asked),
        requests[0].baseline,
        requests[0].variants,
        requests[0].seeds,
        tuple(one.measure for one in asked),
        mapping.alpha,
        mapping.draws,
        mapping.seed,
        all(0 < (each.parameters or 0) < BILLION for each in requests),
        tuple(requests),
        FINAL,
        sweep,
    )
    context = Context(
        excluded=found.excluded,
        notes=list(dict.fromkeys(found.notes)),
        gates_run=dict.fromkeys(found.guessed, ("at chance",)),
        # Runs of a sweep are points of a curve, whose noise is that of the curve.
        noiseless=found.every if baseline and (sweep is None or found.judged) else (),
        scores=found.tasks,
    )
    # What needs no noise of single runs is asked of all evidence, what does of that alone.
    data = conclude(replace(request, sweep=None), found.judged, context)
    first = tuple(each for each in requests if each.size == swept)
    data["optimum"] = wider.optimum(replace(request, sizes=first), found.every)
    data["transfer"] = wider.transfer(request, found.every)
    data["scores"] = data["scores"] + found.bare
    data["noise"] = data["noise"] + found.noise
    for kind in ("comparisons", "scores", "noise"):
        data[kind] = [_uncounted(row) for row in data[kind]]
    data["method"] = method(request, found.judged, draws_of_items=_has_items(readings, asked))
    return Verdict(data, [_uncounted(row) for row in found.tasks], tuple(dict.fromkeys(found.told)))


def _has_items(readings: Readings, asked: Sequence[Asked]) -> bool:
    rows = readings.rows
    shares = {part for one in asked for part in one.parts if one.measure.columns.bounds == (0.0, 1.0)}
    counted = rows["n"].notna() & rows["metric"].isin(shares)
    return bool((rows["item"] != "").any() or counted.any())


def _parameters(size: str, mapping: Mapping) -> int:
    return (mapping.sizes or {}).get(size) or conventions.parameters(size)


def _baseline(readings: Readings, mapping: Mapping) -> tuple[str, list[str]]:
    """The baseline, "" where nothing can be compared anyway; raises BadInput where it must be told."""
    known = readings.names("variant")
    if mapping.baseline is not None:
        if mapping.baseline not in known:
            raise BadInput(
                f'there is no variant "{mapping.baseline}"{did_you_mean(mapping.baseline, known[:40])}',
                field="baseline",
                fix=readings.notes[0][:1].upper() + readings.notes[0][1:] if readings.notes else "",
            )
        return mapping.baseline, []
    if len(known) == 1:
        return known[0], [f"there is one variant, {known[0]}: nothing to compare; its scores and its noise are told"]
    likely = [name for name in known if conventions.BASELINE.match(name)]
    if len(likely) == 1:
        return likely[0], [f"{likely[0]} is the baseline, by its name"]
    rows = readings.rows
    single = rows[["variant", "size", "seed"]].drop_duplicates().groupby(["variant", "size"], observed=True).size()
    if (single == 1).all() and not (rows["se"].notna() | rows["n"].notna() | (rows["item"] != "")).any():
        return "", ["every variant was trained once and no error of a score is given: single pairs get no verdict"]
    shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    raise BadInput(
        f"which variant is the baseline is not known (variants: {shown})",
        field="baseline",
        fix="Say it: --baseline NAME, or baseline: NAME in a mapping file.",
    )


def _request(size: str, rows: pd.DataFrame, baseline: str, seeds: runs.Numbers, mapping: Mapping) -> SizeRequest:
    here = {str(name) for name in rows["variant"].unique()}
    order = mapping.variants or sorted(here, key=conventions.natural)
    variants = [name for name in order if name in here]
    variants = [name for name in variants if name == baseline] + [name for name in variants if name != baseline]
    against = {name: (baseline,) for name in variants if name != baseline and baseline in here}
    numbers = sorted({number for (name, _), number in seeds.items() if name in here})
    parameters = _parameters(size, mapping) or None
    return SizeRequest(size, parameters, baseline, tuple(variants), tuple(numbers), against)


def _measure(
    one: Asked,
    rows: pd.DataFrame,
    size: str,
    baseline: str,
    seeds: runs.Numbers,
    mapping: Mapping,
    draws: int,
    found: Found,
) -> None:
    """Sample one measure at one size and add what follows from it to `found`."""
    measure, parts = one.measure, {}
    units: dict[str, float] = {}
    for part in one.parts:
        mine = rows[rows["metric"] == part]
        if not len(mine):
            found.notes.append(f"{at(size)}{part} was not evaluated")
            continue
        found.notes += lacking(part, rows, mine, size)
        if mapping.items == "common" and (mine["item"] != "").all():
            mine, lost = runs.common(mine)
            if lost:
                found.notes.append(f"{at(size)}{part}: {lost:,} items that not every run has are left out")
        parts[part] = runs.sample(mine, part, one, seeds, draws, mapping.seed)
        if (mine["item"] == "").all():
            units[part] = unit_of(mine["value"].to_numpy())
    sampled = _together(parts, size, measure.name, found)
    if not sampled:
        return
    kept = []
    if one.chance is not None:
        found.guessed.add(size)
    for part, arms in sampled.items():
        excluded = at_chance(part, measure.name, arms, one.chance) if one.chance is not None else None
        if excluded:
            found.excluded.append({**excluded.row(), "size": size})
        else:
            kept.append(part)
        if len(one.parts) > 1 or part != measure.name:
            rated = {name: arm for name, arm in arms.items() if not runs.noiseless(arm)}
            found.tasks += score_rows(measure, part, excluded is None, rated, size, FINAL)
    if not kept:
        found.notes.append(f"{at(size)}nothing is said on {measure.name}: no task counts")
        return
    every = average([sampled[part] for part in kept])
    found.every.append(Evidence(size, FINAL, measure, every, tuple(kept)))
    judged = {name: arm for name, arm in every.items() if not runs.noiseless(arm)}
    silent = [name for name in every if name not in judged]
    if silent:
        # No interval can be given, so none is: a point without one is not a measurement of its own certainty.
        bare = [_bare(measure.name, name, every[name], size) for name in silent]
        # A swarm's runs are points of a curve; only the tables list them one by one.
        (found.bare if len(every) <= MOST_ARMS else found.tasks).extend(bare)
        if judged:
            found.notes.append(
                f"{at(size)}{measure.name}: {listing(silent[:5])}{' and others' if len(silent) > 5 else ''} "
                f"{ALONE}, so nothing can be {'compared with it' if baseline in silent else 'said of its difference'}"
            )
    if baseline in judged and set(kept) <= set(units):
        take_hidden(one, judged, [units[part] for part in kept], size, baseline, found)
    if judged:
        found.judged.append(Evidence(size, FINAL, measure, judged, tuple(kept)))


def _together(
    parts: Map[str, dict[str, Sampled]], size: str, measure: str, found: Found
) -> dict[str, dict[str, Sampled]]:
    """Arms and seeds that have every metric of a measure, told where others have not."""
    if not parts:
        return {}
    shared = [name for name in next(iter(parts.values())) if all(name in arms for arms in parts.values())]
    lost = sorted({name for arms in parts.values() for name in arms} - set(shared), key=conventions.natural)
    if lost:
        found.notes.append(f"{at(size)}{measure}: {listing(lost[:5])} lacks a part of it and is left out")
    result: dict[str, dict[str, Sampled]] = {part: {} for part in parts}
    for name in shared:
        sets = [set(arms[name].seeds) for arms in parts.values()]
        seeds = sorted(set.intersection(*sets))
        if len(seeds) < len(set.union(*sets)):
            found.notes.append(f"{at(size)}{measure}: seeds of {name} that lack a part of it are left out")
        if seeds:
            for part, arms in parts.items():
                result[part][name] = arms[name].of(seeds)
    return {part: arms for part, arms in result.items() if arms}


def _bare(measure: str, variant: str, sampled: Sampled, size: str) -> dict[str, Any]:
    return {
        "size": size,
        "variant": variant,
        "point": FINAL,
        "measure": measure,
        "task": "",
        "counted": True,
        "mean": float(sampled.per_seed.mean()),
        "low": None,
        "high": None,
        "seeds": [float(value) for value in sampled.per_seed],
        "items": sampled.items,
    }


def _uncounted(row: Map[str, Any]) -> dict[str, Any]:
    """A row whose items nobody counted says so, instead of 0."""
    return {key: None if key in ("items", "clusters") and value == 0 else value for key, value in row.items()}


def _question(size: SizeRequest, asked: Sequence[Asked]) -> str:
    names = listing([one.measure.name for one in asked[:3]]) + (" and others" if len(asked) > 3 else "")
    if not size.baseline:
        return f"What does the mixture of the data do to {names}?"
    return f"Which variants differ from {size.baseline} on {names}?"
