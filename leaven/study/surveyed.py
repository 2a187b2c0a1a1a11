"""Under which names the surveys of what is no source stand, and what follows from them before anything is built.

No source can have one of these names: a source's holds no slash.
"""

from __future__ import annotations

from collections.abc import Mapping

from leaven.study.corpus_graph import Survey
from leaven.study.suites import Suite

PROMPTS = "prompts/set"
"""The judged prompts, where they are a file."""
JUDGE = "judge/weights"
"""A local judge's weights."""


def benchmark_key(name: str) -> str:
    """A benchmark's data."""
    return f"benchmark/{name}"


def start_key(path: str) -> str:
    """A folder of weights trained elsewhere."""
    return f"start/{path}"


def executed(suite: Suite, surveys: Mapping[str, Survey]) -> list[str]:
    """The tasks of a suite that execute what a model wrote."""
    made = ["programs"] if suite.made == "all" else []
    forms = {name: surveys[benchmark_key(name)].form for name in suite.tasks if benchmark_key(name) in surveys}
    return sorted([*made, *(name for name, form in forms.items() if form == "program")])
