"""What is kept of every item, and the two tables it is written to.

`items.parquet` is the long form that the analysis pairs: one row for each measure of each item. `details.parquet` is
one row for each item: everything the measures were computed from, so that another measure needs no model.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from leaven.evaluate.item import Answerable, Foreign, Item, Match, Passage, Program
from leaven.ground.tables import write_table

ITEMS = pa.schema(
    [(name, pa.string()) for name in ("task", "item", "measure")] + [("value", pa.float64()), ("group", pa.string())]
)
DETAILS = pa.schema(
    [
        ("task", pa.string()),
        ("item", pa.string()),
        ("prompts", pa.list_(pa.string())),
        ("gold", pa.int32()),
        ("predicted", pa.int32()),
        ("nats", pa.list_(pa.float64())),
        ("characters", pa.list_(pa.int64())),
        ("bytes", pa.list_(pa.int64())),
        ("tokens", pa.list_(pa.int64())),
        ("greedy", pa.list_(pa.bool_())),
        ("texts", pa.list_(pa.string())),
        ("outcomes", pa.list_(pa.string())),
        ("level", pa.string()),
        ("truncated", pa.bool_()),
        ("uneven", pa.bool_()),
    ]
)

FOREIGN = {
    "acc": "correct",
    "acc_norm": "acc_norm",
    "acc_bytes": "acc_bytes",
    "exact_match": "exact_match",
    "pass@1": "passed",
}
"""lm-eval's metrics that are, where they are averaged, what ours of the name are."""


@dataclass(frozen=True)
class Scored:
    """Strings that were scored: the choices of an item, a known answer or solution, a passage.

    Args:
        nats: log-likelihood of each.
        characters: of each, without the delimiter.
        bytes: UTF-8 bytes that were scored of each.
        tokens: tokens that were scored of each.
        greedy: whether the model would have written each.
        truncated: some context was cut from the left to fit the model.
        uneven: some string began inside a token.
    """

    nats: tuple[float, ...] = ()
    characters: tuple[int, ...] = ()
    bytes: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()
    greedy: tuple[bool, ...] = ()
    truncated: bool = False
    uneven: bool = False


@dataclass(frozen=True)
class Record:
    """One item of one task.

    Args:
        measures: by their names in `items.parquet`.
        predicted: the first of the likeliest choices.
        texts: what was written, one a sample.
        outcomes: what became of each when it ran.
        level: the isolation it ran at.
    """

    item: Item
    measures: Mapping[str, float]
    scored: Scored = field(default_factory=Scored)
    predicted: int | None = None
    texts: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    level: str | None = None


@dataclass(frozen=True)
class Aggregate:
    """lm-eval's own number for a whole task.

    Args:
        name: of the metric; `metric,filter` where it is that of a filter.
        value: null where lm-eval finds none.
        n: values that it was made of.
        plain: whether it is their plain mean, which has a standard error.
        why: why it is null.
    """

    name: str
    value: float | None
    n: int
    plain: bool
    why: str = ""


class Records(list[Record]):
    """The records of a task, in the order of its items.

    Args:
        aggregates: what lm-eval says of the task as a whole, where only lm-eval knows how it is scored.
    """

    def __init__(self, records: Iterable[Record] = (), aggregates: Sequence[Aggregate] = ()) -> None:
        super().__init__(records)
        self.aggregates = tuple(aggregates)


def prompts(item: Item) -> list[str]:
    """SHA-256 of the exact bytes of the prompt, or of each context where an item has several; a passage has none, and
    that of a foreign item is known to lm-eval only."""
    if isinstance(item, Passage | Foreign):
        texts: tuple[str, ...] = ()
    elif isinstance(item, Match):
        texts = item.contexts
    else:
        texts = (item.prompt if isinstance(item, Program) else item.context,)
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def lm_eval_measures(metrics: Mapping[str, Any]) -> dict[str, float]:
    """lm-eval's own values of an item that are finite numbers, as `lm_eval/<metric>`."""
    return {
        f"lm_eval/{name}": float(value)
        for name, value in sorted(metrics.items())
        if isinstance(value, int | float | np.number | np.bool_) and math.isfinite(value)
    }


def write_records(out: Path, tasks: Mapping[str, Sequence[Record]]) -> None:
    """Both tables, tasks by name."""
    rows: dict[str, list[Any]] = {name: [] for name in ITEMS.names}
    details: dict[str, list[Any]] = {name: [] for name in DETAILS.names}
    for task, records in sorted(tasks.items()):
        for record in records:
            item = record.item
            for measure, value in record.measures.items():
                _append(rows, (task, item.id, measure, value, item.group))
            _append(details, (task, item.id, *_detail(record)))
    write_table(out / "items.parquet", rows, ITEMS)
    write_table(out / "details.parquet", details, DETAILS)


def _detail(record: Record) -> tuple[Any, ...]:
    item, scored = record.item, record.scored
    return (
        prompts(item),
        item.gold if isinstance(item, Answerable) else None,
        record.predicted,
        list(scored.nats),
        list(scored.characters),
        list(scored.bytes),
        list(scored.tokens),
        list(scored.greedy),
        list(record.texts),
        list(record.outcomes),
        record.level,
        scored.truncated,
        scored.uneven,
    )


def _append(columns: Mapping[str, list[Any]], cells: Sequence[Any]) -> None:
    for column, cell in zip(columns.values(), cells, strict=True):
        column.append(cell)
