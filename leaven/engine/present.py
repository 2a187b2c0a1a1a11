"""Which of the tasks that measures read are there at all: found, made from sources that are here, executable here."""

from __future__ import annotations

from leaven.engine.benchmarks import PASSAGES
from leaven.engine.prepare import Prepared
from leaven.evaluate.made import CODE, PROSE
from leaven.study.surveyed import benchmark_key

KINDS = {"continue_text": PROSE, "continue_code": CODE, "programs": ("synthetic",), "facts": ("facts",)}
"""Tasks made from held-out documents, and of which kinds."""


def absent_tasks(prepared: Prepared) -> frozenset[str]:
    """Tasks of the study's measures that no evaluation will hold, as far as is known before they are built."""
    graph, suite = prepared.graph, prepared.study.evaluate
    sources = graph.find("suite").fields["sources"]
    left_out = {name for step in graph.of_kind("evaluate") for name in step.fields.get("without", ())}

    def is_here(task: str) -> bool:
        if task in left_out:
            return False
        if task in suite.tasks:
            return benchmark_key(task) in prepared.given
        if task in KINDS:
            return any(kind in KINDS[task] for kind in sources.values())
        return not task.startswith(PASSAGES) or task.removeprefix(PASSAGES) in sources

    named = {task for measure in suite.measures.values() for task in measure.tasks}
    return frozenset(task for task in named if not is_here(task))
