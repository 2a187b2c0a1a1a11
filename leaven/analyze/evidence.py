"""What verdicts rest on, whoever trained the models: every measure in every arm, per seed and under resampled items.

Folders of this project's own evaluations (`leaven.analyze.verdict`) and tables of runs trained elsewhere become the
same `Evidence`, so that both get the same verdicts. Invariants: the arms of one piece of evidence answer the same items
and were resampled with the same draws; arms may have different seeds, and a comparison pairs the seeds both have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.analyze import contamination, export, wider
from leaven.analyze.compare import compare
from leaven.analyze.decision import Comparison, decide_all
from leaven.analyze.degeneracy import completion_gates
from leaven.analyze.gates import GATES, Gate, chance_gates, few_items, ordered, seed_gates
from leaven.analyze.measures import Measure
from leaven.analyze.noise import noise_rows
from leaven.analyze.request import Request
from leaven.analyze.results import Sampled
from leaven.analyze.scores import score_rows
from leaven.analyze.summary import Found, verdict_data
from leaven.analyze.winrates import table_rows
from leaven.ground.files import write_json


@dataclass(frozen=True)
class Evidence:
    """One measure at one size and point of training in every arm.

    Attributes: `size` and `point` as the request names them; `arms`: variant -> its statistic per seed [S] and under
    resampled items [draws × S], in the statistic's own scale (a share in 0…1, bits per byte); `tasks` that count.
    """

    size: str
    point: str
    measure: Measure
    arms: Mapping[str, Sampled]
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """What is known beside the evidence; all of it may be empty.

    Attributes:
        excluded: rows of tasks that do not count (`chance.Exclusion.row`, with `size`).
        notes: sentences on what was left out.
        gates: what was left out or flagged before the evidence was made.
        gates_run: size -> gates that looked at what is there before the evidence was made, whether they found
            something or not; the others had nothing to look at.
        noiseless: evidence in which arms have no known noise, so that nothing is compared: its seeds are counted.
        scores: rows of single tasks (`scores.score_rows`, with `size`), for the tables.
        winrates, strengths, averages: rows of `verdict.json`.
        clean: the evidence once more, without items that occur in training documents, where there are such items.
        dirty: task -> items of it that occur in training documents.
        common: the evidence once more, on tasks that count at every size, where sizes differ in that.
    """

    excluded: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    gates: Sequence[Gate] = ()
    gates_run: Mapping[str, Collection[str]] = field(default_factory=dict)
    noiseless: Sequence[Evidence] = ()
    scores: Sequence[Mapping[str, Any]] = ()
    winrates: Sequence[Mapping[str, Any]] = ()
    strengths: Sequence[Mapping[str, Any]] = ()
    averages: Mapping[str, Any] | None = None
    clean: Sequence[Evidence] = ()
    dirty: Mapping[str, int] = field(default_factory=dict)
    common: Sequence[Evidence] = ()


def conclude(asked: Request, evidence: Sequence[Evidence], found: Context | None = None) -> dict[str, Any]:
    """The content of `verdict.json`, floats not yet rounded.

    Verdicts are about the evidence at `asked.point`; other points give scores only (`earlier_gains` has their gains).
    Every measure of the evidence counts; one that the request asks for and the evidence lacks is silently absent, for
    the one who made the evidence knows why and says it in `found.notes`.
    """
    found = found or Context()
    here = [one for one in evidence if one.point == asked.point]
    comparisons = compare(asked, here)
    rows = decide_all(comparisons, asked.alpha)
    clean = compare(asked, [one for one in found.clean if one.point == asked.point])
    instead = contamination.without(comparisons, clean, asked.alpha)
    for row in rows:
        row["clean"] = instead.get((row["size"], row["variant"], row["baseline"], row["measure"]))
    gates = [*found.gates, *chance_gates(found.excluded), *completion_gates(found.winrates)]
    gates += contamination.gates(rows, {(one.size, one.measure.name): one.tasks for one in here}, found.dirty)
    gates_run = []
    for size in asked.sizes:
        ran = set(found.gates_run.get(size.size, ()))
        counted = [one for one in (*here, *found.noiseless) if one.size == size.size]
        arms: dict[str, dict[str, Sampled]] = {}
        for one in counted:
            arms.setdefault(one.measure.name, {}).update(one.arms)
        gates += seed_gates(size.size, arms, [pair for pair in comparisons if pair.size == size.size])
        ran |= {"few seeds"} if any(arms.values()) else set()
        for one in counted:
            items = [(arm.clusters, arm.items) for arm in one.arms.values() if arm.clusters]
            ran |= {"few items"} if items else set()
            for clusters, total in sorted(items)[:1]:
                gates += few_items(size.size, one.measure.name, "", total, clusters)
        ran |= {"degenerate"} if any(row["size"] == size.size for row in found.winrates) else set()
        gates_run.append({"size": size.size, "gates": [name for name in GATES if name in ran]})
    common = {(one.size, one.measure.name) for one in found.common}
    return verdict_data(
        asked,
        Found(
            rows=rows,
            comparisons=comparisons,
            tasks={(one.size, one.measure.name): one.tasks for one in here},
            scores=measure_scores(asked, evidence),
            noise=_noise(here, comparisons),
            gates=ordered(gates, [size.size for size in asked.sizes]),
            gates_run=gates_run,
            excluded=list(found.excluded),
            notes=list(found.notes),
            winrates=list(found.winrates),
            strengths=list(found.strengths),
            averages=found.averages,
            optimum=wider.optimum(asked, here),
            transfer=wider.transfer(
                asked, [*found.common, *(one for one in here if (one.size, one.measure.name) not in common)]
            ),
        ),
    )


def measure_scores(asked: Request, evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Scores of measures at every point, the point of the verdict first."""
    first = sorted(evidence, key=lambda one: one.point != asked.point)
    return [row for one in first for row in score_rows(one.measure, "", True, one.arms, one.size, one.point)]


