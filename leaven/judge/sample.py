"""Judged prompts to look at: both completions, the outcome, and what the judge wrote."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from leaven.ground.canonical import key64
from leaven.ground.errors import LeavenError
from leaven.ground.tables import read_table

OUTCOMES = ("win", "lose", "tie", "error")


def sample(folder: Path, *, variant: str, baseline: str, seed: int, limit: int) -> list[dict[str, Any]]:
    """Rows for a page from the folder of a judge step, at most `limit`.

    The outcomes take turns, so that a rare one is seen too: a sample shows what a win, a loss, a tie and an error look
    like, not how frequent they are. Within an outcome prompts are chosen by a hash of their id alone, so that
    variants tend to show the same prompts.

    Args:
        variant: whose completions are a's; `baseline`: whose are b's; `seed`: which training seed. All for the rows.

    Raises LeavenError where a file is missing or damaged.
    """
    votes = read_votes(folder)
    replies = _replies(folder / "replies.jsonl")
    by_outcome: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(votes, key=lambda row: (key64("judge/sample/1", row["prompt"]), row["prompt"])):
        by_outcome[row["outcome"]].append(row)
    turns = chain.from_iterable(zip_longest(*(by_outcome[outcome] for outcome in OUTCOMES)))
    chosen = [row for row in turns if row is not None][:limit]
    return [_row(row, replies, {"variant": variant, "baseline": baseline, "seed": seed}) for row in chosen]


def read_votes(folder: Path) -> list[dict[str, Any]]:
    """`votes.parquet`, one mapping a prompt. Raises LeavenError where it is missing or damaged."""
    try:
        table = read_table(folder / "votes.parquet")
    except (OSError, ValueError) as error:
        raise LeavenError(f"cannot read the votes in {folder.name}\n  {type(error).__name__}: {error}") from error
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _replies(path: Path) -> dict[tuple[str, str], list[str]]:
    """What the judge wrote, by prompt and whose completion stood first; nothing where it wrote nothing."""
    if not path.exists():
        return {}
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        return {(row["prompt"], row["first"]): [str(reply) for reply in row["replies"]] for row in rows}
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise LeavenError(f"cannot read the judge's replies in {path.parent.name}\n  {reason}") from error


def _row(vote: dict[str, Any], replies: dict[tuple[str, str], list[str]], names: dict[str, Any]) -> dict[str, Any]:
    # Folders from before a column existed are shown without it.
    rule = vote.get("rule", "degenerate" if vote["by_rule"] else "")
    return {
        "id": vote["prompt"],
        "prompt": vote["text"],
        "given": vote.get("given", ""),
        "category": vote.get("category", ""),
        **names,
        "variant_text": vote["a"],
        "baseline_text": vote["b"],
        "outcome": vote["outcome"],
        "first_order": vote["first_order"],
        "second_order": vote["second_order"],
        "score_a": vote["score_a"],
        "score_b": vote["score_b"],
        "rule": rule,
        "reason": vote["reason"],
        "overlap": vote.get("overlap"),
        "replies": [replies.get((vote["prompt"], first), []) for first in "ab"],
    }
