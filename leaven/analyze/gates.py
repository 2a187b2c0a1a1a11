"""Gates: what must not enter a verdict unseen, by stated rules, each with the sentence that a reader is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Gate:
    """Something that a gate left out or flagged. Empty `variant` or `task` and `seed` None: it is not about a single
    one."""

    gate: Literal["diverged", "contaminated", "degenerate", "at chance", "few seeds"]
    size: str
    variant: str
    seed: int | None
    task: str
    said: str
    effect: Literal["left out", "flagged"]

    def row(self) -> dict[str, Any]:
        return asdict(self)
