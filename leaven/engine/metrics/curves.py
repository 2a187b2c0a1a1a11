"""The curve of a finished stage as rows, and which rows a stage's curve has."""

from __future__ import annotations

from collections.abc import Collection

from leaven.engine.store import Store
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Row
from leaven.ground.tables import read_table
from leaven.study.step import Step


def expected(stage: Step) -> list[int]:
    """The steps of training after which the stage measures: every so many, and the last."""
    every, steps = int(stage.fields["curve"]["every"]), int(stage.fields["steps"])
    return [*range(every, steps, every), steps]


def in_curve(stage: Step, at: int) -> bool:
    """Whether a row measured after `at` steps is one of the curve, and not one between."""
    return at % int(stage.fields["curve"]["every"]) == 0 or at == stage.fields["steps"]


def missed(store: Store, stage: Step, heard: Collection[int]) -> list[Row]:
    """Rows of a finished stage's curve that were not heard, in order; none where the results cannot be read."""
    if all(at in heard for at in expected(stage)):
        return []
    try:
        table = read_table(store.file(stage.identity, "curve.parquet"))
    except (OSError, ValueError, LeavenError):
        return []
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    return [{**row, "tokens_per_second": None} for row in rows if row["step"] not in heard]
