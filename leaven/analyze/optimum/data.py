"""The optimum of a share sweep as data: for each measure its best share with an interval and a state, then what all
measures say together (Pareto front), how far a source reaches (repetition), and the run that should follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.crossed import Crossed, cross
from leaven.analyze.optimum.aligned import aligned
from leaven.analyze.optimum.confirm import confirmation
from leaven.analyze.optimum.found import Found, found_of
from leaven.analyze.optimum.ordered import told
from leaven.analyze.optimum.pareto import by_draws, by_seeds, front
from leaven.analyze.optimum.repetition import CAP, repetition
from leaven.analyze.optimum.state import EDGE, IDENTIFIED, percent
from leaven.analyze.optimum.swarm import ENOUGH, SWARM, bins
from leaven.ground.errors import BadInput

NOTE = (
    "The lowest point of a fitted curve is better in the fit than in the world (winner's curse): values at the best "
    "share are told with that optimism taken off, and an optimum counts once runs with fresh seeds confirm it."
)


@dataclass(frozen=True)
class SweepMeasure:
    """One measure over a sweep.

    Attributes: `better` "lower" or "higher"; `unit` of the values as given; `per_seed`: variant -> values [S];
    `draws`: variant -> values [draws × S] under resampled items, the same draws in every variant, or None; `seeds`:
    variant -> the numbers of its seeds [S], by which variants are paired; None pairs them by position.
    """

    name: str
    better: str
    unit: str
    per_seed: Mapping[str, Floats]
    draws: Mapping[str, Floats] | None = None
    seeds: Mapping[str, Sequence[int]] | None = None


def optimum_data(
    shares: Mapping[str, float],
    measures: Sequence[SweepMeasure],
    *,
    of: str,
    draws: int,
    seed: int,
    repeats: Mapping[str, Mapping[str, float]] | None = None,
    cap: float = CAP,
    level: float = 0.95,
    baselines: Mapping[str, float] | None = None,
) -> dict[str, Any] | None:
    """Best shares of `of` with their uncertainty; None with fewer than three distinct shares.

    Args:
        shares: variant -> share in [0, 1] of all its tokens. Measures may lack variants.
        measures: in the order of importance: the first whose best share is identified leads the confirmation run.
        repeats: variant -> source -> epochs read, for the repetition cap.
        baselines: shares of plain mixtures, by what they are called: natural (by what there is), stratified (equal
            parts), or the study's own. Those that are not known are not promised.

    Raises: BadInput for a share outside [0, 1].
    """
    for variant, share in shares.items():
        if not 0 <= share <= 1:
            raise BadInput(f'the share of "{variant}" is {share:g}, not between 0 and 1', field="shares")
    found = [(measure, _found(shares, measure, draws, seed, level)) for measure in measures]
    known = [(measure, hit) for measure, hit in found if hit is not None]
    if not known:
        return None
    rows = [hit.row(measure.name, measure.better, measure.unit, of) for measure, hit in known]
    limits = repetition(of, shares, repeats, cap)
    for row in rows:
        if not limits or row["state"] != IDENTIFIED:
            continue
        if not limits["possible"]:
            row["said"] += f" No share keeps every source within {cap:g} times."
        elif not limits["least"] <= row["best"] <= limits["most"]:
            bound = limits["most"] if row["best"] > limits["most"] else limits["least"]
            row["said"] += f" That repeats a source more than {cap:g} times; the cap is met at {percent(bound)}."
    return {
        "of": of,
        "level": level,
        "shares": {name: float(shares[name]) for name in sorted(shares, key=lambda name: (shares[name], name))},
        "measures": rows,
        "pareto": _pareto(of, shares, known),
        "repetition": limits,
        "confirm": _confirm(of, shares, known, rows, limits, baselines or {}),
        "note": NOTE,
        "said": _said(rows),
    }


def _said(rows: Sequence[Mapping[str, Any]]) -> str:
    """The sentence of the measure that leads: the first that is identified, then at an edge, then the first."""
    for wanted in (IDENTIFIED, EDGE):
        for row in rows:
            if row["state"] == wanted:
                return str(row["said"])
    return str(rows[0]["said"])


def _found(shares: Mapping[str, float], measure: SweepMeasure, draws: int, seed: int, level: float) -> Found | None:
    """The measure's values by share, turned so that lower is better; runs of the same share are taken together."""
    if measure.better not in ("lower", "higher"):
        raise BadInput(f'"{measure.better}" is not one of lower, higher', field=f"{measure.name}.better")
    sign = 1.0 if measure.better == "lower" else -1.0
    groups: dict[float, list[str]] = {}
    for variant in sorted(measure.per_seed.keys() & shares.keys(), key=lambda name: (shares[name], name)):
        if len(measure.per_seed[variant]):
            groups.setdefault(float(shares[variant]), []).append(variant)
    if len(groups) < 3:
        return None
    runs = [name for names in groups.values() for name in names]
    for name in runs:
        if not np.isfinite(measure.per_seed[name]).all():
            raise BadInput(f'{measure.name}: a value of "{name}" is not a finite number', field="measures")
    if len(groups) >= SWARM:
        each = np.array([sign * float(np.mean(measure.per_seed[name])) for name in runs])
        binned = bins(np.array([float(shares[name]) for name in runs]), each)
        if len(binned) >= ENOUGH:
            names = [f"{len(part)} runs" for _, part in binned]
            at = np.array([share for share, _ in binned])
            return found_of(at, names, [part for _, part in binned], None, sign, draws, seed, level, swarm=True)
    arms = aligned(list(groups.values()), measure.per_seed, measure.draws, measure.seeds)
    return found_of(
        np.array(list(groups)),
        [names[0] for names in groups.values()],
        [sign * part for part in arms.values],
        [sign * part for part in arms.items] if arms.items is not None else None,
        sign,
        draws,
        seed,
        level,
        paired=arms.paired,
        note=arms.note,
    )


