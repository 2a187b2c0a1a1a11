"""Degenerate models: those that give one answer to everything, or answers that are none.

A model that always says yes has 62 % on BoolQ (EVALUATION.md §6), and a completion that loops has a low loss. The
at-chance rule keeps such tasks from counting where the constant answer is as good; here it is told, whatever the score,
what a model's answers look like. Nothing is left out: a broken arm that scores badly is a finding.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.analyze.gates import Gate
from leaven.analyze.text import listing
from leaven.ground.files import read_json

SAME = 0.95
"""Share of items with the same answer from which a model is called constant."""
EMPTY = 0.5
"""Share of ties, or of empty or repeating texts, from which answers are called degenerate."""


def answer_gates(evaluations: Sequence[Mapping[str, Any]], tasks: Collection[str]) -> list[Gate]:
    """Gates on `{size, variant, seed, folder}`, from the shares that `scores.json` records of these tasks.

    One gate for a variant and task, on the worst of its seeds. A task whose right answers are themselves all the same
    is passed over.
    """
    worst: dict[tuple[str, str, str], tuple[float, int, str]] = {}
    shares: dict[tuple[str, str, str], dict[int, float]] = {}
    for evaluation in sorted(evaluations, key=lambda e: int(e["seed"])):
        path = Path(evaluation["folder"]) / "scores.json"
        if not path.is_file():
            continue
        for task, scores in sorted(read_json(path).items()):
            found = _finding(scores) if task in tasks else None
            if found:
                key = (str(evaluation["size"]), str(evaluation["variant"]), task)
                shares.setdefault(key, {})[int(evaluation["seed"])] = found[0]
                worst[key] = max(worst.get(key, (0.0, 0, "")), (found[0], -int(evaluation["seed"]), found[1]))
    gates = []
    for (size, variant, task), (_, seed, what) in sorted(worst.items()):
        others = [f"{n} ({100 * share:.0f} %)" for n, share in shares[size, variant, task].items() if n != -seed]
        more = f"; likewise seed{'' if len(others) == 1 else 's'} {listing(others)}" if others else ""
        said = f"{variant} seed {-seed} on {task}: {what}{more}"
        gates.append(Gate("degenerate", size, variant, None if others else -seed, task, said, "flagged"))
    return gates


def told(evaluation: Path, tasks: Collection[str]) -> bool:
    """Whether a folder's `scores.json` records of any of these tasks what its answers look like."""
    path = evaluation / "scores.json"
    scores = read_json(path) if path.is_file() else {}
    rows = [scores[task] for task in tasks if task in scores]
    return any(row.get("always") or row.get("degenerate") for row in rows)


def _finding(scores: Mapping[str, Any]) -> tuple[float, str] | None:
    """(share, what is wrong) of one task of one model."""
    always = scores.get("always") or {}
    share = float(always.get("share") or 0.0)
    levels = [float(scores[name]) for name in ("constant", "majority") if scores.get(name) is not None]
    if share >= SAME and max(levels, default=0.0) < SAME:
        return share, f'the answer is "{always.get("answer", "")}" in {100 * share:.0f} % of the items'
    broken = float(scores.get("degenerate") or 0.0)
    if broken >= EMPTY:
        return broken, f"{100 * broken:.0f} % of the answers are ties, empty or repeat themselves"
    return None


def completion_gates(winrates: Sequence[Mapping[str, Any]]) -> list[Gate]:
    """Judged pairs of whose completions most are degenerate."""
    gates = []
    for row in winrates:
        votes = int(row["prompts"]) * int(row["seeds"])
        if votes and row["degenerate"] >= EMPTY * votes:
            said = (
                f"{row['variant']} against {row['baseline']}: in {100 * row['degenerate'] / votes:.0f} % of the votes "
                "a completion is empty or repeats itself"
            )
            gates.append(Gate("degenerate", str(row["size"]), str(row["variant"]), None, "", said, "flagged"))
    return gates
