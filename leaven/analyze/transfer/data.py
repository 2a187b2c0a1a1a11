"""What a study of several sizes says about transfer: the content of `verdict.json`'s "transfer".

Per measure: how well each smaller size decides for each larger one, what its pick costs, signs of effects from size to
size, how effects change with size, and scores and effects drawn on to ten times the largest size. "Proven" is said only
where three sizes or more show every clear effect with the same clear sign (METHODS.md §5): two sizes can agree by luck,
and a sign that is not clear has not been seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.crossed import Crossed, difference, scaled
from leaven.analyze.transfer import calibration, prior, sentences
from leaven.analyze.transfer.agreement import accuracy_interval, by_gap, pairs_of, regret, spearman
from leaven.analyze.transfer.interaction import SIZES, interaction
from leaven.analyze.transfer.power_law import extrapolate, refusal
from leaven.analyze.transfer.signs import AGREE, FLIP, MAYBE, NOTHING, At, at, flips, holds, state
from leaven.ground.canonical import key64

AHEAD = 10
"""The extrapolation goes to this many times the largest size's parameters."""


@dataclass(frozen=True)
class SizeEffects:
    """One size: its measures' scores per seed, in the statistic's scale, and effects against its baseline, in the
    measure's unit."""

    size: str
    parameters: int
    baseline: str
    scores: Mapping[str, Mapping[str, Floats]]  # measure → variant → per-seed values [S]
    effects: Mapping[str, Mapping[str, Crossed]]  # measure → variant → effect against the baseline


def transfer_data(
    sizes: Sequence[SizeEffects], better: Mapping[str, str], units: Mapping[str, str], *, draws: int, seed: int
) -> dict[str, Any] | None:
    """Everything about transfer, floats not yet rounded; None with fewer than two sizes or no measure in common.

    Args:
        sizes: in any order; variants that only one of them has take no part.
        better, units: of each measure: "lower" or "higher"; the unit of its effects ("%" is relative).
        draws, seed: of every interval that is drawn.
    """
    ordered = sorted(sizes, key=lambda each: (each.parameters, each.size))
    if len({each.parameters for each in ordered}) < 2:
        return None
    baseline = _baseline(ordered)
    names = [name for name in better if sum(name in each.scores for each in ordered) > 1]
    if not names:
        return None
    key = key64("analyze/transfer/1", seed)
    measures = [_measure(name, ordered, baseline, better[name], units.get(name, ""), draws, key) for name in names]
    states = [row["state"] for measure in measures for row in measure["signs"]]
    clear = [each for each in states if each != NOTHING]
    proven = len({each.parameters for each in ordered}) >= SIZES and bool(clear) and set(clear) == {AGREE}
    return {
        "sizes": [{"size": s.size, "parameters": s.parameters, "baseline": s.baseline} for s in ordered],
        "baseline": baseline,
        "measures": measures,
        "calibration": _calibration(ordered, names),
        "proven": proven,
        "said": sentences.overall([each.size for each in ordered], measures, proven=proven),
    }


def _baseline(ordered: Sequence[SizeEffects]) -> str:
    """The baseline of all effects here: the largest size's where every size has it, else the smallest's, else ""."""
    for candidate in (ordered[-1].baseline, ordered[0].baseline):
        if all(candidate in arms for each in ordered for arms in each.scores.values()):
            return candidate
    return ""