def _pareto(of: str, shares: Mapping[str, float], known: Sequence[tuple[SweepMeasure, Found]]) -> dict[str, Any] | None:
    """None for swarms and where no three shares were measured by every measure."""
    names = [name for name in known[0][1].variants if all(name in hit.variants for _, hit in known)]
    if len(names) < 3 or any(hit.swarm for _, hit in known):
        return None
    places = [[hit.variants.index(name) for name in names] for _, hit in known]
    # Rounded, so that what is the same ties.
    values = np.stack([np.round(hit.means[at], hit.places) for at, (_, hit) in zip(places, known, strict=True)], -1)
    draws = np.stack([np.round(hit.drawn[:, at], hit.places) for at, (_, hit) in zip(places, known, strict=True)], -1)
    sure = by_draws(draws)
    for row, (at, (_, hit)) in enumerate(zip(places, known, strict=True)):
        if hit.paired and len(hit.values[0]) > 1:
            items = [hit.items[k] for k in at] if hit.items is not None else None
            sure[row] = by_seeds([hit.values[k] for k in at], items)
    return front(of, names, shares, [measure.name for measure, _ in known], values, draws, sure)


def _confirm(
    of: str,
    shares: Mapping[str, float],
    known: Sequence[tuple[SweepMeasure, Found]],
    rows: Sequence[Mapping[str, Any]],
    limits: Mapping[str, Any] | None,
    baselines: Mapping[str, float],
) -> dict[str, Any]:
    order = [i for wanted in (IDENTIFIED, EDGE) for i, row in enumerate(rows) if row["state"] == wanted]
    lead = order[0] if order else None
    gain, noise = None, None
    if lead is not None:
        hit = known[lead][1]
        # Beyond the shares that ran nothing is known of the curve.
        ran = [share for share in baselines.values() if hit.shares[0] <= share <= hit.shares[-1]]
        if ran:
            against = min(ran, key=hit.value)
            gain = told(hit.value(against) - hit.value(hit.best) - hit.optimism, hit.places)
            noise = _difference(hit, against)
    return confirmation(
        of,
        shares,
        rows[lead] if lead is not None else None,
        gain=gain,
        seed_sd=noise.seed_se * math.sqrt(noise.seeds) if noise else None,
        item_se=noise.item_se if noise else 0.0,
        comparisons=len(rows),
        baselines=baselines,
        within=((limits["least"], limits["most"]) if limits["possible"] else None) if limits else (0.0, 1.0),
    )


def _difference(hit: Found, against: float) -> Crossed | None:
    """Noise of the paired difference between the runs nearest the best share and nearest the baseline's."""
    if hit.swarm or not hit.paired or len(hit.values[0]) < 2:
        return None
    first = int(np.abs(hit.shares - hit.best).argmin())
    gaps = np.abs(hit.shares - against)
    gaps[first] = np.inf
    second = int(gaps.argmin())
    own = hit.values[first] - hit.values[second]
    under = (hit.items[first] - hit.items[second]) if hit.items is not None else np.tile(own, (2, 1))
    return cross(own, under, float(own.mean()))
