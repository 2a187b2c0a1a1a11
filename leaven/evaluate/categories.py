"""Averages of tasks by the paper's formulas, over one or several models, and the at-chance rule.

An average is the unweighted mean of its members, which are tasks or averages named before it (PAPER.md §4.2: reason is
the mean of eleven tasks, know and code of two, nl of reason and know, total of reason, know and code). Each is given
twice: of every task that ran in all compared models, and by the paper's rule, of the tasks on which every compared
model beats its bound. Tasks that fall out are named with the model and its numbers. An average of averages exists only
where each of its members does: a total without code is another quantity, not a total.

The standard error of an average is that of a weighted sum of independent tasks, √Σ w²·se²; over tasks alone that is
√Σ se² / k.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from leaven.evaluate.baselines import beats, guessed
from leaven.ground.errors import BadInput

Scores = Mapping[str, Mapping[str, Any]]
"""A `scores.json`."""


@dataclass(frozen=True)
class AtChance:
    """A task that does not count by the rule: `failing` are the models that do not beat `bound`, with their scores."""

    task: str
    measure: str
    bound: float
    failing: dict[str, float]

    @property
    def reason(self) -> str:
        """`not above what guessing scores (50 %): tiny 51.2 %`."""
        said = ", ".join(f"{model} {100 * value:.3g} %" for model, value in self.failing.items())
        return f"not above what guessing scores ({100 * self.bound:.3g} %): {said}"


@dataclass(frozen=True)
class Average:
    """An average of one model.

    Args:
        value: null where a member has no task left.
        se: null too where a task has a single item.
        tasks: what it stands on.
        absent: members of which nothing was left.
        variance: the share of the squared standard error that each task contributes.
    """

    value: float | None
    se: float | None
    tasks: tuple[str, ...]
    absent: tuple[str, ...]
    variance: dict[str, float]


@dataclass(frozen=True)
class Categories:
    """Averages of the compared models.

    Args:
        every: {average: {model: Average}} over every task that ran in all models.
        above: the same by the at-chance rule; not of averages in bits per byte, for which there is no such rule.
        at_chance: tasks that the rule leaves out.
        missing: {task: reason} for tasks that some model was not asked.
    """

    every: dict[str, dict[str, Average]]
    above: dict[str, dict[str, Average]]
    at_chance: tuple[AtChance, ...]
    missing: dict[str, str]

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        left_out = {entry.task: {**asdict(entry), "reason": entry.reason} for entry in self.at_chance}
        return {**asdict(self), "at_chance": left_out}


def categories(
    models: Mapping[str, Scores],
    averages: Mapping[str, Sequence[str]],
    primary: Mapping[str, str],
    left_out: Mapping[str, str] | None = None,
) -> Categories:
    """Every average of every model.

    Args:
        models: the `scores.json` of each compared model, by a name for people.
        averages: members of each average, each a task or an average named before it.
        primary: the measure that stands for each task.
        left_out: why the suite has no items of a task.

    Raises:
        BadInput: an average of unknown members, of shares and bits together, or a measure that a task does not have.
    """
    parts = _leaves(averages, primary)
    tasks = list(dict.fromkeys(task for leaves in parts.values() for task in leaves))
    for name, leaves in parts.items():
        kinds = {primary[task] if not guessed(primary[task]) else "" for task in leaves}
        if len(kinds) > 1:
            raise BadInput(
                "an average cannot mix " + " and ".join(kind or "shares of right answers" for kind in sorted(kinds)),
                field=f"averages.{name}",
            )
    missing = {}
    for task in tasks:
        reasons = _missing(task, models, left_out or {})
        if reasons:
            missing[task] = reasons
    ran = [task for task in tasks if task not in missing]
    found = {model: {task: _score(scores, task, primary[task]) for task in ran} for model, scores in models.items()}
    weak = [entry for task in ran if (entry := _at_chance(task, primary[task], models, found))]
    strong = [task for task in ran if task not in {entry.task for entry in weak}]
    return Categories(
        {name: {model: _average(name, averages, ran, found[model]) for model in models} for name in averages},
        {
            name: {model: _average(name, averages, strong, found[model]) for model in models}
            for name in averages
            if any(guessed(primary[task]) for task in parts[name])
        },
        tuple(weak),
        missing,
    )


def _leaves(averages: Mapping[str, Sequence[str]], primary: Mapping[str, str]) -> dict[str, list[str]]:
    """The tasks of each average."""
    parts: dict[str, list[str]] = {}
    for name, members in averages.items():
        parts[name] = []
        for member in members:
            if member not in primary and member not in parts:
                raise BadInput(f'"{member}" is no task, and no average named before it', field=f"averages.{name}")
            parts[name] += parts.get(member, [member])
        if not parts[name]:
            raise BadInput("an average needs a member", field=f"averages.{name}")
    return parts


def _missing(task: str, models: Mapping[str, Scores], left_out: Mapping[str, str]) -> str:
    """Why some model has no score of a task, or nothing."""
    reasons: dict[str, list[str]] = {}
    for model, scores in models.items():
        entry = scores.get(task)
        if entry is None:
            reasons.setdefault(left_out.get(task, "not evaluated"), []).append(model)
        elif "left_out" in entry:
            reasons.setdefault(str(entry["left_out"]), []).append(model)
    if not reasons:
        return ""
    everywhere = len(reasons) == 1 and len(next(iter(reasons.values()))) == len(models)
    return "; ".join(why if everywhere else f"{', '.join(names)}: {why}" for why, names in reasons.items())


def _score(scores: Scores, task: str, measure: str) -> Mapping[str, Any]:
    entry = scores[task].get(measure)
    if not isinstance(entry, Mapping):
        raise BadInput(f"task {task} has no {measure}", field=f"tasks.{task}.score")
    return entry


def _at_chance(
    task: str, measure: str, models: Mapping[str, Scores], found: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> AtChance | None:
    if not guessed(measure):
        return None
    failing = {}
    bounds = []
    for model, scores in models.items():
        score, level = found[model][task], scores[task].get("bound")
        if level is None:
            continue  # nobody knows what guessing scores: the task's notes say so
        bounds.append(float(level))
        if not beats(float(score["value"]), score["se"], int(score["n"]), float(level)):
            failing[model] = float(score["value"])
    return AtChance(task, measure, max(bounds), failing) if failing else None


def _average(
    name: str, averages: Mapping[str, Sequence[str]], counting: Sequence[str], scores: Mapping[str, Mapping[str, Any]]
) -> Average:
    weights, absent = _weights(name, averages, set(counting))
    tasks = tuple(weights)
    if absent or not tasks:
        return Average(None, None, tasks, tuple(absent), {})
    value = math.fsum(weight * float(scores[task]["value"]) for task, weight in weights.items())
    if any(scores[task]["se"] is None for task in tasks):
        return Average(value, None, tasks, (), {})
    parts = {task: (weight * float(scores[task]["se"])) ** 2 for task, weight in weights.items()}
    total = math.fsum(parts.values())
    shares = {task: part / total for task, part in parts.items()} if total else {}
    return Average(value, math.sqrt(total), tasks, (), dict(sorted(shares.items(), key=lambda pair: -pair[1])))


def _weights(
    name: str, averages: Mapping[str, Sequence[str]], counting: set[str]
) -> tuple[dict[str, float], list[str]]:
    """The weight of each task in an average, and the averages in it (itself included) that have no task left."""
    kept, absent = [], []
    for member in averages[name]:
        if member in averages:
            weights, lacking = _weights(member, averages, counting)
            kept.append(weights)
            absent += lacking
        elif member in counting:
            kept.append({member: 1.0})
    total: dict[str, float] = {}
    for weights in kept:
        for task, weight in weights.items():
            total[task] = total.get(task, 0.0) + weight / len(kept)
    return total, absent or ([] if total else [name])
