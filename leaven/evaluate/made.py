"""What a suite is built for, and the tasks that a corpus allows before its training documents were searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.evaluate import known, pairs, passages, probes, programs
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.draft import Draft, whole_blocks
from leaven.evaluate.item import Choice, Passage

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
        made: which tasks are made from the corpus: "all", "passages" (held-out documents) or "none".
        benchmarks: tasks with items of their own.
        data: where benchmarks are looked for (see `leaven.evaluate.data.places`).
        include: folders of lm-eval task files of the user's own.
        decontaminated: benchmarks whose items were kept out of the corpus.
        averages: unweighted means of benchmarks, by name; passed on to those who read scores.
    """

    sources: Mapping[str, str]
    items: Mapping[str, int] = field(default_factory=dict)
    passage_bytes: int = 60_000
    prompts: int = 100
    facts: Mapping[str, Any] | None = None
    seed: int = 0
    made: str = "all"
    benchmarks: tuple[Benchmark, ...] = ()
    data: tuple[str, ...] = ()
    include: tuple[Path, ...] = ()
    decontaminated: tuple[str, ...] = ()
    averages: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def count(self, task: str) -> int:
        return self.items.get(task, DEFAULT_ITEMS[task])


def first(stream: Any, n: int) -> list[Any]:
    return [entry for entry, _ in zip(stream, range(n), strict=False)]


def of_kind(plan: SuitePlan, held: Mapping[str, Sequence[passages.Held]], kinds: Sequence[str]) -> list[str]:
    return [source for source in sorted(held) if plan.sources[source] in kinds and held[source]]


def drafts(plan: SuitePlan, held: Mapping[str, Sequence[passages.Held]]) -> tuple[list[Draft], dict[str, str]]:
    """The tasks this plan and corpus allow, and why others are left out."""
    made: list[Draft] = []
    left_out: dict[str, str] = {}
    if plan.made == "none":
        return made, left_out
    for source, documents in held.items():
        kind = plan.sources[source]
        if not documents:
            left_out[f"bpb_{source}"] = f"the corpus holds out no document of {source}"
            continue
        made.append(
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
    if plan.made == "passages":
        return made, left_out
    for name, kinds, category in (("continue_text", PROSE, "language"), ("continue_code", CODE, "code")):
        n = plan.count(name)
        places = [
            place
            for source in of_kind(plan, held, kinds)
            for place in first(passages.junctions(held[source], source, plan.seed), 4 * n)
        ]
        made.append(
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
        probes_made = make(plan.count(name), plan.seed) if plan.count(name) else []
        made.append(Draft(name, category, "choice", "accuracy", chance, what, probes_made, whole_blocks))
    if plan.facts:
        made.append(
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
    synthetic = of_kind(plan, held, ("synthetic",))
    made.append(
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
    return [draft for draft in made if plan.items.get(draft.name, 1)], left_out


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