def _measure(
    name: str, ordered: Sequence[SizeEffects], baseline: str, better: str, unit: str, draws: int, key: int
) -> dict[str, Any]:
    present = [each for each in ordered if name in each.scores]
    effects = _effects(name, present, baseline, unit)
    found = {variant: [at(size.size, size.parameters, e) for size, e in each] for variant, each in effects.items()}
    data: dict[str, Any] = {
        "name": name,
        "better": better,
        "unit": unit,
        "pairs": [
            row
            for small, large in combinations(present, 2)
            if (row := _decisions(name, small, large, better, draws, key)) is not None
        ],
        "effects": [_effect_row(variant, each) for variant, ats in found.items() for each in ats],
        "signs": [_sign_row(name, variant, ats, better, unit) for variant, ats in found.items()],
        "flips": [
            _flip_row(name, variant, better, unit, *flip) for variant, ats in found.items() for flip in flips(ats)
        ],
        "interaction": {
            variant: {"slope": slope.slope, "low": slope.low, "high": slope.high, "p": slope.p, "seeds": slope.seeds}
            for variant, ats in found.items()
            if (slope := interaction([each.parameters for each in ats], [each.effect for each in ats])) is not None
        },
        "extrapolation": _extrapolation(name, present, baseline, better, unit, draws, key),
    }
    return {**data, "said": sentences.measure(data)}


def _effects(
    name: str, present: Sequence[SizeEffects], baseline: str, unit: str
) -> dict[str, list[tuple[SizeEffects, Crossed]]]:
    """Variant → its effects against one baseline, for variants that two sizes have.

    A size with another baseline of its own enters by its scores: seeds only, without the items' part.
    """
    effects: dict[str, list[tuple[SizeEffects, Crossed]]] = {}
    for each in present:
        for variant in each.scores[name]:
            if variant == baseline or not baseline:
                continue
            if each.baseline == baseline and name in each.effects:
                found = each.effects[name].get(variant)
            else:
                found = _from_scores(each.scores[name][variant], each.scores[name][baseline], unit)
            if found is not None:
                effects.setdefault(variant, []).append((each, found))
    return {variant: found for variant, found in effects.items() if len({s.parameters for s, _ in found}) > 1}


def _from_scores(variant: Floats, baseline: Floats, unit: str) -> Crossed | None:
    """An effect without items; None where seeds do not pair or a ratio has no meaning."""
    if len(variant) != len(baseline) or (unit == "%" and baseline.mean() <= 0):
        return None
    none = difference(variant, baseline, variant[None, :], baseline[None, :], "relative" if unit == "%" else "points")
    return scaled(none, 100.0) if unit == "points" else none


def _decisions(
    name: str, small: SizeEffects, large: SizeEffects, better: str, draws: int, key: int
) -> dict[str, Any] | None:
    """Decisions of one size for another over the variants both have; None where there is no pair."""
    variants = [variant for variant in small.scores[name] if variant in large.scores[name]]
    if len(variants) < 2 or small.parameters == large.parameters:
        return None
    here, there = (np.array([float(s.scores[name][v].mean()) for v in variants]) for s in (small, large))
    pairs = pairs_of(here, there)
    low, high = accuracy_interval(here, there, draws, key64("accuracy", key, name, small.size, large.size))
    cost, rho = regret(here, there, better), spearman(here, there)
    known = bool(len(pairs.agreed))
    return {
        "from": small.size,
        "to": large.size,
        "variants": len(variants),
        "pairs": len(pairs.agreed),
        "right": float(pairs.agreed.sum()),
        "accuracy": pairs.accuracy if known else None,
        "low": low,
        "high": high,
        "spearman": rho if math.isfinite(rho) else None,
        "by_gap": [
            {"low": b.low, "high": b.high if math.isfinite(b.high) else None, "pairs": b.pairs, "accuracy": b.accuracy}
            for b in by_gap(pairs)
        ],
        "regret": {
            "pick": variants[cost.pick],
            "best": variants[cost.best],
            "value": cost.value,
            "share": cost.share,
        },
    }


def _effect_row(variant: str, each: At) -> dict[str, Any]:
    return {
        "variant": variant,
        "size": each.size,
        "parameters": each.parameters,
        "effect": each.effect.estimate,
        "low": each.low,
        "high": each.high,
        "clear": each.clear,
        "seeds": each.effect.seeds,
    }


