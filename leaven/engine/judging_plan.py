"""What a study's judge will be asked and what that costs, before anything was trained.

Nothing has been written yet, so completions count as long as they may be; what is in the store's replies already is
not counted, because nobody knows yet what will be asked.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from leaven.analyze.preference_power import resolvable
from leaven.engine.judging import plan_of, template_of
from leaven.engine.prepare import Prepared
from leaven.ground.errors import LeavenError
from leaven.study.amounts import short

CHARACTERS = 260
"""Of an average prompt where it is not known: AlpacaEval's 805 have 165, Dolly's with their context more."""


def judging(prepared: Prepared, existing: Collection[str]) -> dict[str, Any]:
    """Pairs, prompts, calls, tokens and USD of the judge steps that are missing; empty where nothing is judged.

    `prompts` None: the set's size is not known before it is read.
    """
    judge, study = prepared.study.judge, prepared.study
    steps = [step for step in prepared.graph.of_kind("judge") if step.identity not in existing]
    if judge.kind == "none" or not steps:
        return {}
    prompts = study.evaluate.prompts if judge.heldout else _prompts(prepared)
    found: dict[str, Any] = {
        "judge": judge.kind,
        "pairs": len(steps),
        "prompts": prompts,
        "controls": min(judge.checks, prompts) if prompts else judge.checks,
        "resolvable": resolvable(prompts) if prompts else None,
        "budget": judge.budget,
        "key": judge.key,
    }
    if judge.kind == "endpoint" and judge.template is not None and prompts:
        from leaven.judge.estimate import expected
        from leaven.judge.spending import Price

        price = Price(**judge.price.model_dump()) if judge.price else None
        about = expected(
            pairs=len(steps),
            prompts=prompts + min(judge.checks, prompts),
            prompt_characters=CHARACTERS,
            completion_tokens=judge.longest,
            template=template_of(judge.template.as_asked()),
            price=price,
            replies=judge.replies,
        )
        found |= asdict(about)
    return found


def _prompts(prepared: Prepared) -> int | None:
    """Prompts of a set, counted without writing them down; None where it cannot be looked at."""
    from leaven.evaluate.prompts.build import count_prompts

    try:
        return count_prompts(plan_of(prepared.study.judge.prompts), prepared.study.data)
    except LeavenError:
        if not prepared.unseen:
            raise
        return None


def lines(found: dict[str, Any]) -> list[str]:
    """`judge     4 pairs × 200 prompts × 2 orders: at most 1,600 calls, 1.1M tokens in, 0.2M out, 4.75 USD`."""
    if not found:
        return []
    pairs = "1 pair" if found["pairs"] == 1 else f"{found['pairs']} pairs"
    said = f"judge     {found['judge']}: {pairs} × {found['prompts'] or '?'} prompts × 2 orders"
    if "calls" in found:
        cost = "no price given" if found["usd"] is None else f"about {found['usd']:,.2f} USD"
        said += f" + up to {found['controls']} controls a pair"
        told = [said, f"          at most {found['calls']:,} calls, {short(found['given'])} tokens to it, "]
        told[-1] += f"{short(found['written'])} from it, {cost}"
    else:
        told = [said]
    if found["key"] and not os.environ.get(found["key"], "").strip():
        told.append(f"          its key is not there: {found['key']} is not set")
    if found["budget"] is not None:
        over = found.get("usd") is not None and found["usd"] > found["budget"]
        told.append(f"          budget {found['budget']:,.2f} USD{': less than that' if over else ''}")
    if found["resolvable"] is not None:
        told.append(f"          so many prompts resolve a net win of {found['resolvable']:.0f} points 4 times in 5")
    return told