def _noise(evidence: Sequence[Evidence], comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    rows = []
    for one in evidence:
        pairs = {
            pair.variant: pair
            for pair in comparisons
            if (pair.size, pair.measure.name) == (one.size, one.measure.name) and pair.role != "other baseline"
        }
        rows += noise_rows(one.size, one.measure.name, one.arms, pairs)
    return rows


def earlier_gains(asked: Request, evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Rows of `gains` at other points than the verdict's: an interval and an uncorrected p, and no verdict."""
    points = dict.fromkeys(one.point for one in evidence if one.point != asked.point)
    return [
        _gain(pair, point)
        for point in points
        for pair in compare(asked, [one for one in evidence if one.point == point])
        if pair.role != "other baseline"
    ]


def _gain(pair: Comparison, point: str) -> dict[str, Any]:
    low, high = pair.effect.interval(0.95)
    return {
        "size": pair.size,
        "variant": pair.variant,
        "baseline": pair.baseline,
        "point": point,
        "measure": pair.measure.name,
        "role": pair.role,
        "primary": False,
        "verdict": "",
        "effect": pair.effect.estimate,
        "low": low,
        "high": high,
        "unit": pair.unit,
        "margin": pair.margin,
        "better": pair.measure.better,
        "p": pair.effect.p_difference(),
        "seeds": pair.effect.seeds,
        "items": pair.items,
        "ratio": pair.ratio,
    }


def write(
    out: Path,
    data: Mapping[str, Any],
    earlier: Sequence[Mapping[str, Any]] = (),
    scores: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write `verdict.json`, `gains`, `scores`, `winrates` (.csv and .parquet) and `noise.csv` into `out`.

    Args: `data` of `conclude`; `earlier`: rows of `earlier_gains`; `scores`: rows of single tasks.
    """
    verdict = export.rounded(data)
    write_json(out / "verdict.json", verdict)
    gains = [export.gain_row(row, verdict["point"]) for row in verdict["comparisons"]]
    export.write_both(out, "gains", gains + export.rounded(earlier), export.GAINS)
    export.write_both(out, "scores", export.rounded(scores) + verdict["scores"], export.SCORES)
    export.write_both(out, "winrates", table_rows(verdict["winrates"]), export.WINRATES)
    export.write_csv(out / "noise.csv", verdict["noise"], export.NOISE)
