"""The verdict step: evaluations, votes and training stages in, `verdict.json` and its tables out.

Order of thought: leave out runs whose training broke; read and pair the items of every size; drop tasks at chance; make
each measure's evidence in every arm; conclude (`leaven.analyze.evidence`). Invariant: equal inputs give equal bytes of
every file, in whatever order the evaluations are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.analyze.averages import average_data
from leaven.analyze.bradley_terry import strengths
from leaven.analyze.contamination import dirty_items, kept_gates, searched
from leaven.analyze.degeneracy import answer_gates, told
from leaven.analyze.divergence import diverged, ending
from leaven.analyze.evidence import Context, conclude, earlier_gains, write
from leaven.analyze.gates import Gate
from leaven.analyze.request import FINAL, Request, parse_request
from leaven.analyze.sampling import Samples, commonly, points_of, sample
from leaven.analyze.table import Table, read_table
from leaven.analyze.text import listing
from leaven.analyze.votes import Votes, read_votes
from leaven.analyze.winrates import all_met, winrate_rows
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress, silent

Rows = Sequence[Mapping[str, Any]]


def analyze(
    request: Mapping[str, Any],
    evaluations: Rows,
    judgements: Rows,
    out: Path,
    progress: Progress = silent,
    stages: Rows = (),
    suite: Path | None = None,
) -> None:
    """Write `verdict.json`, `gains`, `scores`, `winrates` (.csv and .parquet) and `noise.csv` into `out`.

    Args:
        request: study, question, baseline, variants, seeds, measures (`measures.parse_measure`), alpha, draws, seed,
            proxy; point, sizes, sweep and figures where they are not the defaults (`request.parse_request`); averages
            and scores where the suite has averages (`averages.average_data`).
        evaluations: `{size, variant, seed, point, folder}`; no size, or an empty one, is the first.
        judgements: `{size, variant, baseline, seed, folder}`.
        stages: `{size, variant, seed, folder}`, the last training stage of every run, for the gate on divergence.
        suite: the suite step's folder, which knows the items that occur in training documents.

    Raises: BadInput for a request that makes no sense; LeavenError for results that cannot be paired.
    """
    asked = parse_request(request)
    evaluations, judgements, stages = (_sized(rows, asked) for rows in (evaluations, judgements, stages))
    _all_evaluated(asked, evaluations)
    gates = diverged(stages)
    broken = {(gate.size, gate.variant, gate.seed) for gate in gates if gate.effect == "left out"}
    evaluations = _sound(evaluations, broken, "variant")
    judgements = _sound(_sound(judgements, broken, "variant"), broken, "baseline")
    tables = {each.size: _table(asked, each.size, evaluations) for each in asked.sizes}
    dirty = dirty_items(suite)
    samples = sample(asked, tables, dirty, progress)
    votes = _votes(asked, judgements)
    every = [pair for pairs in votes.values() for pair in pairs]
    owners = [size for size, pairs in votes.items() for _ in pairs]
    winrates = [
        {"size": size, **row} for size, row in zip(owners, winrate_rows(every, asked.draws, asked.seed), strict=True)
    ]
    points = {size: points_of(asked, table.seeds, size) for size, table in tables.items()}
    final = [e for e in evaluations if e["point"] == points[e["size"]].get(e["variant"])]
    counted = {task for one in samples.evidence for task in one.tasks}
    context = Context(
        excluded=samples.excluded,
        notes=[*_table_notes(tables), *_seed_notes(asked, tables, gates), *samples.notes, *_unpaired(asked, samples)],
        gates=[*gates, *answer_gates(final, counted), *kept_gates(suite, counted), *samples.gates],
        gates_run={each.size: _gates_run(asked, each.size, samples, stages, final, suite) for each in asked.sizes},
        scores=samples.scores,
        winrates=winrates,
        strengths=_strengths(asked, votes),
        averages=average_data(final, request["averages"], request["scores"]) if request.get("averages") else None,
        clean=samples.clean,
        dirty=samples.dirty,
        common=commonly(asked, samples),
    )
    write(out, conclude(asked, samples.evidence, context), earlier_gains(asked, samples.evidence), samples.scores)
    progress(1, 1)


def _table(asked: Request, size: str, evaluations: Rows) -> Table:
    """The evaluations of a size. A task that only some runs have ends the analysis only where verdicts look."""
    mine = [row for row in evaluations if row["size"] == size]
    there = {(str(row["variant"]), str(row["point"])) for row in mine}
    return read_table(mine, set(points_of(asked, there, size).items()))


def _gates_run(
    asked: Request, size: str, samples: Samples, stages: Rows, evaluations: Rows, suite: Path | None
) -> set[str]:
    """Gates that have something to look at, at this size: loss curves, shares of right answers, a search of the
    training documents for every task that counts, summaries of answers."""
    measures = [one for one in samples.evidence if (one.size, one.point) == (size, asked.point)]
    tasks = {task for one in measures for task in one.tasks}
    gone = [row for row in samples.excluded if row["size"] == size and row["values"]]
    has = {
        "diverged": any(row["size"] == size and ending(Path(row["folder"])) for row in stages),
        "at chance": bool(gone) or any(one.measure.columns.chance for one in measures),
        "contaminated": bool(tasks) and tasks <= searched(suite),
        "degenerate": any(row["size"] == size and told(Path(row["folder"]), tasks) for row in evaluations),
    }
    return {gate for gate, there in has.items() if there}


def _sized(rows: Rows, asked: Request) -> list[dict[str, Any]]:
    """Rows with their size, in the order of the request, so that the order in which they are handed in does not show.
    LeavenError for a size that is not asked for."""
    place = {each.size: i for i, each in enumerate(asked.sizes)}
    sized = [{**row, "size": str(row.get("size") or asked.sizes[0].size)} for row in rows]
    for row in sized:
        if row["size"] not in place:
            raise LeavenError(f"{row['variant']} was trained at {row['size']}, of which nothing is asked")

    def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
        variants = asked.at(row["size"]).variants
        known = variants.index(row["variant"]) if row["variant"] in variants else len(variants)
        return place[row["size"]], known, str(row["variant"]), int(row["seed"])

    return sorted(sized, key=order)


def _all_evaluated(asked: Request, evaluations: Rows) -> None:
    """LeavenError where a variant was not evaluated where the verdict looks, so that nothing can be said about it."""
    done = {(row["size"], row["variant"]) for row in evaluations if row["point"] in (FINAL, asked.point)}
    for each in asked.sizes:
        for variant in each.variants:
            if (each.size, variant) not in done:
                where = f" at {each.size}" if len(asked.sizes) > 1 else ""
                raise LeavenError(
                    f"{variant} was not evaluated at the end of training{where}, so nothing can be compared with it"
                )


def _sound(rows: Rows, broken: set[tuple[str, str, int | None]], name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in rows if (row["size"], str(row[name]), int(row["seed"])) not in broken]


def _table_notes(tables: Mapping[str, Table]) -> list[str]:
    return list(dict.fromkeys(note for table in tables.values() for note in table.notes))


def _seed_notes(asked: Request, tables: Mapping[str, Table], gates: Sequence[Gate]) -> list[str]:
    """Seeds that were asked for and are not there, other than those a gate left out with a word of its own."""
    notes = []
    for each in asked.sizes:
        table = tables[each.size]
        points = points_of(asked, table.seeds, each.size)
        for variant in each.variants:
            told = {g.seed for g in gates if (g.size, g.variant, g.effect) == (each.size, variant, "left out")}
            there = set(table.seeds.get((variant, points.get(variant, "")), ()))
            if set(each.seeds) - told - there:
                where = f"{each.size}, {variant}" if len(asked.sizes) > 1 else variant
                count = f"{len(there)} of {len(each.seeds)} seeds were evaluated"
                notes.append(f"{where}: {count}, and its comparisons rest on those")
    return notes


def _unpaired(asked: Request, samples: Samples) -> list[str]:
    """Pairs that share no seed, by name. LeavenError where that is every pair that was asked for."""
    notes, pairs = [], 0
    for each in asked.sizes:
        seeds: dict[str, set[int]] = {}
        for one in samples.evidence:
            if (one.size, one.point) == (each.size, asked.point):
                for variant, arm in one.arms.items():
                    seeds.setdefault(variant, set()).update(arm.seeds)
        for variant, baselines in each.against.items() if seeds else ():
            for baseline in baselines:
                pairs += 1
                if not seeds.get(variant, set()) & seeds.get(baseline, set()):
                    where = f"{each.size}, " if len(asked.sizes) > 1 else ""
                    notes.append(f"{where}{variant} against {baseline}: no seed is there in both, so they are no pair")
    if pairs and len(notes) == pairs:
        raise LeavenError(f"no seed was evaluated in both arms of any pair: {listing(notes[:3])}")
    return notes


def _votes(asked: Request, judgements: Rows) -> dict[str, list[Votes]]:
    """Votes of each size, pairs in the order of `_place`."""
    return {
        each.size: read_votes(sorted((j for j in judgements if j["size"] == each.size), key=lambda j: _place(asked, j)))
        for each in asked.sizes
    }


def _place(asked: Request, judgement: Mapping[str, Any]) -> tuple[Any, ...]:
    """Pairs with the size's baseline first, then pairs of two variants; each in the order of the size's variants."""
    each = asked.at(judgement["size"])
    names = str(judgement["variant"]), str(judgement["baseline"])
    places = [each.variants.index(name) if name in each.variants else len(each.variants) for name in names]
    return names[1] != each.baseline, *places, *names


def _strengths(asked: Request, votes: Mapping[str, Sequence[Votes]]) -> list[dict[str, Any]]:
    """Strengths at every size whose arms were judged all against all."""
    rows: list[dict[str, Any]] = []
    for each in asked.sizes:
        arms = all_met(votes[each.size])
        if each.baseline in arms:
            found = strengths(votes[each.size], arms, each.baseline, asked.draws, asked.seed)
            rows += [{"size": each.size, **row} for row in found]
    return rows
