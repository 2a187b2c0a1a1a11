"""The judge step: the completions of two models, compared prompt by prompt, to a folder of votes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaven.ground.errors import LeavenError
from leaven.ground.files import write_json, write_text
from leaven.ground.progress import Progress, silent
from leaven.ground.tables import write_table
from leaven.judge.protocol import RULE, Completion, Vote, is_degenerate, judge_both_orders
from leaven.judge.question import Judge
from leaven.judge.statistics import count, first_position_rate, flip_rate, net_win, sign_test

VOTES = pa.schema(
    [
        ("prompt", pa.string()),
        ("text", pa.string()),
        ("a", pa.string()),
        ("b", pa.string()),
        ("first_order", pa.string()),
        ("second_order", pa.string()),
        ("outcome", pa.string()),
        ("degenerate_a", pa.bool_()),
        ("degenerate_b", pa.bool_()),
        ("score_a", pa.float64()),
        ("score_b", pa.float64()),
        ("by_rule", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""`prompt` is the prompt's id, `text` its text, `a` and `b` are the completions. `first_order` and `second_order`
(a|b|tie|error) say whom the judge preferred where a stood first and where b stood first. Scores are bits per byte,
null where there are none. `by_rule` marks what the degeneracy rule decided; `reason` says why it is an error."""


def judge_pair(a_folder: Path, b_folder: Path, judge: Judge, out: Path, progress: Progress = silent) -> None:
    """Compare the completions of two complete steps; the outcome is that of a.

    Writes `votes.parquet` (VOTES, sorted by prompt), `judge.json` and, where the judge wrote anything,
    `replies.jsonl`. Raises LeavenError where the two steps did not complete the same prompts, where a file is
    damaged, and where not one
    of the questions asked got an answer: such votes would say nothing, and would be kept.
    """
    a, b = read_completions(a_folder), read_completions(b_folder)
    if {id: c.prompt for id, c in a.items()} != {id: c.prompt for id, c in b.items()}:
        raise LeavenError(f"{a_folder.name} and {b_folder.name} did not complete the same prompts")
    votes = judge_both_orders([(a[id], b[id]) for id in sorted(a)], judge, progress)
    asked = [vote for vote in votes if not vote.by_rule]
    if asked and all(vote.outcome == "error" for vote in asked):
        reasons = ", ".join(sorted({vote.reason for vote in asked}))
        raise LeavenError(f"judge {judge.name} answered none of {len(asked)} prompts: {reasons}")
    write_table(out / "votes.parquet", _columns(votes), VOTES)
    _write_replies(out / "replies.jsonl", votes)
    write_json(out / "judge.json", summary(votes, judge))


def read_completions(folder: Path) -> dict[str, Completion]:
    """`completions.jsonl` of a complete step, by id. Raises LeavenError where it is missing or damaged."""
    try:
        lines = (folder / "completions.jsonl").read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        found = [Completion(r["id"], r["prompt"], r["completion"], bool(r["degenerate"])) for r in rows]
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise LeavenError(f"cannot read the completions in {folder.name}\n  {reason}") from error
    return {completion.id: completion for completion in found}


def summary(votes: Sequence[Vote], judge: Judge) -> dict[str, Any]:
    """judge.json: counts of prompts, and how far the judge went by position (None: nothing decided)."""
    counts = count(votes)
    return {
        "judge": judge.name,
        "what": judge.what,
        "scripted": judge.scripted,
        "prompts": len(votes),
        "wins": counts.wins,
        "losses": counts.losses,
        "ties": counts.ties,
        "errors": counts.errors,
        "flips": counts.flips,
        "net": net_win(counts),
        "p": sign_test(counts.wins, counts.losses),
        "flip_rate": flip_rate(votes),
        "first_position_rate": first_position_rate(votes),
        "degenerate": {
            "rule": RULE,
            "a": sum(is_degenerate(vote.a) for vote in votes),
            "b": sum(is_degenerate(vote.b) for vote in votes),
            "by_rule": dict(sorted(Counter(vote.outcome for vote in votes if vote.by_rule).items())),
        },
        "reasons": dict(sorted(Counter(vote.reason for vote in votes if vote.outcome == "error").items())),
    }


def _columns(votes: Sequence[Vote]) -> dict[str, list[Any]]:
    return {
        "prompt": [vote.a.id for vote in votes],
        "text": [vote.a.prompt for vote in votes],
        "a": [vote.a.text for vote in votes],
        "b": [vote.b.text for vote in votes],
        "first_order": [vote.first_order for vote in votes],
        "second_order": [vote.second_order for vote in votes],
        "outcome": [vote.outcome for vote in votes],
        "degenerate_a": [is_degenerate(vote.a) for vote in votes],
        "degenerate_b": [is_degenerate(vote.b) for vote in votes],
        "score_a": [vote.scores[0] if vote.scores else None for vote in votes],
        "score_b": [vote.scores[1] if vote.scores else None for vote in votes],
        "by_rule": [vote.by_rule for vote in votes],
        "reason": [vote.reason for vote in votes],
    }


def _write_replies(path: Path, votes: Sequence[Vote]) -> None:
    """Every reply that was read: the record of a judge that might not answer the same again."""
    lines = [
        json.dumps({"prompt": vote.a.id, "first": first, "replies": list(replies)}, ensure_ascii=False)
        for vote in votes
        for first, replies in zip("ab", vote.replies, strict=True)
        if replies
    ]
    if lines:
        write_text(path, "\n".join(lines) + "\n")