def _sign_row(name: str, variant: str, effects: Sequence[At], better: str, unit: str) -> dict[str, Any]:
    """The state of a variant's sign, and the chance that the largest size's sign holds beyond it.

    `holds` is None where the public table has nothing to say: it is about relative differences of losses, and where the
    study's own sizes contradict each other they are the better witness.
    """
    last = effects[-1]
    row: dict[str, Any] = {"variant": variant, "state": state(effects), "clear": sum(each.clear for each in effects)}
    row |= {"sizes": len(effects), "confidence": last.confidence, "holds": None, "prior": None}
    ratio = 1 + last.effect.estimate / 100
    told = unit == "%" and better == "lower" and ratio > 0 and last.effect.seeds > 1
    if told and row["state"] not in (FLIP, MAYBE):
        kind = prior.kind_of(name)
        gap = abs(ratio - 1) / min(ratio, 1.0)
        held = prior.held(gap, kind)
        row["holds"] = holds(last.confidence, held.expected)
        row["prior"] = {"kind": kind, "gap": gap, "share": held.share, "low": held.low, "high": held.high}
        row["prior"] |= {"pairs": held.pairs, "expected": held.expected, "source": prior.SOURCE}
    return row


def _flip_row(
    name: str, variant: str, better: str, unit: str, small: At, large: At, confidence: float
) -> dict[str, Any]:
    row = {
        "variant": variant,
        "from": small.size,
        "to": large.size,
        "clear": small.clear and large.clear,
        "confidence": confidence,
    }
    return {**row, "said": sentences.flip(name, variant, better, unit, small, large, confidence)}


def _extrapolation(
    name: str, present: Sequence[SizeEffects], baseline: str, better: str, unit: str, draws: int, key: int
) -> dict[str, Any]:
    """Scores and effects at AHEAD times the largest size: {parameters, refused, variants: [rows], left_out}.

    `refused`: why nothing is drawn on, where that is the same for every variant; else `left_out` has a reason for each
    variant without a row.
    """
    target = float(AHEAD * present[-1].parameters)
    rows, refused, drawn = [], {}, {}
    variants = dict.fromkeys(variant for each in present for variant in each.scores[name])
    for variant in sorted(variants, key=lambda each: each != baseline):
        here = [each for each in present if variant in each.scores[name]]
        parameters, scores = [each.parameters for each in here], [each.scores[name][variant] for each in here]
        why = refusal(parameters, scores, better)
        if why:
            refused[variant] = why
            continue
        found = extrapolate(parameters, scores, target, draws, key64("power law", key, name))
        drawn[variant] = found
        low, high = np.quantile(found.draws, [0.025, 0.975])
        row = {"variant": variant, "value": found.value, "low": float(low), "high": float(high)}
        law = found.law
        row |= {"floor": law.floor, "scale": law.scale, "exponent": law.exponent, "unit": law.unit}
        row |= {"bounded": law.bounded, "effect": None, "effect_low": None, "effect_high": None}
        if variant != baseline and baseline in drawn and unit == "%":
            against = drawn[baseline]
            change = 100 * (found.draws / against.draws - 1)
            low, high = np.quantile(change, [0.025, 0.975])
            row |= {"effect": 100 * (found.value / against.value - 1), "effect_low": float(low)}
            row |= {"effect_high": float(high)}
        rows.append(row)
    alike = next(iter(refused.values())) if not rows and len(set(refused.values())) == 1 else ""
    left_out = [] if alike else [{"variant": variant, "why": why} for variant, why in refused.items()]
    return {"parameters": target, "refused": alike, "variants": rows, "left_out": left_out}


def _calibration(ordered: Sequence[SizeEffects], names: Sequence[str]) -> list[dict[str, Any]]:
    """For each two sizes, all measures together: how sure the smaller one was, and how often it was right."""
    rows = []
    for small, large in combinations(ordered, 2):
        parts = []
        for name in names:
            here, there = small.scores.get(name, {}), large.scores.get(name, {})
            both = [variant for variant in here if variant in there]
            means = np.array([float(there[v].mean()) for v in both])
            parts.append(calibration.decisions([here[v] for v in both], means))
        found = calibration.together(parts)
        if len(found.right):
            rows.append({"from": small.size, "to": large.size, **calibration.table(found)})
    return rows
