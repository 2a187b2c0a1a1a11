"""Folders of lm-eval's results: `results_<time>.json` of each model, with `samples_<task>_<time>.jsonl` where kept.

With samples (`samples`), runs are paired on documents (their number and the hash of their text). Without them, scores
have the harness's standard errors. A model's name tells its variant and seed by the mapping's `models` or `model`, or
by `…-seed3` in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from leaven.analyze.imported import conventions
from leaven.analyze.imported.cells import names
from leaven.analyze.imported.harness_files import HUGE, NONE, Result
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.readings import WORDS, Readings
from leaven.analyze.imported.samples import parts
from leaven.analyze.imported.settle import match
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file

USUAL = re.compile(r"(?:^|/|__)(?P<variant>[^/]+?)[-_.]?seed[-_=]?(?P<seed>\d+)")
PREFERRED = ("bits_per_byte", "acc_norm", "acc", "exact_match", "pass@1", "f1")
"""Of a task's several metrics the one that is compared unless a mapping names others (METHODS §2.1)."""
NO_METRIC = ("alias", "name", "sample_len", "sample_count", "samples")


def gather(results: Sequence[Result], mapping: Mapping) -> tuple[Readings, dict[str, dict[str, Any]]]:
    """Readings of all results, and the files they came from."""
    told: list[str] = []
    notes: list[str] = []
    better: dict[str, str] = {}
    who = {result.path: _who(result.model, mapping) for result in results}
    matched = [result.model for result in results if who[result.path][1]]
    told.append(f"{len({result.model for result in results})} models of lm-eval in {len(results)} results files")
    if not mapping.models and mapping.model is None:
        example = f" ({matched[0]} is {' seed '.join(_who(matched[0], mapping)[:2])})" if matched else ""
        told.append(f"variant and seed by the models' names{example}")
    latest = _latest(results, who, notes)
    wanted = _wanted(latest, mapping, told)
    _same_setting(latest, who, {part.rpartition(":")[0] for part in wanted}, common=mapping.items == "common")
    frames, files = [], {result.name: _file(result.path, len(result.content["results"])) for result in results}
    for part in wanted:
        task, _, metric = part.rpartition(":")
        mine = [
            (result, score)
            for (name, _), result in latest.items()
            if name == task and (score := _score(result, task, metric))
        ]
        for result, _ in mine:
            if (way := _better(result, task, part)) is not None:
                better[part] = way
        found_in, said = parts(part, mine)
        notes += said
        for result, found in found_in:
            if found["item"][0]:
                sample = result.samples(task)
                files.setdefault(f"{sample.parent.name}/{sample.name}", _file(sample, len(found["value"])))
            variant, seed, size = who[result.path]
            frames.append(pd.DataFrame({"variant": variant, "seed": seed, "size": size, "metric": part, **found}))
    if not frames:
        raise BadInput("no result has a metric that could be compared", where=results[0].name)
    rows = pd.concat(frames, ignore_index=True)
    rows["point"], rows["group"] = "", ""
    for word in WORDS:
        rows[word] = names(rows[word].astype("category"), word, lambda row: results[0].name)
    items = (rows["item"] != "").any()
    told.append("results of single items, paired on documents" if items else "scores with their standard errors")
    return Readings(rows, {}, tuple(told), tuple(dict.fromkeys(notes)), better), files


def _file(path: Path, rows: int) -> dict[str, Any]:
    return {"sha256": sha256_file(path), "bytes": path.stat().st_size, "rows": rows}


def _who(model: str, mapping: Mapping) -> tuple[str, str, str]:
    """Variant, seed and size of a model; a list may name it with its revision or without."""
    known = mapping.models.get(model) or mapping.models.get(model.rpartition("@")[0])
    if known is not None:
        return known.get("variant", model), known.get("seed", ""), known.get("size", "")
    pattern = re.compile(mapping.model) if mapping.model is not None else USUAL
    found = pattern.search(model)
    if not found:
        if mapping.model is not None:
            raise BadInput(f'the pattern does not fit the model "{model}"', field="model")
        return model.rstrip("/").rpartition("/")[2] or model, "", ""
    parts = found.groupdict()
    return parts["variant"], parts.get("seed") or "", parts.get("size") or ""


def _latest(
    results: Sequence[Result], who: dict[Path, tuple[str, str, str]], notes: list[str]
) -> dict[tuple[str, Path], Result]:
    """(task, file) -> result; of several results of one run on one task the latest, and it is told."""
    chosen: dict[tuple[str, tuple[str, str, str]], Result] = {}
    for result in sorted(results, key=lambda each: (each.time, str(each.path))):
        own = who[result.path]
        for task in _tasks(result):
            before = chosen.get((task, own))
            if before is not None:
                if before.model != result.model:
                    run = " seed ".join(part for part in own[:2] if part)
                    raise BadInput(
                        f"{before.model} and {result.model} would both be {run}",
                        where=result.name,
                        fix="Tell them apart: model: '(?P<variant>…)-seed(?P<seed>…)', or models, in a mapping file.",
                    )
                notes.append(f"{task}: {result.model} was evaluated more than once; the latest result counts")
            chosen[task, own] = result
    return {(task, result.path): result for (task, _), result in sorted(chosen.items(), key=lambda each: each[0])}


