"""The evaluate step: one subject, one suite, every item kept.

Likelihood tasks run through lm-eval, programs in the sandbox. A task that cannot run is left out by name with
the reason; nothing is skipped silently and nothing is executed without isolation unless the user said so.

Results hold no time, no path and no host, so equal inputs give equal bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaven.evaluate.adapter import JaxLM
from leaven.evaluate.harness import run_tasks
from leaven.evaluate.item import Answerable, Form, Item, Passage, Program, read_items
from leaven.evaluate.programs import Attempt, attempt
from leaven.evaluate.scores import (
    choice_baselines,
    choice_measures,
    passage_measures,
    predicted_shares,
    summarise,
)
from leaven.evaluate.subject import Subject
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Progress, silent
from leaven.ground.tables import write_table
from leaven.sandbox.level import Level

ITEMS = pa.schema(
    [(name, pa.string()) for name in ("task", "item", "measure")] + [("value", pa.float64()), ("group", pa.string())]
)
DETAILS = pa.schema(
    [
        ("task", pa.string()),
        ("item", pa.string()),
        ("gold", pa.int32()),
        ("nats", pa.list_(pa.float64())),
        ("bytes", pa.list_(pa.int64())),
        ("greedy", pa.list_(pa.bool_())),
        ("text", pa.string()),
        ("outcome", pa.string()),
        ("level", pa.string()),
    ]
)


def evaluate(
    subject: Subject,
    suite: Path,
    out: Path,
    *,
    isolation_level: Level,
    allow_unisolated: bool = False,
    without: Collection[str] = (),
    progress: Progress = silent,
) -> None:
    """Write `items.parquet`, `details.parquet` and `scores.json` into `out`.

    Args:
        suite: a suite step's folder.
        isolation_level: what programs run in; at the level "none" they are left out unless
        `allow_unisolated`.
        without: names of tasks or of categories to leave out.

    Raises:
        BadInput: `without` names something the suite does not have.
    """
    described: dict[str, dict[str, Any]] = read_json(suite / "suite.json")["tasks"]
    absent = _left_out(described, isolation_level, allow_unisolated, without)
    items: dict[str, list[Item]] = {
        name: read_items(suite / "items" / f"{name}.jsonl", described[name]["form"])
        for name in described
        if name not in absent
    }
    lm = JaxLM(subject, progress)
    samples = run_tasks(lm, suite, [name for name in items if described[name]["form"] != "program"], out)

    rows: dict[str, list[Any]] = {name: [] for name in ITEMS.names}
    details: dict[str, list[Any]] = {name: [] for name in DETAILS.names}
    scores: dict[str, dict[str, Any]] = {}
    for name, entries in sorted(items.items()):
        form: Form = described[name]["form"]
        if form == "program":
            programs = [entry for entry in entries if isinstance(entry, Program)]
            attempts = attempt(subject, programs, isolation_level, allow_unisolated=allow_unisolated, progress=progress)
            measured, scores[name] = _programs(attempts, details, name)
        else:
            found = samples[name]
            if [entry.id for entry in entries] != [sample.item for sample in found]:
                raise AssertionError(f"the samples of {name} are not its items in order")
            nats = [sample.nats for sample in found]
            sizes = [_sizes(lm, entry) for entry in entries]
            measured, scores[name] = _likelihoods(entries, nats, sizes)
            scores[name] |= _cut(lm, entries)
            for entry, sample, size in zip(entries, found, sizes, strict=True):
                _detail(details, name, entry, nats=sample.nats, sizes=size, greedy=sample.greedy)
        for entry, values in zip(entries, measured, strict=True):
            for measure, value in values.items():
                for column, cell in zip(ITEMS.names, (name, entry.id, measure, value, entry.group), strict=True):
                    rows[column].append(cell)
    for name, reason in absent.items():
        scores[name] = {"left_out": reason, "chance": described[name]["chance"]}
    write_table(out / "items.parquet", rows, ITEMS)
    write_table(out / "details.parquet", details, DETAILS)
    write_json(out / "scores.json", scores)


def _left_out(
    described: Mapping[str, Mapping[str, Any]], level: Level, allow_unisolated: bool, without: Collection[str]
) -> dict[str, str]:
    """Why each task that does not run does not run."""
    categories = {str(task["category"]) for task in described.values()}
    for name in sorted(without):
        if name not in described and name not in categories:
            raise BadInput(
                f'the suite has no task or category "{name}"{did_you_mean(name, sorted({*described, *categories}))}',
                field="without",
            )
    reasons = {}
    for name, task in sorted(described.items()):
        if name in without or task["category"] in without:
            reasons[name] = "not run in this study"
        elif "isolation" in task["needs"] and level.name == "none" and not allow_unisolated:
            reasons[name] = f"nothing here isolates model-written programs ({level.reason})"
    return reasons


def _likelihoods(
    entries: Sequence[Item], nats: Sequence[Sequence[float]], sizes: Sequence[Sequence[int]]
) -> tuple[list[dict[str, float]], dict[str, Any]]:
    passages = [entry for entry in entries if isinstance(entry, Passage)]
    if passages:
        measured = [passage_measures(entry, values[0]) for entry, values in zip(passages, nats, strict=True)]
        return measured, summarise(measured, {"chance": None, "constant": None, "majority": None}, 0.0)
    choices = [entry for entry in entries if isinstance(entry, Answerable)]
    measured = [choice_measures(entry, values, size) for entry, values, size in zip(choices, nats, sizes, strict=True)]
    ties = sum(values["tied"] for values in measured) / len(measured)
    return measured, {**summarise(measured, choice_baselines(choices), ties), "predicted": predicted_shares(nats)}


def _sizes(lm: JaxLM, entry: Item) -> list[int]:
    """UTF-8 bytes scored of each answer, or of the text."""
    if isinstance(entry, Answerable):
        return [lm.scored_bytes(*pair) for pair in entry.pairs]
    return [len(entry.shown.encode())]


def _cut(lm: JaxLM, entries: Sequence[Item]) -> dict[str, int]:
    """Items whose context did not fit, and items with an answer that starts inside a token."""
    pairs = [set(entry.pairs) for entry in entries if isinstance(entry, Answerable)]
    return {
        name: sum(not pair.isdisjoint(flagged) for pair in pairs)
        for name, flagged in (("truncated", lm.truncated), ("uneven", lm.uneven))
    }


def _programs(
    attempts: Sequence[Attempt], details: dict[str, list[Any]], name: str
) -> tuple[list[dict[str, float]], dict[str, Any]]:
    measured = []
    for found in attempts:
        measured.append({"passed": float(found.passed), "degenerate": float(found.degenerate)})
        _detail(details, name, found.item, text=found.text, outcome=found.outcome, level=found.level)
    degenerate = sum(found.degenerate for found in attempts) / len(attempts)
    baselines = {"chance": 0.0, "constant": 0.0, "majority": 0.0}
    return measured, {**summarise(measured, baselines, degenerate), "isolation": attempts[0].level}


def _detail(
    details: dict[str, list[Any]],
    task: str,
    item: Item,
    *,
    nats: Sequence[float] = (),
    sizes: Sequence[int] = (),
    greedy: Sequence[bool] = (),
    text: str | None = None,
    outcome: str | None = None,
    level: str | None = None,
) -> None:
    gold = item.gold if isinstance(item, Answerable) else None
    for column, cell in zip(
        DETAILS.names, (task, item.id, gold, list(nats), list(sizes), list(greedy), text, outcome, level), strict=True
    ):
        details[column].append(cell)
