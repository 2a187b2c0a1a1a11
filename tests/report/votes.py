"""A synthetic tournament of four arms, all pairs judged, and samples with everything that a judge can leave."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

ARMS = ("text-only", "balanced-only", "balanced→text", "code→text")
COUNTS = ((61, 70, 64, 4), (75, 58, 66, 0), (92, 51, 56, 0), (70, 69, 60, 0), (60, 70, 60, 9), (80, 50, 69, 0))
MODEL = {
    "judge": "endpoint:model-r",
    "judge_what": "the language model model-r, asked in both orders which of two completions is better",
}
SCRIPT = {"judge": "scripted:first", "judge_what": "a script (first) in the place of a judge; its results mean nothing"}
LONGER = "The judge goes by length: the longer text won 80 % [76, 84] of its decisions."
STRENGTHS = {"balanced-only": -0.05, "balanced→text": 0.09}


def pairs() -> list[tuple[str, str]]:
    """(variant, baseline) of all pairs, those with the baseline first."""
    return [(b, a) for a, b in combinations(ARMS, 2)]


def winrates(scripted: bool = False) -> list[dict[str, Any]]:
    return [
        {
            "variant": variant,
            "baseline": baseline,
            "wins": wins,
            "losses": losses,
            "ties": ties,
            "errors": errors,
            "prompts": wins + losses + ties + errors,
            "seeds": 1,
            "net": (net := 100 * (wins - losses) / (wins + losses + ties)),
            "low": net - 11,
            "high": net + 11,
            "unit": "points",
            "half": 50 + net / 2,
            "half_low": 44.5 + net / 2,
            "half_high": 55.5 + net / 2,
            "p": 0.0004 if abs(net) > 15 else 0.2,
            "p_holm": 0.0024 if abs(net) > 15 else 0.6,
            "flips": 21,
            "degenerate": 3,
            "flip_rate": 0.129,
            "first_rate": 0.526,
            "first_low": 0.48,
            "first_high": 0.57,
            "kappa": 0.62,
            "longer_rate": 0.68,
            "length_slope": 0.4,
            "length_low": 0.1,
            "length_high": 0.7,
            "zero_gap": 50.5,
            "zero_gap_low": 45.0,
            "zero_gap_high": 56.0,
            "needed": 850 if net else None,
            "resolvable": 14.2,
            "overlapping": 31,
            "clean_net": net - 2,
            "clean_low": net - 14,
            "clean_high": net + 10,
            "rules": {"degenerate": 3, "identical": 1},
            "controls": {"n": 20, "right": 19},
            "reasons": {"refusal": errors} if errors else {},
            "scripted": scripted,
            "warnings": [LONGER] if variant == "balanced→text" else [],
            **(SCRIPT if scripted else MODEL),
        }
        for (variant, baseline), (wins, losses, ties, errors) in zip(pairs(), COUNTS, strict=True)
    ]


def strengths() -> list[dict[str, Any]]:
    """The reference, two arms with a place, and one without."""

    def row(arm: str, at: float | None, why: str = "") -> dict[str, Any]:
        tested = at is not None and arm != ARMS[0]
        ends = [None] * 3 if at is None else [at, at - 0.22, at + 0.22] if arm != ARMS[0] else [0.0] * 3
        rates = [None if end is None else 100 / (1 + math.exp(-end)) for end in ends]
        return {
            "arm": arm,
            "reference": ARMS[0],
            **dict(zip(("strength", "low", "high"), ends, strict=True)),
            **dict(zip(("rate", "rate_low", "rate_high"), rates, strict=True)),
            "p": 0.3 if tested else None,
            "p_holm": 0.6 if tested else None,
            "identified": at is not None,
            "why": why,
        }

    return [
        row(ARMS[0], 0.0),
        *(row(arm, at) for arm, at in STRENGTHS.items()),
        row("code→text", None, "code→text never lost, so no finite strength fits"),
    ]


def samples() -> list[dict[str, Any]]:
    """Twenty-four, over all pairs, four outcomes and three categories."""
    orders = {"win": ("a", "a"), "lose": ("b", "b"), "tie": ("a", "b"), "error": ("error", "a")}
    made = []
    for i in range(24):
        variant, baseline = pairs()[i % 6]
        outcome = list(orders)[(i // 6 + i) % 4]
        made.append(
            {
                "id": f"prompt-{i}",
                "prompt": f"Give me {i + 3} reasons why one would keep bees in a city.",
                "given": f"Instruction: give me {i + 3} reasons\nResponse:" if i % 2 else "",
                "category": ("brainstorming", "open_qa", "closed_qa")[i % 3],
                "variant": variant,
                "baseline": baseline,
                "seed": 1,
                "variant_text": f"\n 1. Honey, of course, {i} jars.\n2. It is a calm craft.",
                "baseline_text": "Bees are bees are bees." * (1 + i % 3),
                "outcome": outcome,
                "first_order": orders[outcome][0],
                "second_order": orders[outcome][1],
                "score_a": None,
                "score_b": None,
                "rule": "identical" if i == 5 else "",
                "reason": "refusal" if outcome == "error" else "",
                "overlap": "instruct" if i % 5 == 0 else "",
                "replies": [["Comparison: (A) is better.\nPreferred: Answer (A)"], ["Preferred: Answer (B)"]],
            }
        )
    return made


def tournament(scripted: bool = False) -> dict[str, Any]:
    """Everything `write_tournament` can be given, anew for every caller."""
    named = SCRIPT if scripted else MODEL
    return {
        "title": "Which recipe writes answers that a judge prefers?",
        "baseline": ARMS[0],
        "arms": [{"name": name, "what": f"470m, {name}"} for name in ARMS],
        "winrates": winrates(scripted),
        "strengths": strengths(),
        "samples": samples(),
        "prompts": {
            "set": "dolly-200",
            "origin": "a file of the user's",
            "rows": 200,
            "chosen": 199,
            "overlapping": "keep",
            "overlap": {
                "instruct": {"kind": "instruct", "prompts": 31},
                "prose": {"kind": "text", "prompts": 0},
            },
            "frame": "Instruction: {instruction}\nResponse:",
            "stop": ["\nInstruction:"],
        },
        "judge": {
            "name": named["judge"],
            "what": named["judge_what"],
            "scripted": scripted,
            "template": "paper/1a2b3c4d5e6f",
            "gate": "lose",
        },
        "cost": {
            "calls": 796,
            "replies": 801,
            "given": 412_000,
            "written": 61_200,
            "usd": 2.15,
            "unanswered": 2,
            "budget": 10.0,
        },
        "rules": {"tokens": 256, "temperature": 0.8, "top_p": 1.0, "stop": ["\nInstruction:"], "paragraph": False},
        "provenance": {"leaven": "0.1.0", "python": "3.11"},
        "alpha": 0.05,
        "votes": [
            {
                "variant": "code→text",
                "baseline": "text-only",
                "seed": 1,
                "prompt": f"prompt-{i}",
                "outcome": "win",
                "first_order": "a",
                "second_order": "a",
                "length_a": 40,
                "length_b": 30 + i,
                "degenerate_a": False,
                "degenerate_b": False,
            }
            for i in range(3)
        ],
    }


FIVE = ("text-only", "balanced-only", "balanced→text", "micro.yaml code→text, then instructions", "code→text/seed-1")


def five(scripted: bool = False) -> dict[str, Any]:
    """What three seeds and five arms, all against all, leave: one pair without any outcome, one arm far ahead."""
    named = list(combinations(FIVE, 2))
    made = [dict(row) for row in winrates(scripted)]
    rows = []
    for place, (baseline, variant) in enumerate(named):
        row = made[place % len(made)] | {"variant": variant, "baseline": baseline, "seeds": 3, "prompts": 67}
        if place == len(named) - 1:
            row |= dict.fromkeys(("net", "low", "high", "half", "half_low", "half_high", "needed", "resolvable"))
            row |= dict.fromkeys(("zero_gap", "zero_gap_low", "zero_gap_high", "clean_net", "overlapping"))
            row |= {
                "wins": 0,
                "losses": 0,
                "ties": 0,
                "errors": 201,
                "reasons": {"outage": 201},
                "p": 1.0,
                "p_holm": 1.0,
            }
        rows.append(row)
    places = {FIVE[0]: 0.0, FIVE[1]: -0.31, FIVE[2]: 0.12, FIVE[3]: 2.9}
    strong = []
    for arm, at in places.items():
        half = 0.0 if arm == FIVE[0] else 1.4 if at > 1 else 0.21
        ends = (at, at - half, at + half)
        p = None if arm == FIVE[0] else 0.0002 if at > 1 else 0.02 if at < 0 else 0.4
        strong.append(
            {
                "arm": arm,
                "reference": FIVE[0],
                **dict(zip(("strength", "low", "high"), ends, strict=True)),
                **dict(zip(("rate", "rate_low", "rate_high"), (100 / (1 + math.exp(-x)) for x in ends), strict=True)),
                "p": p,
                "p_holm": None if p is None else min(1.0, 3 * p),
                "identified": True,
                "why": "",
            }
        )
    nothing = dict.fromkeys(("strength", "low", "high", "rate", "rate_low", "rate_high", "p", "p_holm"))
    lost = {"arm": FIVE[4], "reference": FIVE[0], **nothing, "identified": False, "why": f"{FIVE[4]} never lost"}
    return {"baseline": FIVE[0], "alpha": 0.05, "winrates": rows, "strengths": [*strong, lost]}
