"""Items that occur in training documents: what the verdict is with them and without them.

The suite step looks every benchmark's items up in the training documents and names those that occur; it asks them all
the same (EVALUATION.md §3). Verdicts are about all items. Where some occur, every comparison is made once more on the
rest, corrected within the same families, and a verdict that depends on the items that occur is flagged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.analyze.decision import Comparison, decide_all
from leaven.analyze.gates import Gate
from leaven.analyze.text import listing
from leaven.ground.files import read_json


def dirty_items(suite: Path | None) -> dict[str, frozenset[str]]:
    """Task -> ids of its items that occur in training documents, from a suite step's folder."""
    found = {name: row.get("items") or () for name, row in _overlaps(suite).items()}
    return {name: frozenset(map(str, items)) for name, items in found.items() if items}


def searched(suite: Path | None) -> frozenset[str]:
    """Tasks whose items were looked for in the training documents."""
    return frozenset(name for name, row in _overlaps(suite).items() if row.get("candidates"))


def kept_gates(suite: Path | None, tasks: Collection[str]) -> list[Gate]:
    """One gate for every one of these tasks with items that occur and that nobody named, so that no comparison can be
    made without them: those of a generated task, which shares phrases with its generated documents."""
    found = []
    for task, row in sorted(_overlaps(suite).items()):
        count = int(row.get("occurring") or 0)
        if task in tasks and count and not row.get("items"):
            said = (
                f"{_items(count, task)} occur{'s' if count == 1 else ''} in training "
                "documents and count all the same; what the verdicts are without them is not known"
            )
            found.append(Gate("contaminated", "", "", None, task, said, "flagged"))
    return found


def _overlaps(suite: Path | None) -> dict[str, Mapping[str, Any]]:
    """Task -> what the search for its items found, empty where nobody searched; from a suite step's folder."""
    if suite is None or not (suite / "suite.json").is_file():
        return {}
    tasks = read_json(suite / "suite.json").get("tasks") or {}
    return {str(name): task.get("overlap") or {} for name, task in tasks.items()}


Key = tuple[str, str, str, str]


def _key(comparison: Comparison) -> Key:
    return comparison.size, comparison.variant, comparison.baseline, comparison.measure.name


def without(comparisons: Sequence[Comparison], clean: Sequence[Comparison], alpha: float) -> dict[Key, dict[str, Any]]:
    """(size, variant, baseline, measure) -> effect, low, high, unit, items and verdict without the items that occur.

    Args: `clean`: the comparisons that have such items, made without them.
    """
    instead = {_key(one): one for one in clean}
    if not instead:
        return {}
    rows = decide_all([instead.get(_key(one), one) for one in comparisons], alpha)
    keys = [(row["size"], row["variant"], row["baseline"], row["measure"]) for row in rows]
    kept = ("verdict", "effect", "low", "high", "unit", "items")
    return {key: {name: row[name] for name in kept} for key, row in zip(keys, rows, strict=True) if key in instead}


def whole_gates(size: str, measure: str, tasks: Mapping[str, int], *, left: bool) -> list[Gate]:
    """One gate for every task of which each item occurs, so that no comparison without them can hold it.

    Args: `tasks` of the measure of which that is so -> their items; `left`: whether the measure has tasks besides.
    """
    follows = f"without them the task is no part of {measure}" if left else f"nothing of {measure} is left to compare"
    found = []
    for task, count in tasks.items():
        every = f"all {_items(count, task)} occur" if count > 1 else f"the only item of {task} occurs"
        said = f"{every} in training documents; {follows}"
        found.append(Gate("contaminated", size, "", None, task, said, "flagged"))
    return found


def _items(count: int, task: str) -> str:
    return f"{count} item{'' if count == 1 else 's'} of {task}"


def gates(
    rows: Sequence[Mapping[str, Any]], tasks: Mapping[tuple[str, str], Sequence[str]], dirty: Mapping[str, int]
) -> list[Gate]:
    """One gate for every measure of a size with items that occur, and one for every verdict they decide.

    Args: `rows` of the verdict with `clean` (`without`, or None); `tasks`: (size, measure) -> tasks that count.
    """
    found = []
    for size, measure in dict.fromkeys((row["size"], row["measure"]) for row in rows if row["clean"]):
        mine = [row for row in rows if (row["size"], row["measure"]) == (size, measure) and row["clean"]]
        named = [task for task in tasks[size, measure] if dirty.get(task)]
        counts = listing([_items(dirty[task], task) for task in named])
        changed = [row for row in mine if row["clean"]["verdict"] != row["verdict"]]
        occur = "occurs" if [dirty[task] for task in named] == [1] else "occur"
        head = f"{counts} {occur} in training documents"
        task = named[0] if len(named) == 1 else ""
        for row in changed:
            said = (
                f"{head}; without them {row['variant']} against {row['baseline']} on {measure} is "
                f"{row['clean']['verdict']}, and not {row['verdict']}"
            )
            found.append(Gate("contaminated", size, row["variant"], None, task, said, "flagged"))
        if not changed:
            said = f"{head}; without them every verdict on {measure} is the same"
            found.append(Gate("contaminated", size, "", None, task, said, "flagged"))
    return found
