"""Tasks in the making: candidates first, items once it is known what occurs in the training documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leaven.evaluate import known
from leaven.evaluate.item import Form, Item, Task
from leaven.evaluate.overlap import Traces, training_texts


@dataclass(frozen=True)
class Draft:
    """A task before its candidates were looked for in the training documents.

    Args:
        candidates: items, or what items are made of.
        keep: makes the items from the candidates that are left.
        drop: whether candidates that occur are dropped (else only counted).
        empty: why the task is left out if no item remains.
    """

    name: str
    category: str
    form: Form
    measure: str
    chance: float | None
    what: str
    candidates: Sequence[Any]
    keep: Callable[[Sequence[Any]], Sequence[Item]] = tuple
    drop: bool = True
    needs: tuple[str, ...] = ()
    empty: str = "no item was left after removing what occurs in the training documents"

    def settle(self, traces: Traces) -> Task:
        """The task, with the candidates that do not occur, and what was found."""
        where = {id(candidate): traces.found(candidate.shown) for candidate in self.candidates}
        clean = [candidate for candidate in self.candidates if not (self.drop and where[id(candidate)])]
        items = tuple(self.keep(clean))
        kept = {item.id for item in items}
        overlap: dict[str, Any] = {
            "candidates": len(self.candidates),
            "dropped": len(self.candidates) - len(clean),
            "occurring": sum(bool(where[id(candidate)]) for candidate in clean if candidate.id in kept),
        }
        if not self.drop:
            overlap["note"] = "counted, not dropped: what is generated shares phrases with its training documents"
        return Task(
            self.name, self.category, self.form, self.measure, self.chance, self.what, items, self.needs, overlap
        )


def stated(task: Task, facts: Mapping[str, Any], corpus: Path, sources: Sequence[str]) -> Task:
    """The facts task with only the facts that training documents state, how often, and in which sources."""
    known_facts = known.stated(facts)
    counts: Counter[str] = Counter()
    naming = {}
    for name in sources:
        counts.update(known.occurrences(known_facts, training_texts(corpus, name)))
        naming[name] = known.mentions(known_facts, training_texts(corpus, name))
    items = tuple(item for item in task.items if counts[item.id])
    said = [counts[item.id] for item in items]
    overlap = {
        **task.overlap,
        "stated": {"facts": len(items), "least": min(said, default=0), "most": max(said, default=0)},
        "documents_naming_a_subject": naming,
    }
    return replace(task, items=items, overlap=overlap)


def whole_blocks(clean: Sequence[Any]) -> Sequence[Item]:
    """The items whose block is complete (ids are `block-member`): what was balanced must stay balanced."""
    sizes = Counter(item.id.rpartition("-")[0] for item in clean)
    return tuple(item for item in clean if sizes[item.id.rpartition("-")[0]] == max(sizes.values()))
