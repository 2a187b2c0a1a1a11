"""The verdict step: evaluations and votes in, `verdict.json` and its tables out.

Order of thought: read and pair everything; drop tasks at chance; form each measure's effect against the baseline at the
end of training; correct and decide the primary family, then the secondary one; add judged preferences, scores, noise
and power. Invariant: equal inputs give equal bytes of every file, in whatever order the evaluations are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.analyze import export
from leaven.analyze.averages import average_data
from leaven.analyze.bradley_terry import strengths
from leaven.analyze.chance import Exclusion, at_chance
from leaven.analyze.crossed import Crossed, difference, scaled
from leaven.analyze.decision import Comparison, decide_family
from leaven.analyze.measures import Measure
from leaven.analyze.noise import noise_rows
from leaven.analyze.request import FINAL, Request, parse_request
from leaven.analyze.results import Arm, Sampled, average, columns_of, sample_task
from leaven.analyze.scores import score_rows
from leaven.analyze.summary import Verdicts, verdict_data
from leaven.analyze.table import Table, read_table
from leaven.analyze.text import listing
from leaven.analyze.votes import read_votes
from leaven.analyze.winrates import all_met, table_rows, winrate_rows
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.ground.files import write_json
from leaven.ground.progress import Progress, silent


@dataclass
class Findings:
    """What accumulates measure by measure."""

    kept: dict[str, list[str]] = field(default_factory=dict)
    excluded: list[Exclusion] = field(default_factory=list)
    uncounted: list[str] = field(default_factory=list)  # measures without a task that counts
    left_out: list[str] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    earlier: list[dict[str, Any]] = field(default_factory=list)  # gains before the end of training
    scores: list[dict[str, Any]] = field(default_factory=list)
    noise: list[dict[str, Any]] = field(default_factory=list)

    def verdicts(
        self,
        rows: list[dict[str, Any]],
        primary: Sequence[Comparison],
        secondary: Sequence[Comparison],
        winrates: list[dict[str, Any]],
        notes: Sequence[str],
    ) -> Verdicts:
        return Verdicts(
            {name: tuple(tasks) for name, tasks in self.kept.items()},
            [exclusion.row() for exclusion in self.excluded],
            [*self._uncounted(), *self.left_out, *notes],
            rows,
            tuple(primary),
            tuple(secondary),
            winrates,
            [row for row in self.scores if row["task"] == ""],
            self.noise,
        )

    def _uncounted(self) -> list[str]:
        return [f"nothing is said on {listing(self.uncounted)}: no task counts"] if self.uncounted else []


def analyze(
    request: Mapping[str, Any],
    evaluations: Sequence[Mapping[str, Any]],
    judgements: Sequence[Mapping[str, Any]],
    out: Path,
    progress: Progress = silent,
) -> None:
    """Write `verdict.json`, `gains`, `scores`, `winrates` (.csv and .parquet) and `noise.csv` into `out`.

    Args:
        request: study, question, baseline, variants, seeds, measures (`measures.parse_measure`), alpha, draws, seed,
            proxy; averages and scores where the suite has averages (`averages.average_data`).
        evaluations: `{variant, seed, point, folder}`; point "final" is what verdicts are about.
        judgements: `{variant, baseline, seed, folder}`.

    Raises: BadInput for a request that makes no sense; LeavenError for results that cannot be paired.
    """
    asked = parse_request(request)
    table = read_table(evaluations)
    points = _points(asked, table)
    notes = list(table.notes) + _seed_notes(asked, table, points)
    found = Findings()
    for done, measure in enumerate(asked.measures):
        progress(done, len(asked.measures) + 1, measure.name)
        _measure(asked, table, measure, points, found)
    progress(len(asked.measures), len(asked.measures) + 1, "judgements")
    order = {name: i for i, name in enumerate(asked.variants)}
    comparisons = sorted(found.comparisons, key=lambda comparison: order[comparison.variant])
    primary, secondary = ([c for c in comparisons if c.measure.primary is first] for first in (True, False))
    rows = decide_family(primary, asked.alpha) + decide_family(secondary, asked.alpha)
    votes = read_votes(sorted(judgements, key=lambda judgement: _place(asked, judgement)))
    winrates = winrate_rows(votes, asked.draws, asked.seed)
    data = verdict_data(asked, found.verdicts(rows, primary, secondary, winrates, notes))
    arms = all_met(votes)
    if asked.baseline in arms:
        data["strengths"] = strengths(votes, arms, asked.baseline, asked.draws, asked.seed)
    if request.get("averages"):
        data["averages"] = average_data(evaluations, request["averages"], request["scores"])
    verdict = export.rounded(data)
    write_json(out / "verdict.json", verdict)
    gains = [{**row, "point": FINAL} for row in verdict["comparisons"]] + export.rounded(found.earlier)
    export.write_both(out, "gains", gains, export.GAINS)
    export.write_both(out, "scores", export.rounded(found.scores), export.SCORES)
    export.write_both(out, "winrates", table_rows(verdict["winrates"]), export.WINRATES)
    export.write_csv(out / "noise.csv", verdict["noise"], export.NOISE)
    progress(len(asked.measures) + 1, len(asked.measures) + 1)


def _place(asked: Request, judgement: Mapping[str, Any]) -> tuple[Any, ...]:
    """Pairs with the study's baseline first, then pairs of two variants; each in the order of the study's variants."""
    names = str(judgement["variant"]), str(judgement["baseline"])
    places = [asked.variants.index(name) if name in asked.variants else len(asked.variants) for name in names]
    return names[1] != asked.baseline, *places, *names


def _points(asked: Request, table: Table) -> dict[str, list[str]]:
    """Variants evaluated at each point, final first. LeavenError where a variant was not evaluated at the end."""
    for variant in asked.variants:
        if (variant, FINAL) not in table.seeds:
            raise LeavenError(f"{variant} was not evaluated at the end of training, so nothing can be compared with it")
    names = [FINAL, *sorted({point for _, point in table.seeds} - {FINAL})]
    return {point: [v for v in asked.variants if (v, point) in table.seeds] for point in names}


def _seed_notes(asked: Request, table: Table, points: Mapping[str, Sequence[str]]) -> list[str]:
    notes = []
    for point, variants in points.items():
        shared = table.shared_seeds(variants, point)
        if not shared:
            raise LeavenError(f"no seed was evaluated in every variant ({point}), so no arms can be paired")
        if set(shared) != set(asked.seeds):
            notes.append(
                f"{point}: {len(shared)} of {len(asked.seeds)} seeds were evaluated in every variant and count"
            )
    return notes


def _measure(
    asked: Request, table: Table, measure: Measure, points: Mapping[str, Sequence[str]], found: Findings
) -> None:
    """Sample one measure at every point and add what follows from it to `found`."""
    present = _present_tasks(asked, table, measure, found)
    sampled: dict[str, dict[str, dict[Arm, Sampled]]] = {}
    for point, variants in points.items():
        arms, seeds = [(variant, point) for variant in variants], table.shared_seeds(variants, point)
        sampled[point] = {
            task: sample_task(table, task, measure.columns, arms, seeds, asked.draws, asked.seed) for task in present
        }
    kept = []
    for task in present:
        exclusion = None
        if measure.columns.chance:
            exclusion = at_chance(task, measure.name, sampled[FINAL][task], table.chance.get(task, 0.0))
        if exclusion:
            found.excluded.append(exclusion)
        else:
            kept.append(task)
        for point in points:
            found.scores += score_rows(measure, task, exclusion is None, sampled[point][task])
    if not kept:
        found.uncounted.append(measure.name)
        return
    averages = {point: average([tasks[task] for task in kept]) for point, tasks in sampled.items()}
    if measure.effect == "relative" and averages[FINAL][asked.baseline, FINAL].per_seed.mean() <= 0:
        found.left_out.append(f"{measure.name}: the baseline scores zero, so a relative difference is undefined")
        return
    found.kept[measure.name] = kept
    for point in points:
        found.scores += score_rows(measure, "", True, averages[point])
    pairs = _compare(asked, measure, averages[FINAL], FINAL)
    found.comparisons += pairs.values()
    found.noise += noise_rows(measure.name, {arm[0]: s for arm, s in averages[FINAL].items()}, pairs)
    for point in points:
        if point != FINAL:
            found.earlier += [
                _earlier(pair, point) for pair in _compare(asked, measure, averages[point], point).values()
            ]


def _present_tasks(asked: Request, table: Table, measure: Measure, found: Findings) -> list[str]:
    """Tasks of the measure that were evaluated; those the evaluation left out are recorded with its reason."""
    present = []
    known = sorted({task for task, _ in table.columns} | set(table.left_out))
    for task in measure.tasks:
        if task in table.left_out:
            found.excluded.append(Exclusion(task, measure.name, table.left_out[task], {}, table.chance.get(task)))
        elif columns_of(table, task, measure.columns) is not None:
            present.append(task)
        elif task in known:
            raise BadInput(
                f"task {task} has no {measure.columns.numerator}", field=f"measures.{measure.name}.statistic"
            )
        else:
            raise BadInput(f'unknown task "{task}"{did_you_mean(task, known)}', field=f"measures.{measure.name}.tasks")
    return present


def _compare(asked: Request, measure: Measure, arms: Mapping[Arm, Sampled], point: str) -> dict[str, Comparison]:
    """Every other variant against the baseline; empty where the baseline was not evaluated at this point."""
    base = arms.get((asked.baseline, point))
    if base is None:
        return {}
    return {
        variant: Comparison(variant, asked.baseline, measure, _effect(measure, arm, base), arm.items, arm.clusters)
        for (variant, _), arm in arms.items()
        if variant != asked.baseline
    }


def _effect(measure: Measure, arm: Sampled, base: Sampled) -> Crossed:
    effect = difference(arm.per_seed, base.per_seed, arm.draws, base.draws, measure.effect)
    return effect if measure.effect == "relative" else scaled(effect, measure.columns.points[0])


def _earlier(pair: Comparison, point: str) -> dict[str, Any]:
    """A gain before the end of training: an interval and an uncorrected p, and no verdict."""
    low, high = pair.effect.interval(0.95)
    return {
        "variant": pair.variant,
        "baseline": pair.baseline,
        "point": point,
        "measure": pair.measure.name,
        "primary": False,
        "verdict": "",
        "effect": pair.effect.estimate,
        "low": low,
        "high": high,
        "unit": pair.measure.unit,
        "margin": pair.measure.margin,
        "better": pair.measure.better,
        "p": pair.effect.p_difference(),
        "seeds": pair.effect.seeds,
        "items": pair.items,
    }
