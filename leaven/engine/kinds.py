"""What each step kind calls: the one place where the graph's data meets the rooms' verbs.

Rooms are imported when their kind executes, so that work on text never waits for JAX.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from leaven.engine.prepare import source_plan
from leaven.engine.task import Task, compiled
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json
from leaven.sandbox.level import Level


def execute(task: Task) -> dict[str, Any]:
    """Run the step; results are in `task.out` when this returns. What the kind has to tell of its costs."""
    return KINDS[task.step.kind](task) or {}


def _read(task: Task) -> None:
    from leaven.corpus.sources import read_source

    if task.fields["origin"] == "hub":
        from leaven.corpus.hub.snapshot import ask_the_hub

        ask_the_hub()
    plan = source_plan(task.fields, {**task.step.execution, "allow_unisolated": task.allow_unisolated})
    read_source(plan, task.out, task.state, cache=task.cache, workers=task.workers, progress=task.progress)


def _source(task: Task) -> None:
    from leaven.corpus.select import Selection, select_documents

    chosen = Selection.of(task.step.name.rpartition("/")[2], task.fields)
    select_documents(task.inputs["read"], task.out, chosen, task.progress)


def _corpus(task: Task) -> None:
    from leaven.corpus.assemble import Assembly, assemble
    from leaven.engine.names import near_of

    fields, reads, kept = task.fields, task.inputs_of("read"), task.inputs_of("source")
    near = fields["near"]
    assembly = Assembly(
        heldout=fields["heldout"],
        max_heldout_bytes=fields["heldout_max"],
        near=near_of(near) if near else None,
        near_sources=frozenset(fields["near_sources"]),
        verify=bool(near) and near["verify"] == "signature",
        across=fields["across"],
        cut=fields["cut"],
        items=fields["items"],
        decontaminate={task: Path(path) for task, path in task.step.execution["decontaminate"].items()},
    )
    order = fields["order"]
    assemble(
        {name: reads[name] for name in order},
        {name: kept[name] for name in order},
        task.out,
        task.state,
        assembly,
        workers=task.workers,
        progress=task.progress,
    )


def _tokenizer(task: Task) -> None:
    from leaven.corpus.tokenizer import give_tokenizer, train_tokenizer

    if task.fields.get("kind") == "given":
        give_tokenizer(Path(task.step.execution["path"]), task.out, expected=task.fields["fingerprint"])
        return
    # The trainer's threads; a step has one core unless it was given more.
    os.environ |= {"RAYON_NUM_THREADS": str(task.workers), "TOKENIZERS_PARALLELISM": "true"}
    corpus, vocabulary, sample = task.inputs["corpus"], task.fields["vocabulary"], task.fields["sample"]
    train_tokenizer(corpus, task.out, vocab=vocabulary, sample_bytes=sample, progress=task.progress)


def _shards(task: Task) -> None:
    from leaven.corpus.control import transform
    from leaven.corpus.shards import write_shards

    control = task.fields.get("transform")
    write_shards(
        task.inputs["corpus"],
        task.fields["source"],
        task.inputs["tokenizer"],
        task.out,
        workers=task.workers,
        of=task.fields.get("of"),
        transform=partial(transform, control) if control else None,
        state=task.state,
        progress=task.progress,
    )


def _suite(task: Task) -> None:
    from leaven.evaluate.benchmarks.plan import Benchmark
    from leaven.evaluate.benchmarks.survey import fingerprint
    from leaven.evaluate.made import SuitePlan
    from leaven.evaluate.suite import build_suite

    fields, given = task.fields, task.step.execution
    asked = {}
    for name, row in fields["benchmarks"].items():
        row = {**row, "k": tuple(row["k"])}
        planned = row.pop("data")
        asked[name] = Benchmark(name=name, task=given["tasks"][name], **row)
        if (fingerprint(asked[name], given["data"], [Path(folder) for folder in given["include"]]) or "") != planned:
            raise LeavenError(f"benchmark {name}: its data has changed since the study was planned\n  Run again.")
    plan = SuitePlan(
        sources=fields["sources"],
        items=fields["items"],
        passage_bytes=fields["passage_bytes"],
        prompts=fields["prompts"],
        facts=fields["facts"],
        made=fields["made"],
        benchmarks=tuple(asked.values()),
        data=tuple(given["data"]),
        include=tuple(map(Path, given["include"])),
        decontaminated=tuple(fields["decontaminated"]),
        averages=fields["averages"],
    )
    build_suite(plan, task.inputs["corpus"], task.out, task.progress)


def _import(task: Task) -> None:
    from leaven.model.config import ModelConfig
    from leaven.train.warm_start import import_weights

    folder, model = Path(task.step.execution["path"]), ModelConfig(**task.fields["model"])
    import_weights(folder, model, task.inputs["tokenizer"], task.out, expected=task.fields["fingerprint"])


def _stage(task: Task) -> dict[str, Any]:
    from leaven.engine.stages import train

    return train(task)


def _evaluate(task: Task) -> None:
    from leaven.evaluate.native import Native
    from leaven.evaluate.requests import RequestCache
    from leaven.evaluate.run import evaluate
    from leaven.evaluate.subject import Subject
    from leaven.sandbox.level import probe

    isolation = probe()
    _can_isolate(task, isolation)
    with compiled(task):
        model = Native(Subject.load(task.inputs["stage"], task.inputs["tokenizer"]))
        # answers outlive a killed step, and nothing else: what a step gives depends on its inputs alone
        with RequestCache.open(task.state, model.identity) as cache:
            evaluate(
                model,
                task.inputs["suite"],
                task.out,
                isolation_level=isolation,
                allow_unisolated=task.allow_unisolated,
                without=task.fields["without"],
                cache=cache,
                progress=task.progress,
            )


def _can_isolate(task: Task, isolation: Level) -> None:
    """Which tasks run was decided when the study was planned, perhaps on another machine. Raises LeavenError where
    programs would be left out here that the study counts on."""
    if isolation.name != "none" or task.allow_unisolated:
        return
    without = task.fields["without"]
    for name, told in read_json(task.inputs["suite"] / "suite.json")["tasks"].items():
        if "isolation" in told["needs"] and name not in without and told["category"] not in without:
            raise LeavenError(
                f"{name} executes programs that a model wrote, and nothing isolates them on {platform.node()}: "
                f"{isolation.reason}\n  Install bubblewrap there, or leave programs out: --without code."
            )


def _prompts(task: Task) -> None:
    from leaven.engine.judging import plan_of
    from leaven.evaluate.prompts.build import build_prompts

    fields, given = task.fields, task.step.execution
    build_prompts(
        plan_of(fields, given["set"]),
        given["data"],
        task.out,
        corpus=task.inputs["corpus"],
        kinds=fields["kinds"],
        expected=fields["fingerprint"],
        progress=task.progress,
    )


def _complete(task: Task) -> None:
    from leaven.evaluate.complete import Rules, complete
    from leaven.evaluate.native import Native
    from leaven.evaluate.subject import Subject

    fields = dict(task.fields)
    rules = Rules(**{**fields, "stop": tuple(fields["stop"])})
    with compiled(task):
        model = Native(Subject.load(task.inputs["stage"], task.inputs["tokenizer"]))
        complete(model, task.inputs["prompts"] / "prompts.jsonl", task.out, rules, task.progress)


def _judge(task: Task) -> None:
    from leaven.engine.judging import REPLIES, alone, make_judge
    from leaven.judge.run import judge_pair

    fields = task.fields
    asks = fields["judge"] == "endpoint"
    asking = alone(task.cache / "judge" / REPLIES, task.progress) if asks else contextlib.nullcontext()
    with compiled(task), asking:
        judge_pair(
            task.inputs["a"],
            task.inputs["b"],
            make_judge(task),
            task.out,
            task.progress,
            gate=fields["gate"],
            controls=fields["controls"],
        )


def _verdict(task: Task) -> None:
    from leaven.analyze.verdict import analyze
    from leaven.engine.repeats import repeats

    evaluations, judgements, stages = [], [], []
    for index, row in enumerate(task.fields["sizes"]):
        size = row["size"]
        mark = f"@{size}" if index else ""
        for role, folder in task.inputs_of(f"evaluate{mark}").items():
            variant, seed, point = role.rsplit(":", 2)
            evaluations.append({"size": size, "variant": variant, "seed": int(seed), "point": point, "folder": folder})
        for role, folder in task.inputs_of(f"judge{mark}").items():
            pair, _, seed = role.rpartition(":")
            variant, _, other = pair.partition("/")  # no name holds a slash
            judgements.append(
                {"size": size, "variant": variant, "baseline": other, "seed": int(seed), "folder": folder}
            )
        for role, folder in task.inputs_of(f"stage{mark}").items():
            variant, _, seed = role.rpartition(":")
            stages.append({"size": size, "variant": variant, "seed": int(seed), "folder": folder})
    request = {**task.fields, "seed": 0}
    if sweep := request.get("sweep"):
        own = [stage for stage in stages if stage["size"] == task.fields["sizes"][0]["size"]]
        request["sweep"] = {**sweep, "repeats": repeats(sweep["variants"], own, task.inputs_of("shards"))}
    analyze(
        request,
        evaluations,
        judgements,
        task.out,
        task.progress,
        stages=stages,
        suite=task.inputs["suite"],
    )


KINDS: dict[str, Callable[[Task], dict[str, Any] | None]] = {
    "read": _read,
    "source": _source,
    "corpus": _corpus,
    "tokenizer": _tokenizer,
    "shards": _shards,
    "suite": _suite,
    "import": _import,
    "stage": _stage,
    "evaluate": _evaluate,
    "prompts": _prompts,
    "complete": _complete,
    "judge": _judge,
    "verdict": _verdict,
}
