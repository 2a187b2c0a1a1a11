"""What a judge step leaves: a table of votes, a summary of them, and every reply that was read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaven.ground.files import write_text
from leaven.judge.protocol import GATES, IDENTICAL, Gate, Vote, is_degenerate
from leaven.judge.question import Judge
from leaven.judge.statistics import count, first_position_rate, flip_rate, net_win, sign_test
from leaven.judge.template import Template

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
        ("rule", pa.string()),
        ("length_a", pa.int64()),
        ("length_b", pa.int64()),
        ("given", pa.string()),
        ("overlap", pa.string()),
        ("category", pa.string()),
    ]
)
"""`prompt` is the prompt's id, `text` what the judge read of it, `given` what the models were given where that differs
(else empty); `a` and `b` are the completions, their lengths in characters. `first_order` and `second_order`
(a|b|tie|error) say whom the judge preferred where a stood first and where b stood first. Scores are bits per byte, null
where there are none. `rule` names what decided without asking the judge (degenerate|identical, else empty), `by_rule`
that something did; `reason` says why it is an error. `overlap` names the training sources that hold the prompt, joined
by ", ": empty where none of those searched does, null where none was searched. `category` is its kind in the set of
prompts."""


def columns(votes: Sequence[Vote]) -> dict[str, list[Any]]:
    """The columns of VOTES."""
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
        "by_rule": [bool(vote.rule) for vote in votes],
        "reason": [vote.reason for vote in votes],
        "rule": [vote.rule for vote in votes],
        "length_a": [len(vote.a.text) for vote in votes],
        "length_b": [len(vote.b.text) for vote in votes],
        "given": [vote.a.given for vote in votes],
        "overlap": [_overlap(vote) for vote in votes],
        "category": [vote.a.category or vote.b.category for vote in votes],
    }


def _overlap(vote: Vote) -> str | None:
    searched = [side.overlap for side in (vote.a, vote.b) if side.overlap is not None]
    return ", ".join(dict.fromkeys(chain.from_iterable(searched))) if searched else None


def summary(votes: Sequence[Vote], judge: Judge, gate: Gate, controls: Mapping[str, int]) -> dict[str, Any]:
    """judge.json: counts of prompts, and how far the judge went by position (None: nothing decided).

    `template` is the id of the wording that was asked in, empty for a judge that reads no wording. `lengths` are means
    in characters.
    """
    counts = count(votes)
    rules = Counter((vote.rule, vote.outcome) for vote in votes if vote.rule)
    template = getattr(judge, "template", None)
    return {
        "judge": judge.name,
        "what": judge.what,
        "scripted": judge.scripted,
        "template": template.id if isinstance(template, Template) else "",
        "gate": gate,
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
            "rule": GATES[gate],
            "a": sum(is_degenerate(vote.a) for vote in votes),
            "b": sum(is_degenerate(vote.b) for vote in votes),
            "by_rule": {outcome: n for (rule, outcome), n in sorted(rules.items()) if rule == "degenerate"},
        },
        "identical": {"rule": IDENTICAL, "prompts": rules["identical", "tie"]},
        "lengths": {
            "a": _mean([len(vote.a.text) for vote in votes]),
            "b": _mean([len(vote.b.text) for vote in votes]),
        },
        "controls": dict(controls),
        "reasons": dict(sorted(Counter(vote.reason for vote in votes if vote.outcome == "error").items())),
    }


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def write_replies(path: Path, votes: Sequence[Vote]) -> None:
    """Every reply that was read, if any: the record of a judge that might not answer the same again."""
    lines = [
        json.dumps({"prompt": vote.a.id, "first": first, "replies": list(replies)}, ensure_ascii=False)
        for vote in votes
        for first, replies in zip("ab", vote.replies, strict=True)
        if replies
    ]
    if lines:
        write_text(path, "\n".join(lines) + "\n")
