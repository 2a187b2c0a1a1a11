"""From a study to its graph of steps: each variant × seed is a path, and what two paths have in common is one step.

Pure: no file is read here. What is known about the raw files (`surveys`) and the models comes in as data. Paths are
added by `leaven.study.paths`, one size after the other; corpus, tokenizer, shards and suite are those of all of them.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from leaven.study.corpus_graph import Survey, add_corpus
from leaven.study.mixtures import flatten
from leaven.study.paths import REFERENCE, VALIDATION_ROWS, Ground, Paths
from leaven.study.sizes import views
from leaven.study.spec import Study
from leaven.study.step import Graph
from leaven.study.surveyed import JUDGE, PROMPTS, benchmark_key, executed, start_key
from leaven.study.sweeps import swept_sources
from leaven.study.verdict_step import asked, read


def expand(
    study: Study,
    surveys: Mapping[str, Survey],
    model: Mapping[str, Any],
    *,
    further: Mapping[str, Mapping[str, Any]] | None = None,
    parameters: Mapping[str, int] | None = None,
    tables: str = "",
    execute: bool = True,
    frame_ends: tuple[str, ...] = (),
) -> Graph:
    """The graph of a study.

    Args:
        study: settled: nothing is left to the size of its model.
        surveys: for every source that is not generated, and what `add_corpus` wants; for every folder of weights that
            a stage starts from, under `start_key`; for every benchmark whose data was found, under `benchmark_key`; for
            prompts that are a file under `PROMPTS`, for a local judge under `JUDGE`.
        tables: identity of the corpus room's data tables.
        model: the resolved shape (all dimensions), so that a change of the size table changes identity.
        further: the same for every further size, by name.
        parameters: of the model of each size; without it nothing is said of them.
        execute: whether model-written programs can be executed here; without it those tasks are left out by name.
        frame_ends: the strings that end a completion of a framed instruction, where the study states none.

    Raises:
        BadInput: a source that holds nothing and is not optional; a mixture with nothing left.
    """
    if not study.is_settled:
        raise ValueError("the study leaves something to its model's size: settle it first")
    graph = Graph()
    steps = add_corpus(graph, study.corpus, surveys, tables, _drawn(study))
    absent = steps.absent
    present = [n for n, source in study.corpus.sources.items() if n not in absent and source.kind != "control"]
    suite = graph.add(
        "suite",
        "suite",
        {
            "suite": study.evaluate.suite,
            "made": study.evaluate.made,
            "items": dict(study.evaluate.items),
            "passage_bytes": study.evaluate.passage_bytes,
            "prompts": study.evaluate.prompts,
            "facts": _generated(study, "facts", absent),
            "sources": {name: study.corpus.sources[name].kind for name in present},
            "benchmarks": _benchmarks(study, surveys),
            "averages": {name: list(members) for name, members in study.evaluate.averages.items()},
            "decontaminated": sorted(set(study.corpus.decontaminate) & set(study.evaluate.tasks)),
        },
        {"corpus": steps.corpus},
        {
            "data": list(study.data),
            "include": list(study.evaluate.include),
            "tasks": {name: benchmark.task for name, benchmark in study.evaluate.tasks.items()},
        },
    )
    if not execute and (names := executed(study.evaluate, surveys)):
        graph.left_out.append(f"{', '.join(names)}: nothing here isolates model-written programs (see leaven doctor)")
    ground = Ground(graph, surveys, steps.shards, absent, steps.corpus, suite, steps.tokenizer, execute, frame_ends)
    sizes = views(study)
    models = {study.model.size: model, **(further or {})}
    paths = [
        Paths(view, ground, models[view.model.size], "" if view is sizes[0] else f"@{view.model.size}")
        for view in sizes
    ]
    with _all_kept():
        judging = paths[0].judging()
        for each in paths:
            graph.runs += each.runs(judging)
    fields = asked(sizes, parameters or {}, absent)
    inputs = read(graph.runs, study.model.size) | {"suite": suite}
    inputs |= {f"shards:{name}": steps.shards[name] for name in swept_sources(study) if name in steps.shards}
    graph.add("verdict", "verdict", fields, inputs)
    return graph


@contextlib.contextmanager
def _all_kept() -> Iterator[None]:
    """Python's search for garbage put off: nothing that is built here is any, and it would walk through the whole of a
    growing graph again and again."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def _drawn(study: Study) -> set[str]:
    """The sources that its stages draw from, at any size, and those of the judge's reference model."""
    named = {stage.mixture for stages in study.variants.values() for stage in stages}
    named |= {study.judge.mixture} if study.judge.kind == "reference-likelihood" and study.judge.mixture else set()
    return {source for name in named for source in flatten(name, study.mixtures, study.corpus.sources)}


def _benchmarks(study: Study, surveys: Mapping[str, Survey]) -> dict[str, Any]:
    """What is asked of each benchmark, and the fingerprint of its task file and data; an empty one where there is
    none, so that data that turns up later is another suite. Where the files lie is no part of it."""
    return {
        name: {
            **benchmark.model_dump(exclude={"task"}),
            "data": surveys[key].fingerprint if (key := benchmark_key(name)) in surveys else "",
        }
        for name, benchmark in study.evaluate.tasks.items()
    }


def _generated(study: Study, kind: str, absent: Collection[str]) -> dict[str, Any] | None:
    for name, source in study.corpus.sources.items():
        if source.kind == kind and name not in absent:
            return {"source": name, "count": source.count, "restatements": source.restatements}
    return None


def summary(study: Study) -> dict[str, Any]:
    """The study in the words of its file, for the plan and the page."""
    mixtures = {name: flatten(name, study.mixtures, study.corpus.sources) for name in study.mixtures}
    return {
        "name": study.study,
        "question": study.question,
        "corpus": study.corpus.corpus,
        "variants": {name: [stage.words() for stage in stages] for name, stages in study.variants.items()},
        "mixtures": mixtures,
        "baseline": study.baseline,
        "seeds": list(study.seeds),
    }


__all__ = [
    "JUDGE",
    "PROMPTS",
    "REFERENCE",
    "VALIDATION_ROWS",
    "Survey",
    "benchmark_key",
    "executed",
    "expand",
    "start_key",
    "summary",
]
