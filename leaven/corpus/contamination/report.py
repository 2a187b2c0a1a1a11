"""What the search for evaluation items found. A task that has no entry was not looked for and is not called clean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from leaven.corpus.contamination.items import Items


@dataclass(frozen=True)
class Checked:
    """A task whose items were looked for.

    Attributes:
        items: of the task.
        unsearched: items too short to tell anything; they count as neither found nor clean.
        matched: items that some document holds.
        documents: documents that hold some item.
        checked: always true; a task that was not looked for has no entry.
    """

    items: int
    unsearched: int
    matched: int
    documents: int
    checked: bool = True


@dataclass(frozen=True)
class Match:
    """An item and a document that holds a text of it."""

    task: str
    item: str
    document: str


@dataclass(frozen=True)
class Report:
    """Per task what was found, and every match."""

    tasks: Mapping[str, Checked]
    matches: tuple[Match, ...]

    def as_data(self) -> dict[str, Any]:
        """As plain data; matches as [task, item, document]."""
        return {
            "tasks": {task: asdict(row) for task, row in self.tasks.items()},
            "matches": [[match.task, match.item, match.document] for match in self.matches],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Report:
        """What `as_data` gave."""
        tasks = {task: Checked(**row) for task, row in data["tasks"].items()}
        return cls(tasks, tuple(Match(*row) for row in data["matches"]))


def report(items: Mapping[str, Items], found: Iterable[tuple[str, Iterable[tuple[str, int]]]]) -> Report:
    """Count what was found.

    Args:
        items: all that was looked for, by task.
        found: document → hits, as `Index.search` gives them.
    """
    matches: dict[Match, None] = {}
    for document, hits in found:
        for task, number in hits:
            matches[Match(task, items[task].ids[number], document)] = None
    tasks = {}
    for task, row in items.items():
        here = [match for match in matches if match.task == task]
        count = len({*row.ids, *row.unsearched})
        matched, documents = len({match.item for match in here}), len({match.document for match in here})
        tasks[task] = Checked(count, len(row.unsearched), matched, documents)
    return Report(tasks, tuple(matches))
