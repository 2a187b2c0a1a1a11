"""Stages as tasks: one alone, or several of one shape in one program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from leaven.engine.optimizers import optimizer_of
from leaven.engine.task import Task, compiled
from leaven.ground.errors import LeavenError
from leaven.model.config import ModelConfig
from leaven.train.packed import Member, run_pack
from leaven.train.plan import StagePlan
from leaven.train.stage import run_stage


def plan_of(task: Task) -> StagePlan:
    """What a stage's step declares, with the folders it reads."""
    fields = task.fields
    return StagePlan(
        name=task.step.name,
        model=ModelConfig(**fields["model"]),
        seed=fields["seed"],
        kind=fields["kind"],
        mixture=fields["mixture"],
        shards=task.inputs_of("shards"),
        steps=fields["steps"],
        batch=fields["batch"],
        sequence=fields["sequence"],
        schedule=fields["schedule"],
        optimizer=optimizer_of(fields["optimizer"]),
        precision=fields["precision"],
        z_loss=fields["z_loss"],
        document_mask=fields["document_mask"],
        spike=fields["spike"],
        parent=task.inputs.get("parent"),
        carry=fields["carry"] or "weights+optimizer",
        cursor=fields["cursor"] or "continue",
        validation=fields["curve"]["rows"],
        eval_every=fields["curve"]["every"],
        tokenizer=task.inputs["tokenizer"],
    )


def train(task: Task) -> dict[str, Any]:
    """Train one stage; returns what it took, for its manifest."""
    with compiled(task):
        return {"training": asdict(run_stage(plan_of(task), task.out, task.state, task.progress))}


def train_together(tasks: Sequence[Task]) -> list[dict[str, Any] | LeavenError]:
    """Train several stages in one program; of each what the program took, or why the stage stopped."""
    members = [Member(plan_of(task), task.out, task.state, task.progress) for task in tasks]
    with compiled(tasks[0]):
        ends = run_pack(members)
    return [end if isinstance(end, LeavenError) else {"training": asdict(end)} for end in ends]
