"""What `leaven eval` prints, as lines: the data comes from `leaven.evaluation`, the words are here."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from leaven.columns import table, width, wrapped
from leaven.corpus.look.visible import cut, visible
from leaven.ground.progress import Progress, Row, silent
from leaven.study.suites import SHARES

if TYPE_CHECKING:
    from leaven.evaluate.categories import Average
    from leaven.evaluation import Evaluation, Judged


WRITTEN = ("exact_match", "exact_match_lm_eval", "pass@1")
"""Measures of text that the model writes."""
MOST_SAID = 40
"""Columns of a model's own text that are shown."""
BESIDE = ("accuracy", "acc_norm", "exact_match_lm_eval", "gold_bpb", "margin")
"""What stands beside a task's own measure where there is one model only."""


@contextlib.contextmanager
def telling(*, quiet: bool = False) -> Iterator[Callable[[str], Progress]]:
    """Progress of each model: one moving line where standard error is a terminal, a line now and then elsewhere."""
    if quiet:
        yield lambda label: silent
        return
    if not sys.stderr.isatty():
        yield _lines
        return
    from rich.console import Console

    with Console(stderr=True).status("looking for the benchmarks") as status:

        def of(label: str) -> Progress:
            def tell(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
                status.update(f"{label}: {done:,.0f} of {total:,.0f} {note}" if total else f"{label}: {note}")

            return tell

        yield of


def _lines(label: str) -> Progress:
    """A line for each tenth of the work."""
    last: dict[str, int] = {}

    def tell(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
        tenth, what = int(10 * done / total) if total else 0, note.partition(" · ")[0]  # behind it are time and money
        if last.get(what) != tenth:
            last[what] = tenth
            print(f"  {label}: {done:,.0f} of {total:,.0f} {note}", file=sys.stderr, flush=True)

    return tell


def evaluation_lines(found: Evaluation) -> list[str]:
    """Scores of every task and average, what was left out, and what a reader must know of them."""
    about = found.about
    items = sum(task["n"] for task in about["tasks"].values())
    known = len(about["tasks"]) + len(about["left_out"])
    lines = [f"suite     {found.suite}: {len(about['tasks'])} of {known} tasks, {items:,} items · {found.folder}"]
    lines += [f"  left out  {name}: {reason}" for name, reason in sorted(about["left_out"].items())]
    for model in found.models:
        lines.append(f"model     {model.label} · {model.folder}{' · evaluated before' if model.again else ''}")
    lines += ["", *_tasks(found)]
    if found.categories.every:
        lines += ["", *_averages(found)]
    lines += _warnings(found)
    return lines


def _tasks(found: Evaluation) -> list[str]:
    """One line a task: of several models the measure that stands for it, of one model others beside it."""
    alone = found.models[0] if len(found.models) == 1 else None
    shown = [name for name in BESIDE if alone and any(name in entry for entry in alone.scores.values())]
    rows = []
    for name, task in found.about["tasks"].items():
        measure = task["measure"]
        entries = [model.scores.get(name, {}) for model in found.models]
        bound = next((entry["bound"] for entry in entries if entry.get("bound") is not None), None)
        ran = next((entry[measure]["n"] for entry in entries if measure in entry), task["n"])
        rows.append(
            [
                name,
                measure,
                f"{ran:,}",
                "" if bound is None or measure not in SHARES else f"{100 * bound:.1f}",
                *(_score(entry, measure) for entry in entries),
                *(_beside(entries[0], name, measure) for name in shown),
            ]
        )
    head = ["task", "measure", "items", "guessing", *(model.label for model in found.models), *shown]
    return table(head, rows, numbers=range(2, len(head)), most=width())


def _score(entry: Mapping[str, Any], measure: str) -> str:
    """`51.2 ± 1.1`; a star where it is not above what guessing scores."""
    if measure not in entry:
        return "not run"
    value, error = entry[measure]["value"], entry[measure]["se"]
    star = "*" if measure in SHARES and entry.get("above_chance_hint") is False else " "
    return f"{_number(value, error, measure in SHARES)}{star}"


def _beside(entry: Mapping[str, Any], name: str, measure: str) -> str:
    if name == measure or name not in entry:
        return ""
    return _number(entry[name]["value"], None, name in SHARES)


def _number(value: float, error: float | None, share: bool) -> str:
    factor, places = (100, 1) if share else (1, 3)
    spread = "" if error is None else f" ± {factor * error:.{places}f}"
    return f"{factor * value:.{places}f}{spread}"


def _averages(found: Evaluation) -> list[str]:
    rows = []
    primary = {name: task["measure"] for name, task in found.about["tasks"].items()}
    for name, every in found.categories.every.items():
        above = found.categories.above.get(name)
        for rule, averages in (("every task that ran", every), ("at-chance rule", above)):
            if averages is None:
                continue
            counted = next(iter(averages.values())).tasks
            share = all(primary.get(task) in SHARES for task in counted)
            rows.append(
                [name, rule, str(len(counted)), *(_average(averages[model.label], share) for model in found.models)]
            )
    head = ["average", "of", "tasks", *(model.label for model in found.models)]
    return table(head, rows, numbers=range(2, len(head)), most=width())


def _average(average: Average, share: bool) -> str:
    if average.value is None:
        return "none"
    return _number(average.value, average.se, share)


def _warnings(found: Evaluation) -> list[str]:
    lines = [f"at chance {entry.task}: {entry.reason}" for entry in found.categories.at_chance]
    lines += [
        f"not run   {name}: {reason}"
        for name, reason in found.categories.missing.items()
        if name not in found.about["left_out"]
    ]
    cut = [name for name, task in found.about["tasks"].items() if task["origin"].get("data", {}).get("cut")]
    if cut:
        lines += wrapped("cut       ", [f"{', '.join(cut)}: a part of the published items, not the benchmark itself"])
    for name, task in found.about["tasks"].items():
        for note in task["origin"].get("notes") or ():
            lines += wrapped("note      ", [f"{name}: {note}"], most=width())
    for model in found.models:
        lines += _of_model(model, several=len(found.models) > 1)
    if not any(task["overlap"] for task in found.about["tasks"].values()):
        lines.append("overlap   unknown: these models' training documents were not searched for the items")
    return ["", *lines] if lines else []


def _of_model(model: Judged, *, several: bool) -> list[str]:
    """What of a model's answers a reader must know."""
    whose = f"{model.label}: " if several else ""
    lines = []
    for name, entry in model.scores.items():
        always = entry.get("always") or {}
        if entry.get("truncated"):
            lines.append(f"truncated {whose}{name}: {entry['truncated']:,} items are longer than the model reads")
        if always and always.get("share", 0) >= 0.95:
            said = cut(visible(str(always["answer"])), MOST_SAID)  # a model's own text, so never as it is
            lines.append(f'one answer {whose}{name}: "{said}" in {100 * always["share"]:.0f} % of items')
        if entry.get("degenerate", 0) >= 0.05:
            what = "are empty or repeat themselves" if entry["score"]["measure"] in WRITTEN else "are tied"
            lines.append(f"degenerate {whose}{name}: {100 * entry['degenerate']:.0f} % of answers {what}")
    levels = {str(entry["isolation"]) for entry in model.scores.values() if "isolation" in entry}
    if levels:
        lines.append(f"isolation {whose}programs ran in {', '.join(sorted(levels))}")
    return lines