def _tasks(result: Result) -> list[str]:
    """Tasks of a result, without groups whose tasks are there themselves."""
    inner = result.content.get("group_subtasks")
    inner = inner if isinstance(inner, dict) else {}
    known = result.content["results"]
    return [task for task in known if not (inner.get(task) and all(one in known for one in inner[task]))]


def _metrics(result: Result, task: str) -> list[str]:
    """`acc`, or `exact_match,strict-match` where a filter was applied."""
    found = []
    for key, value in result.content["results"][task].items():
        metric, _, kind = str(key).partition(",")
        if metric in NO_METRIC or metric.endswith("_stderr") or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            found.append(metric if kind in ("", NONE) else f"{metric},{kind}")
    return found


def _wanted(latest: dict[tuple[str, Path], Result], mapping: Mapping, told: list[str]) -> list[str]:
    """`task:metric` of everything that is compared."""
    known: dict[str, dict[str, None]] = {}
    for (task, _), result in latest.items():
        known.setdefault(task, {}).update(dict.fromkeys(_metrics(result, task)))
    every = [f"{task}:{metric}" for task, metrics in known.items() for metric in metrics]
    if mapping.metrics:
        patterns = [p for name, metric in mapping.metrics.items() for p in ((metric and metric.of) or (name,))]
        found: dict[str, None] = {}
        for pattern in patterns:
            forms = (pattern, f"*:{pattern}", f"{pattern}:*")
            found.update(dict.fromkeys(next((hit for form in forms if (hit := match(form, every))), [])))
        return list(found)
    chosen = []
    for task, metrics in known.items():
        bare = {metric.partition(",")[0]: metric for metric in reversed(list(metrics))}
        best = next((bare[name] for name in PREFERRED if name in bare), None)
        usable = [metric for metric in metrics if conventions.direction(metric)]
        if best or usable:
            chosen.append(f"{task}:{best or usable[0]}")
    if len(chosen) < len(every):
        told.append(
            f"of each task one metric: {listing(chosen[:6])}{f' and {len(chosen) - 6} more' if len(chosen) > 6 else ''}"
        )
    return chosen


def _score(result: Result, task: str, metric: str) -> tuple[float, float] | None:
    """A task's score and its standard error, NaN where there is none."""
    row = result.content["results"][task]
    name, _, kind = metric.partition(",")
    value = row.get(f"{name},{kind or NONE}", row.get(name))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    error = row.get(f"{name}_stderr,{kind or NONE}", row.get(f"{name}_stderr"))
    wide = error if isinstance(error, float) else float(error) if isinstance(error, int) and abs(error) < HUGE else -1.0
    if isinstance(value, int) and abs(value) >= HUGE:
        return None
    return float(value), wide if math.isfinite(wide) and wide >= 0 and not isinstance(error, bool) else math.nan


def _better(result: Result, task: str, part: str) -> str | None:
    ways = result.part("higher_is_better", task)
    way = ways.get(part.rpartition(":")[2].partition(",")[0]) if isinstance(ways, dict) else None
    return None if way is None else "higher" if way else "lower"


def _same_setting(
    latest: dict[tuple[str, Path], Result], who: dict[Path, tuple[str, str, str]], tasks: Iterable[str], *, common: bool
) -> None:
    """A task must have been asked in one way: same version, same number of examples in the prompt, and as many items,
    unless only those `common` to all runs are asked for."""
    for task in sorted(tasks):
        mine = [(path, result) for (name, path), result in latest.items() if name == task]
        asked: dict[str, dict[Path, Any]] = {
            "shots": {path: result.part("n-shot", task) for path, result in mine},
            "version": {path: result.part("versions", task) for path, result in mine},
        }
        if not common:
            asked["items"] = {path: result.effective(task) for path, result in mine}
        for what, said in asked.items():
            first, *rest = said
            for other in rest:
                if said[other] != said[first] and None not in (said[other], said[first]):
                    raise BadInput(
                        f"{task} was not asked alike: {what} {said[first]} in {who[first][0]}, "
                        f"{said[other]} in {who[other][0]}",
                        where=" and ".join(f"{path.parent.name}/{path.name}" for path in (first, other)),
                        fix="Evaluate all models in the same way, or leave the task out.",
                    )
