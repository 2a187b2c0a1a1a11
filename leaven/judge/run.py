"""The judge step: the completions of two models, compared prompt by prompt, to a folder of votes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leaven.ground.errors import LeavenError
from leaven.ground.files import write_json
from leaven.ground.progress import Progress, silent
from leaven.ground.tables import write_table
from leaven.judge.controls import controls as control_pairs
from leaven.judge.controls import tally
from leaven.judge.protocol import Completion, Gate, judge_both_orders, questions_about
from leaven.judge.question import Judge, Question
from leaven.judge.record import VOTES, columns, summary, write_replies

Pair = tuple[Completion, Completion]


def judge_pair(
    a_folder: Path,
    b_folder: Path,
    judge: Judge,
    out: Path,
    progress: Progress = silent,
    *,
    gate: Gate = "lose",
    controls: int = 0,
    seed: int = 0,
) -> None:
    """Compare the completions of two complete steps; the outcome is that of a.

    Writes `votes.parquet` (VOTES, sorted by prompt), `judge.json` and, where the judge wrote anything,
    `replies.jsonl`. Equal votes give equal bytes.

    Args:
        gate: what becomes of degenerate completions (`protocol`).
        controls: pairs with a known better side, made of b's completions and asked among the others.
        seed: of the choice of controls and the order of their words.

    Raises LeavenError where the two steps did not complete the same prompts, where a file is damaged, and where not
    one of the questions asked got an answer: such votes would say nothing, and would be kept.
    """
    pairs, known = _pairs(a_folder, b_folder, controls, seed)
    # One call for both: one progress, and one bound on what is under way.
    found = judge_both_orders([*pairs, *known], judge, progress, gate=gate)
    votes, checked = found[: len(pairs)], found[len(pairs) :]
    asked = [vote for vote in votes if not vote.rule]
    if asked and all(vote.outcome == "error" for vote in asked):
        reasons = ", ".join(sorted({vote.reason for vote in asked}))
        raise LeavenError(f"judge {judge.name} answered none of {len(asked)} prompts: {reasons}")
    write_table(out / "votes.parquet", columns(votes), VOTES)
    write_replies(out / "replies.jsonl", votes)
    write_json(out / "judge.json", summary(votes, judge, gate, tally(checked)))


def questions_of(
    a_folder: Path, b_folder: Path, *, gate: Gate = "lose", controls: int = 0, seed: int = 0
) -> list[Question]:
    """What `judge_pair` asks, given the same: to say what it takes before it is asked. Raises LeavenError alike."""
    pairs, known = _pairs(a_folder, b_folder, controls, seed)
    return questions_about([*pairs, *known], gate)


def _pairs(a_folder: Path, b_folder: Path, controls: int, seed: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs to judge, sorted by prompt, and those whose better side is known."""
    a, b = read_completions(a_folder), read_completions(b_folder)
    if {id: (c.prompt, c.given) for id, c in a.items()} != {id: (c.prompt, c.given) for id, c in b.items()}:
        raise LeavenError(f"{a_folder.name} and {b_folder.name} did not complete the same prompts")
    return [(a[id], b[id]) for id in sorted(a)], control_pairs(b.values(), controls, seed)


def read_completions(folder: Path) -> dict[str, Completion]:
    """`completions.jsonl` of a complete step, by id. Raises LeavenError where it is missing or damaged."""
    try:
        lines = (folder / "completions.jsonl").read_text(encoding="utf-8").split("\n")
        found = [_completion(json.loads(line)) for line in lines if line]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise LeavenError(f"cannot read the completions in {folder.name}\n  {reason}") from error
    by_id = {completion.id: completion for completion in found}
    if len(by_id) < len(found):
        raise LeavenError(f"cannot read the completions in {folder.name}\n  two of them have the same id")
    return by_id


def _completion(row: Mapping[str, Any]) -> Completion:
    """Where there is an instruction the judge reads it, and not the frame it was put in before the model."""
    given = _text(row["prompt"])
    prompt = _text(row.get("instruction") or given)
    overlap = row.get("overlap")
    if isinstance(overlap, str):
        raise TypeError("overlap is a list of names")
    return Completion(
        id=_text(row["id"]),
        prompt=prompt,
        text=_text(row["completion"]),
        degenerate=bool(row["degenerate"]),
        given="" if given == prompt else given,
        overlap=None if overlap is None else tuple(_text(name) for name in overlap),
        category=_text(row.get("category") or ""),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is not text")
    value.encode()  # half a surrogate pair can be written in JSON, and nowhere else
    return value
