"""Gates: what must not enter a verdict unseen, by stated rules, each with the sentence that a reader is told.

A gate leaves something out or flags it. The rules on single tasks, seeds and items stand in `chance`, `divergence`,
`contamination` and `degeneracy`; here is what they hand on, and the rules on the number of seeds and of items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from leaven.analyze.results import Sampled
from leaven.analyze.text import listing

if TYPE_CHECKING:
    from leaven.analyze.decision import Comparison

FEWEST_SEEDS = 3
"""Seeds an arm should have at least (METHODS.md §2.2); of two, a difference must exceed 12.7 standard errors."""
FEWEST_CLUSTERS = 5
"""Items, or groups of items, that a measure should have at least: of fewer a bootstrap draws nearly the same again and
again, and of one always the same, so that intervals hold the spread of seeds alone."""
GATES = ("diverged", "at chance", "contaminated", "degenerate", "few seeds", "few items")
"""In the order in which they are told."""

Effect = Literal["left out", "flagged"]
LEFT_OUT: Effect = "left out"


@dataclass(frozen=True)
class Gate:
    """Something that a gate left out or flagged. Empty `variant` or `task` and `seed` None: it is not about a single
    one."""

    gate: Literal["diverged", "contaminated", "degenerate", "at chance", "few seeds", "few items"]
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


def seed_gates(size: str, arms: Mapping[str, Mapping[str, Sampled]], pairs: Sequence[Comparison] = ()) -> list[Gate]:
    """Arms of fewer than FEWEST_SEEDS seeds, in one row where all have equally few; and pairs with fewer in common,
    where that is fewer than either arm has.

    Args: `arms`: measure -> variant -> its statistic; `pairs` of this size.
    """
    few: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    variants = list(dict.fromkeys(variant for of_measure in arms.values() for variant in of_measure))
    for variant in variants:
        counts = {name: len(of_measure[variant].seeds) for name, of_measure in arms.items() if variant in of_measure}
        for key in _by_count(counts):
            few.setdefault(key, []).append(variant)
    gates = []
    for (count, on), names in sorted(few.items(), key=lambda each: each[0]):
        who = "every variant has" if names == variants else f"{listing(names)} {'has' if len(names) == 1 else 'have'}"
        alone = names[0] if len(names) == 1 else ""
        gates.append(Gate("few seeds", size, alone, None, "", f"{who} {_few(count, 'seed', on)}", "flagged"))
    shared: dict[tuple[str, str], dict[str, int]] = {}
    for pair in pairs:
        of_measure = arms.get(pair.measure.name, {})
        own = [len(of_measure[name].seeds) for name in (pair.variant, pair.baseline) if name in of_measure]
        count = pair.effect.seeds if pair.effect.seeds < min(own, default=0) else FEWEST_SEEDS
        shared.setdefault((pair.variant, pair.baseline), {})[pair.measure.name] = count
    for (variant, baseline), counts in shared.items():
        for count, on in _by_count(counts):
            said = f"{variant} against {baseline} has {_few(count, 'common seed', on)}"
            gates.append(Gate("few seeds", size, variant, None, "", said, "flagged"))
    return gates


def _by_count(counts: Mapping[str, int]) -> list[tuple[int, tuple[str, ...]]]:
    """(number below FEWEST_SEEDS, measures that have it; none where all have), from measure -> number."""
    found = []
    for count in sorted(each for each in set(counts.values()) if each < FEWEST_SEEDS):
        on = tuple(name for name, each in counts.items() if each == count)
        found.append((count, () if len(on) == len(counts) else on))
    return found


def _few(count: int, noun: str, on: Sequence[str]) -> str:
    follows = (
        "nothing is known of the noise between seeds, and nothing can be claimed"
        if count == 1
        else "intervals are wide, and rest on one difference of two numbers"
    )
    where = f" on {listing(on)}" if on else ""
    return f"{count} {noun}{'' if count == 1 else 's'}{where}: {follows}; {FEWEST_SEEDS} or more are needed"


def few_items(size: str, measure: str, task: str, items: int, clusters: int) -> list[Gate]:
    """The gate on a measure, or one of its tasks, that rests on fewer than FEWEST_CLUSTERS items or groups of items.
    None where nobody counted them."""
    if not 0 < clusters < FEWEST_CLUSTERS:
        return []
    counted = "1 item" if clusters == 1 else f"{clusters} {'items' if clusters == items else 'groups of items'}"
    follows = (
        "what another item would say is not known, and intervals hold the spread of seeds alone"
        if clusters == 1
        else "too few to tell how much others would differ, so that intervals may be far too narrow"
    )
    name = f"{task} of {measure}" if task else measure
    said = f"{name} rests on {counted}: {follows}; {FEWEST_CLUSTERS} or more are needed"
    return [Gate("few items", size, "", None, task, said, "flagged")]


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
