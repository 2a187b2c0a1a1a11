"""Gates: what must not enter a verdict unseen, by stated rules, each with the sentence that a reader is told.

A gate leaves something out or flags it. The rules on single tasks, seeds and items stand in `chance`, `divergence`,
`contamination` and `degeneracy`; here is what they hand on, and the rule on the number of seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from leaven.analyze.results import Sampled
from leaven.analyze.text import listing

FEWEST_SEEDS = 3
"""Seeds an arm should have at least (METHODS.md §2.2); of two, a difference must exceed 12.7 standard errors."""
GATES = ("diverged", "at chance", "contaminated", "degenerate", "few seeds")
"""In the order in which they are told."""

Effect = Literal["left out", "flagged"]
LEFT_OUT: Effect = "left out"


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
    effect: Effect

    def row(self) -> dict[str, Any]:
        return asdict(self)


def chance_gates(excluded: Sequence[Mapping[str, Any]]) -> list[Gate]:
    """Of the rows of excluded tasks those that are at chance: only they hold the values of the variants compared."""
    return [
        Gate("at chance", str(row.get("size") or ""), "", None, str(row["task"]), str(row["reason"]), LEFT_OUT)
        for row in excluded
        if row["values"]
    ]


def seed_gates(size: str, arms: Mapping[str, Sampled]) -> list[Gate]:
    """Arms of fewer than FEWEST_SEEDS seeds; one row where all have equally few."""
    few = {variant: len(arm.seeds) for variant, arm in arms.items() if len(arm.seeds) < FEWEST_SEEDS}
    gates = []
    for count in sorted(set(few.values())):
        names = [variant for variant, seeds in few.items() if seeds == count]
        follows = (
            "nothing is known of the noise between seeds, and nothing can be claimed"
            if count == 1
            else "intervals are wide, and rest on one difference of two numbers"
        )
        who = (
            "every variant has"
            if len(names) == len(arms)
            else f"{listing(names)} {'has' if len(names) == 1 else 'have'}"
        )
        said = f"{who} {count} seed{'' if count == 1 else 's'}: {follows}; {FEWEST_SEEDS} or more are needed"
        gates.append(Gate("few seeds", size, names[0] if len(names) == 1 else "", None, "", said, "flagged"))
    return gates


def ordered(gates: Sequence[Gate], sizes: Sequence[str]) -> list[dict[str, Any]]:
    """Rows by gate, size, task and variant; what is said twice is said once."""
    place = {size: i for i, size in enumerate(sizes)}
    rows = [gate.row() for gate in dict.fromkeys(gates)]
    return sorted(
        rows,
        key=lambda row: (
            GATES.index(row["gate"]),
            place.get(row["size"], len(place)),
            row["task"],
            row["variant"],
            -1 if row["seed"] is None else row["seed"],
        ),
    )
