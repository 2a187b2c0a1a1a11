"""What the page shows of judging: samples of every pair, the prompts, what the judge has cost."""

from __future__ import annotations

from typing import Any

from leaven.engine.judging import REPLIES, cost_of
from leaven.engine.prepare import Prepared
from leaven.engine.store import Store
from leaven.ground.files import read_json

SAMPLES = 96
"""Judged prompts on the page, over all pairs of the first seed."""
LEAST = 6
"""Of a pair, however many pairs there are."""


def judged(prepared: Prepared, store: Store) -> dict[str, Any]:
    """`samples`, `prompts`, `judge`, `judge_cost` and `rules` for the report room; empty where nothing is judged."""
    if prepared.study.judge.kind == "none":
        return {}
    return {
        "samples": _samples(prepared, store),
        "prompts": _prompts(prepared, store),
        "judge": _judge(prepared, store),
        "judge_cost": _cost(prepared, store),
        "rules": _rules(prepared),
    }


def _pairs(prepared: Prepared) -> list[tuple[str, str, int, str]]:
    """(variant, other, seed, judge step) of the first seed at the first size, those against the baseline first."""
    first, baseline = prepared.study.seeds[0], prepared.study.baseline
    found = [
        (run.variant, other, run.seed, step)
        for run in prepared.graph.runs
        if run.seed == first and run.size == prepared.study.model.size
        for other, step in run.judgements.items()
    ]
    return sorted(found, key=lambda pair: pair[1] != baseline)


def _samples(prepared: Prepared, store: Store) -> list[dict[str, Any]]:
    from leaven.judge.sample import sample

    pairs = _pairs(prepared)
    each = max(LEAST, SAMPLES // max(1, len(pairs)))
    return [
        row
        for variant, other, seed, step in pairs
        for row in sample(store.folder(step), variant=variant, baseline=other, seed=seed, limit=each)
    ]


def _prompts(prepared: Prepared, store: Store) -> dict[str, Any]:
    """`prompts.json` of the prompts step; held-out beginnings have none."""
    if prepared.study.judge.heldout:
        return {}
    found: dict[str, Any] = read_json(store.file(prepared.graph.find("prompts").identity, "prompts.json"))
    return found


def _judge(prepared: Prepared, store: Store) -> dict[str, Any]:
    pairs = _pairs(prepared)
    if not pairs:
        return {}
    told = read_json(store.file(pairs[0][3], "judge.json"))
    return {"name": told["judge"], **{name: told.get(name) for name in ("what", "scripted", "template", "gate")}}


def _rules(prepared: Prepared) -> dict[str, Any]:
    """How completions were drawn: alike for every arm and seed."""
    fields = next(prepared.graph.of_kind("complete")).fields
    return {name: value for name, value in fields.items() if name != "seed"}


def _cost(prepared: Prepared, store: Store) -> dict[str, Any]:
    judge = prepared.study.judge
    path = store.cache / "judge" / REPLIES
    if judge.kind != "endpoint" or not path.is_file():
        return {}
    from leaven.ground.replies import ReplyCache

    return cost_of(
        ReplyCache(path), prepared.study.study, judge.price.model_dump() if judge.price else None, judge.budget
    )
