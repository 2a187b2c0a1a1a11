"""A plan in words: one screen for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaven.engine import costs_told, judging_plan, power_plan
from leaven.engine.costs import WORTH
from leaven.engine.makespan import Forecast
from leaven.study.amounts import short

if TYPE_CHECKING:
    from leaven.engine.plan import Plan

WIDTH = 118
"""Of a line of the longest path."""
KINDS = {"text": "prose", "web_code": "source files", "markup": "markup", "adjacent": "notebooks and commits"}


def lines(plan: Plan, on: str = "") -> list[str]:
    """Everything but the tree. `on`: where it is to run, if not on this computer."""
    return [
        *_corpus(plan),
        *([f"scaled    {plan.scaling}"] if plan.scaling else []),
        *_steps(plan),
        *(_away(plan, on) if on else _here(plan)),
        *_elsewhere(plan),
        *power_plan.lines(plan.power, plan.power_unknown, plan.power_notes),
        *judging_plan.lines(plan.judging),
        f"isolation {plan.isolation}",
        *(f"left out  {sentence}" for sentence in plan.left_out),
        *(f"warning   {sentence}" for sentence in plan.warnings),
    ]


def _corpus(plan: Plan) -> list[str]:
    found = ", ".join(
        f"{row['bytes'] / 1e6:.0f} MB of {KINDS.get(row['kind'], row['kind'])}"
        for row in plan.sources.values()
        if row["bytes"]
    )
    declared = f"{len(plan.sources)} sources as declared" if plan.unseen else "nothing that is read"
    return [f"corpus    {plan.corpus}: {found or declared}", *(f"not seen  {words}" for words in plan.unseen)]


def _steps(plan: Plan) -> list[str]:
    own, *further = plan.sizes
    arms = f"{own['variants']} variants × {own['seeds']} seeds"
    if further:
        others = ", ".join(f"{row['variants']} × {row['seeds']} at {row['size']}" for row in further)
        arms = f"{arms} at {own['size']}, {others}"
    saved = f"{plan.saved:.0%} of the tokens saved"
    if plan.tokens_written_twice:
        saved += f", {plan.saved_between_different:.0%} with runs that are written twice counted once"
    said = [
        f"plan      {arms} · {plan.steps.get('stage', 0)} stages ({plan.shared_stages} shared, {saved})"
        f" · {short(plan.tokens)} tokens, {plan.flops:.2g} FLOPs"
    ]
    total, done = sum(plan.steps.values()), sum(plan.existing.values())
    if done:
        left = f"{done} of {total} steps exist already · {total - done} to run"
        said.append(f"          {left if total > done else 'everything exists already'}")
    return said


def _here(plan: Plan) -> list[str]:
    said = []
    if sum(plan.steps.values()) > sum(plan.existing.values()):
        at_once = f"{plan.steps_at_once} step{'s' if plan.steps_at_once > 1 else ''} at once"
        said.append(f"time      about {costs_told.lasting(plan.seconds)} here, {at_once} ({plan.hardware})")
        said += _longer(plan.forecast)
        if plan.memory_needed > plan.memory_free:
            needed, free = plan.memory_needed / 1e9, plan.memory_free / 1e9
            said.append(f"memory    too little: the largest step may need {needed:,.1f} GB, {free:,.1f} GB are free")
    said.append(f"device    {plan.device.words()}")
    return [*said, *(f"packing   {words}" for words in dict.fromkeys(row["words"] for row in plan.packing))]


def _away(plan: Plan, on: str) -> list[str]:
    """Of a run elsewhere: its machines are asked when it begins, and speeds are guessed from those of this computer."""
    said = [f"where     {on}; its machines and devices are asked when it begins"]
    if sum(plan.steps.values()) > sum(plan.existing.values()):
        said += _longer(plan.forecast)
        said[1] += ", at the speed of this computer"
    return said


def _longer(found: Forecast) -> list[str]:
    """What more workers would change, and the path that they would not."""
    counts = ", ".join(f"{row['workers']}: {costs_told.lasting(row['seconds'])}" for row in found.workers)
    said = [f"workers   {counts}; the longest path alone {costs_told.lasting(found.path_seconds)}"]
    line = "path      "
    for index, row in enumerate(found.path):
        item = f"{row['step']} {costs_told.lasting(row['seconds'])}{',' if index < len(found.path) - 1 else ''}"
        if len(line) + len(item) > WIDTH and line.strip():
            said.append(line.rstrip())
            line = " " * 10
        line += f"{item} "
    return [*said, line.rstrip()]


def _elsewhere(plan: Plan) -> list[str]:
    """Where it is worth another computer, or somebody asked."""
    if plan.flops < WORTH and not plan.assumed.asked:
        return []
    return [*costs_told.lines(plan.costs), *costs_told.check_lines(plan.paper)]
