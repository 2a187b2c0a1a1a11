"""The evaluate step: one model, one suite, every item kept.

Tasks are asked one after the other, so that an interrupted evaluation with a request cache goes on where it was. A task
that cannot run is left out by name with the reason; nothing is skipped silently and nothing is executed without
isolation unless the user said so.

Results hold no time, no path and no host, so equal inputs give equal bytes. They are written at the end, all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from leaven.evaluate.adapter import Adapter
from leaven.evaluate.asking import Asking
from leaven.evaluate.item import Item, read_items
from leaven.evaluate.model import Model
from leaven.evaluate.record import Record, write_records
from leaven.evaluate.requests import RequestCache
from leaven.evaluate.scores import summarise
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Progress, Row, silent
from leaven.sandbox.level import Level


def evaluate(
    model: Model,
    suite: Path,
    out: Path,
    *,
    isolation_level: Level,
    allow_unisolated: bool = False,
    without: Collection[str] = (),
    cache: RequestCache | None = None,
    progress: Progress = silent,
) -> None:
    """Write `items.parquet`, `details.parquet` and `scores.json` into `out`.

    Args:
        suite: a suite step's folder.
        isolation_level: what programs run in; at the level "none" they are left out unless
        `allow_unisolated`.
        without: names of tasks or of categories to leave out.
        cache: keeps the model's answers as they come, so that an interrupted evaluation need not ask again.

    Raises:
        BadInput: `without` names something the suite does not have.
        LeavenError: the model has diverged; programs could not be started.
    """
    about = read_json(suite / "suite.json")
    described: dict[str, dict[str, Any]] = about["tasks"]
    itemless: dict[str, str] = about["left_out"]
    absent = _left_out(described, itemless, isolation_level, allow_unisolated, without)
    items: dict[str, list[Item]] = {
        name: read_items(suite / "items" / f"{name}.jsonl", task["form"])
        for name, task in described.items()
        if name not in absent
    }
    asking = Asking(Adapter(model, cache=cache), suite, out, isolation_level, allow_unisolated)
    records: dict[str, list[Record]] = {}
    total, done = sum(map(len, items.values())), 0
    for name, entries in items.items():
        task = described[name]
        told = _items(progress, done, len(entries), total, name)
        records[name] = asking.records(name, task["form"], entries, task.get("settings") or {}, told)
        done += len(entries)
    scores = {name: summarise(described[name]["form"], found, described[name]) for name, found in records.items()}
    for name, reason in absent.items():
        scores[name] = {"left_out": reason, "chance": described[name]["chance"]}
    scores |= {name: {"left_out": reason, "chance": None} for name, reason in itemless.items()}
    write_records(out, records)
    write_json(out / "scores.json", scores)


def _items(progress: Progress, before: int, size: int, every: int, name: str) -> Progress:
    """The progress of one task, told in items of the suite."""

    def told(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
        progress(before + size * (done / total if total else 1.0), every, f"items · {name}")

    return told


def _left_out(
    described: Mapping[str, Mapping[str, Any]],
    itemless: Collection[str],
    level: Level,
    allow_unisolated: bool,
    without: Collection[str],
) -> dict[str, str]:
    """Why each task that does not run does not run."""
    categories = {str(task["category"]) for task in described.values()}
    for name in sorted(without):
        known = {*described, *itemless, *categories}
        if name not in known:
            raise BadInput(
                f'the suite has no task or category "{name}"{did_you_mean(name, sorted(known))}',
                field="without",
            )
    reasons = {}
    for name, task in sorted(described.items()):
        if name in without or task["category"] in without:
            reasons[name] = "left out as asked"
        elif "isolation" in task["needs"] and level.name == "none" and not allow_unisolated:
            reasons[name] = f"nothing here isolates model-written programs ({level.reason})"
        elif not task["n"]:
            reasons[name] = "the suite holds no item of it"
    return reasons
