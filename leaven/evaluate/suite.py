"""The suite step: every item of a study, built once from the corpus and from generators.

All variants, seeds and points of a study answer the same items, so that comparisons are paired. Candidates
whose text occurs in the training documents are dropped; what was looked for and found is in each task's
`overlap`.

Written: `items/<task>.jsonl`, `tasks/<task>.yaml` (lm-eval), `suite.json`, `prompts.jsonl`. Equal corpus and
plan, equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.corpus.files import sources_of
from leaven.evaluate import known, pairs, passages, probes, programs
from leaven.evaluate.draft import Draft, stated, whole_blocks
from leaven.evaluate.item import VERSION, Choice, Passage, Task, write_items, write_lines
from leaven.evaluate.overlap import Traces, training_texts
from leaven.evaluate.taskfile import OUTPUT, task_file
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import write_json, write_text
from leaven.ground.progress import Progress, silent

PROSE = ("text",)
CODE = ("web_code",)
GENERATED = ("synthetic", "facts")
"""Kinds whose documents follow templates: held-out documents share phrases with training documents by their
nature.
"""

DEFAULT_ITEMS: dict[str, int] = {
    "continue_text": 200,
    "continue_code": 200,
    "entity_tracking": 256,
    "boolean": 240,
    "arithmetic": 240,
    "brackets": 240,
    "indent": 240,
    "programs": 56,
}
"""Items of a task. At 240 items the standard error of an accuracy near 1/2 is 3.2 points, near 1/4 2.8
points.
"""


@dataclass(frozen=True)
class SuitePlan:
    """What a suite is built for.

    Args:
        sources: name of each source of the corpus and its kind (text, web_code, markup, adjacent, synthetic,
        facts).
        items: number of items of a task where it is not the default; 0 leaves the task out.
        passage_bytes: held-out bytes scored for bits per byte, for each source.
        prompts: held-out beginnings for the judge.
        facts: {source, count, restatements} of the facts source, None where there is none.
        seed: of everything drawn.
    """

    sources: Mapping[str, str]
    items: Mapping[str, int] = field(default_factory=dict)
    passage_bytes: int = 60_000
    prompts: int = 100
    facts: Mapping[str, Any] | None = None
    seed: int = 0

    def count(self, task: str) -> int:
        return self.items.get(task, DEFAULT_ITEMS[task])


def build_suite(plan: SuitePlan, corpus: Path, out: Path, progress: Progress = silent) -> None:
    """Build every task the corpus allows.

    Args:
        corpus: a corpus step's folder.
        out: an existing, empty folder.

    Raises:
        BadInput: the plan names a task that does not exist, or the corpus has no held-out prose for prompts.
    """
    for name in plan.items:
        if name not in DEFAULT_ITEMS:
            raise BadInput(
                f'no task "{name}" with a number of items{did_you_mean(name, DEFAULT_ITEMS)}', field="evaluate.items"
            )
    held = {source: passages.held_out(corpus, source) for source in passages.sources(corpus) if source in plan.sources}
    drafts, left_out = _drafts(plan, held)
    beginnings = [
        prompt
        for source in _of_kind(plan, held, PROSE)
        for prompt in _first(passages.prompts(held[source], source, plan.seed), 4 * plan.prompts)
    ]
    searched = [*(item for draft in drafts for item in draft.candidates), *beginnings]
    traces = Traces(item.shown for item in searched)
    names = sources_of(corpus)
    for done, name in enumerate(names):
        progress(done, len(names), f"searching {name} for the items")
        traces.search(name, training_texts(corpus, name))

    tasks = []
    for draft in drafts:
        task = draft.settle(traces)
        if task.name == "facts" and plan.facts:
            task = stated(task, plan.facts, corpus, names)
        if task.items:
            tasks.append(task)
        else:
            left_out[draft.name] = draft.empty
    chosen = [prompt for prompt in beginnings if not traces.found(prompt.text)][: plan.prompts]
    _write(out, plan, tasks, left_out, chosen, len(beginnings))
    progress(len(names), len(names), f"{sum(len(task.items) for task in tasks)} items")


def _first(stream: Any, n: int) -> list[Any]:
    return [entry for entry, _ in zip(stream, range(n), strict=False)]


def _of_kind(plan: SuitePlan, held: Mapping[str, Sequence[passages.Held]], kinds: Sequence[str]) -> list[str]:
    return [source for source in sorted(held) if plan.sources[source] in kinds and held[source]]


def _drafts(plan: SuitePlan, held: Mapping[str, Sequence[passages.Held]]) -> tuple[list[Draft], dict[str, str]]:
    """The tasks this plan and corpus allow, and why others are left out."""
    drafts: list[Draft] = []
    left_out: dict[str, str] = {}
    for source, documents in held.items():
        kind = plan.sources[source]
        if not documents:
            left_out[f"bpb_{source}"] = f"the corpus holds out no document of {source}"
            continue
        drafts.append(
            Draft(
                f"bpb_{source}",
                {"text": "language", "facts": "knowledge"}.get(kind, "code"),
                "rolling",
                "bits_per_byte",
                None,
                f"bits per byte of held-out documents of {source}",
                _some(passages.rolling(documents, source, plan.seed), plan.passage_bytes),
                lambda clean: passages.within(clean, plan.passage_bytes),
                drop=kind not in GENERATED,
            )
        )
    for name, kinds, category in (("continue_text", PROSE, "language"), ("continue_code", CODE, "code")):
        n = plan.count(name)
        places = [
            place
            for source in _of_kind(plan, held, kinds)
            for place in _first(passages.junctions(held[source], source, plan.seed), 4 * n)
        ]
        drafts.append(
            Draft(
                name,
                category,
                "match",
                "accuracy",
                0.25,
                "which of four beginnings a held-out passage continues (three are from other groups); the passage is "
                "scored after each of them",
                places,
                lambda clean, n=n: passages.continuation(clean, n),  # type: ignore[misc]
                empty="it takes held-out documents from four groups that are long enough",
            )
        )
    for name, make, category, chance, what in PROBES:
        made = make(plan.count(name), plan.seed) if plan.count(name) else []
        drafts.append(Draft(name, category, "choice", "accuracy", chance, what, made, whole_blocks))
    if plan.facts:
        drafts.append(
            Draft(
                "facts",
                "knowledge",
                "choice",
                "accuracy",
                0.25,
                "facts that only the facts source states, asked as the beginning of one of its sentences",
                known.questions(known.stated(plan.facts)),
                drop=False,
            )
        )
    else:
        left_out["facts"] = "the corpus has no facts source"
    synthetic = _of_kind(plan, held, ("synthetic",))
    drafts.append(
        Draft(
            "programs",
            "code",
            "program",
            "pass@1",
            0.0,
            "tiny Python programs the model completes, run against their tests (greedy)",
            [item for source in synthetic for item in programs.items(held[source], plan.count("programs"))],
            lambda clean: tuple(clean)[: plan.count("programs")],
            drop=False,
            needs=("isolation",),
            empty="the corpus has no held-out synthetic problems",
        )
    )
    return [draft for draft in drafts if plan.items.get(draft.name, 1)], left_out


PROBES: tuple[tuple[str, Callable[[int, int], list[Choice]], str, float, str], ...] = (
    (
        "entity_tracking",
        probes.entity_tracking,
        "reasoning",
        0.25,
        "where a thing is after 0 to 3 changes of its place",
    ),
    ("boolean", probes.boolean, "reasoning", 0.5, "the value of an expression over True, False, not, and, or"),
    ("arithmetic", probes.arithmetic, "reasoning", 0.25, "the result of a sum, difference or product of small numbers"),
    ("brackets", pairs.brackets, "code", 0.5, "which of two open brackets closes first; ties are wrong"),
    ("indent", pairs.indent, "code", 0.5, "whether the next line of a Python block is indented; ties are wrong"),
)


def _some(stream: Any, limit: int) -> list[Passage]:
    """Candidates worth four times the bytes that will be kept."""
    kept: list[Passage] = []
    size = 0
    for passage in stream:
        if size >= 4 * limit:
            break
        kept.append(passage)
        size += len(passage.text.encode())
    return kept


def _write(
    out: Path,
    plan: SuitePlan,
    tasks: Sequence[Task],
    left_out: Mapping[str, str],
    prompts: Sequence[passages.Prompt],
    seen: int,
) -> None:
    if not prompts:
        raise BadInput(
            "the corpus has no held-out prose of 200 characters or more, so nothing can be completed and judged",
            field="corpus.sources",
            fix="Give more text: --source text=PATH.",
        )
    (out / "items").mkdir()
    (out / "tasks").mkdir()
    for task in tasks:
        write_items(out / "items" / f"{task.name}.jsonl", task.items)
        if task.form in OUTPUT:
            write_text(out / "tasks" / f"{task.name}.yaml", task_file(task.name, task.form))
    write_lines(out / "prompts.jsonl", ({"id": prompt.id, "text": prompt.text} for prompt in prompts))
    write_json(
        out / "suite.json",
        {
            "version": VERSION,
            "seed": plan.seed,
            "tasks": {task.name: task.describe() for task in tasks},
            "left_out": dict(left_out),
            "prompts": len(prompts),
            "prompts_seen": seen,
        },
    )
