"""Which prompts are completed and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from leaven.evaluate.prompts.frame import FRAME, check_frame
from leaven.ground.errors import BadInput


@dataclass(frozen=True)
class PromptPlan:
    """Prompts of a set.

    Args:
        set: a name of `SETS`, or the path of a file (JSON lines, JSON, CSV, Parquet, Arrow) of the user's own.
        where: field of the file → values; a row must have one of them in each field.
        limit: so many prompts at most, chosen by a keyed hash; all where None.
        frame: how an instruction is put before a model (see `frame`).
        overlapping: whether prompts that occur in training documents are only told of, or left out.
        seed: of the choice.

    Raises BadInput for a frame that cannot be filled, or a limit below 1.
    """

    set: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: int | None = None
    frame: str = FRAME
    overlapping: Literal["keep", "drop"] = "keep"
    seed: int = 0

    def __post_init__(self) -> None:
        check_frame(self.frame)
        if not self.set:
            raise BadInput("no prompt set is named", field="set")
        if self.limit is not None and (isinstance(self.limit, bool) or self.limit < 1):
            raise BadInput(f"expected a number of prompts from 1 on, found {self.limit!r}", field="limit")
        if self.overlapping not in ("keep", "drop"):
            raise BadInput(f'expected keep or drop, found "{self.overlapping}"', field="overlapping")
        for name, values in self.where.items():
            if isinstance(values, str) or not values:
                raise BadInput(f"expected a list of values, found {values!r}", field=f"where.{name}")
