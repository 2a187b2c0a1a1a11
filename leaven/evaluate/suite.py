"""The suite step: every item of a study, built once from the corpus, from generators and from benchmarks.

All variants, seeds and points of a study answer the same items, so that comparisons are paired. Items made from the
corpus whose text occurs in the training documents are dropped; benchmarks stay whole, and what of them occurs is
counted and named. What was looked for and found is in each task's `overlap`.

Written: `items/<task>.jsonl`, `tasks/<task>.yaml` (lm-eval), `suite.json`, `prompts.jsonl`. Equal corpus, benchmarks
and plan, equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from leaven.corpus.files import sources_of
from leaven.evaluate import passages
from leaven.evaluate.benchmarks.build import gather
from leaven.evaluate.draft import stated
from leaven.evaluate.item import VERSION, Task, write_items, write_lines
from leaven.evaluate.made import DEFAULT_ITEMS, PROSE, SuitePlan, drafts, first, of_kind
from leaven.evaluate.overlap import Traces, training_texts
from leaven.evaluate.taskfile import OUTPUT, task_file
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import write_json, write_text
from leaven.ground.progress import Progress, silent


def build_suite(plan: SuitePlan, corpus: Path, out: Path, progress: Progress = silent) -> None:
    """Build every task the corpus allows, and every benchmark whose data is found.

    Args:
        corpus: a corpus step's folder.
        out: an existing, empty folder.

    Raises:
        BadInput: the plan names a task that does not exist, a benchmark's file is malformed, or the corpus has no
            held-out prose for prompts.
    """
    for name in plan.items:
        if name not in DEFAULT_ITEMS:
            raise BadInput(
                f'no task "{name}" with a number of items{did_you_mean(name, DEFAULT_ITEMS)}', field="evaluate.items"
            )
    held = {source: passages.held_out(corpus, source) for source in passages.sources(corpus) if source in plan.sources}
    planned, left_out = drafts(plan, held)
    gathered = gather(plan.benchmarks, plan.data, plan.include, progress)
    beginnings = [
        prompt
        for source in of_kind(plan, held, PROSE)
        for prompt in first(passages.prompts(held[source], source, plan.seed), 4 * plan.prompts)
    ]
    searched = [*(item for draft in planned for item in draft.candidates), *beginnings]
    searched += [item for task in gathered.tasks for item in task.items if item.shown]
    traces = Traces(item.shown for item in searched)
    names = sources_of(corpus)
    for done, name in enumerate(names):
        progress(done, len(names), f"searching {name} for the items")
        traces.search(name, training_texts(corpus, name))

    tasks = []
    for draft in planned:
        task = draft.settle(traces)
        if task.name == "facts" and plan.facts:
            task = stated(task, plan.facts, corpus, names)
        if task.items:
            tasks.append(task)
        else:
            left_out[draft.name] = draft.empty
    tasks += [_counted(task, traces, task.name in plan.decontaminated) for task in gathered.tasks]
    chosen = [prompt for prompt in beginnings if not traces.found(prompt.text)][: plan.prompts]
    if not chosen:
        raise BadInput(
            "the corpus has no held-out prose of 200 characters or more, so nothing can be completed and judged",
            field="corpus.sources",
            fix="Give more text: --source text=PATH.",
        )
    write_lines(out / "prompts.jsonl", ({"id": prompt.id, "text": prompt.text} for prompt in chosen))
    _write(out, plan, tasks, left_out | gathered.left_out, {"prompts": len(chosen), "prompts_seen": len(beginnings)})
    progress(len(names), len(names), f"{sum(len(task.items) for task in tasks)} items")


def build_benchmarks(plan: SuitePlan, out: Path, progress: Progress = silent) -> None:
    """Build the benchmarks alone: what a model that leaven did not train is asked. Nothing is known of what it was
    trained on, so no item is looked for anywhere.

    Args:
        out: an existing, empty folder.

    Raises:
        BadInput: a benchmark is unknown or its file malformed; no benchmark's data was found.
    """
    gathered = gather(plan.benchmarks, plan.data, plan.include, progress)
    if not gathered.tasks:
        reasons = "\n".join(f"  {name}: {reason}" for name, reason in gathered.left_out.items())
        raise BadInput(
            f"none of the suite's benchmarks was found\n{reasons}",
            field="--data",
            fix="" if "hub" in plan.data else "Give the folder that holds their files, or --data hub to download them.",
        )
    _write(out, plan, list(gathered.tasks), dict(gathered.left_out), {})


def _counted(task: Task, traces: Traces, decontaminated: bool) -> Task:
    """A benchmark with what of it occurs in the training documents."""
    where = {item.id: traces.found(item.shown) for item in task.items if item.shown}
    overlap = {
        "candidates": len(where),
        "dropped": 0,
        "occurring": sum(map(bool, where.values())),
        "items": sorted(name for name, sources in where.items() if sources),
        "decontaminated": decontaminated,
        "note": "counted, not dropped: a benchmark keeps its items, the corpus leaves out the documents",
    }
    return replace(task, overlap=overlap)


def _write(
    out: Path, plan: SuitePlan, tasks: Sequence[Task], left_out: Mapping[str, str], more: Mapping[str, Any]
) -> None:
    (out / "items").mkdir()
    (out / "tasks").mkdir()
    for task in tasks:
        write_items(out / "items" / f"{task.name}.jsonl", task.items)
        if task.form in OUTPUT:
            write_text(out / "tasks" / f"{task.name}.yaml", task_file(task.name, task.form, task.items, task.settings))
    write_json(
        out / "suite.json",
        {
            "version": VERSION,
            "seed": plan.seed,
            "tasks": {task.name: task.describe() for task in tasks},
            "averages": {name: list(members) for name, members in plan.averages.items()},
            "left_out": dict(left_out),
            **more,
        },
    )
