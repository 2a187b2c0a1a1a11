"""Folders of lm-eval's results: `results_<time>.json` of each model, with `samples_<task>_<time>.jsonl` where kept.

With samples, runs are paired on documents (their number and the hash of their text); the mean of the samples must be
the score that the harness printed, else the score is what counts. Without them, scores have the harness's standard
errors. A model's name tells its variant and seed by the mapping's `models` or `model`, or by `…-seed3` in it.

Read in the source of lm-eval 0.4.13: `loggers/evaluation_tracker.py`, `result_schema.py`, `evaluator.py`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leaven.analyze.imported import conventions
from leaven.analyze.imported.cells import names
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.readings import WORDS, Readings
from leaven.analyze.imported.settle import match
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file

USUAL = re.compile(r"(?:^|/|__)(?P<variant>[^/]+?)[-_.]?seed[-_=]?(?P<seed>\d+)")
PREFERRED = ("bits_per_byte", "acc_norm", "acc", "exact_match", "pass@1", "f1")
"""Of a task's several metrics the one that is compared unless a mapping names others (METHODS §2.1)."""
LARGEST = 1 << 29
"""Bytes of a results file; samples have no limit."""
CLOSE = 1e-6
"""Relative: how far the mean of samples may lie from the score."""
NO_METRIC = ("alias", "name", "sample_len", "sample_count", "samples")
NONE = "none"


@dataclass(frozen=True)
class Result:
    """One results file."""

    path: Path
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def model(self) -> str:
        config = self.content.get("config") or {}
        named = self.content.get("model_name") or config.get("model_args") or config.get("model")
        return str(named or self.path.parent.name)

    @property
    def time(self) -> str:
        return self.path.stem.rpartition("_")[2]

    def part(self, key: str, task: str) -> Any:
        found = self.content.get(key)
        return found.get(task) if isinstance(found, dict) else None

    def samples(self, task: str) -> Path:
        return self.path.with_name(f"samples_{task}_{self.time}.jsonl")


def results_in(path: Path) -> list[Result]:
    """Results of lm-eval in a folder and those below it, or the file if it is one."""
    if path.is_dir():
        found = [each for each in sorted(path.rglob("*.json")) if each.name.startswith("results")]
    else:
        found = [path] if path.suffix == ".json" else []
    return [Result(each, content) for each in found if (content := _content(each)) is not None]


def _content(path: Path) -> dict[str, Any] | None:
    if path.stat().st_size > LARGEST:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        return None
    return content if all(isinstance(row, dict) for row in content["results"].values()) else None


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
    _same_setting(latest, who, {part.rpartition(":")[0] for part in wanted})
    frames, files = [], {result.name: _file(result.path, len(result.content["results"])) for result in results}
    for (task, path), result in latest.items():
        for part in wanted:
            if part.rpartition(":")[0] != task:
                continue
            score = _score(result, task, part.rpartition(":")[2])
            if score is None:
                continue
            if (way := _better(result, task, part)) is not None:
                better[part] = way
            found, said = _rows(result, task, part, score)
            if found["item"][0]:
                sample = result.samples(task)
                files.setdefault(f"{sample.parent.name}/{sample.name}", _file(sample, len(found["value"])))
            notes += said
            variant, seed, size = who[path]
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
    """Variant, seed and size of a model."""
    if model in mapping.models:
        known = mapping.models[model]
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
    known = isinstance(error, int | float) and not isinstance(error, bool) and math.isfinite(error) and error >= 0
    return float(value), float(error) if known else math.nan


def _better(result: Result, task: str, part: str) -> str | None:
    ways = result.part("higher_is_better", task)
    way = ways.get(part.rpartition(":")[2].partition(",")[0]) if isinstance(ways, dict) else None
    return None if way is None else "higher" if way else "lower"


def _same_setting(
    latest: dict[tuple[str, Path], Result], who: dict[Path, tuple[str, str, str]], tasks: Iterable[str]
) -> None:
    """A task must have been asked in one way: same version, same number of examples in the prompt."""
    for task in sorted(tasks):
        mine = [(path, result) for (name, path), result in latest.items() if name == task]
        for key, what in (("n-shot", "shots"), ("versions", "version")):
            said = {path: result.part(key, task) for path, result in mine}
            first, *rest = said
            for other in rest:
                if said[other] != said[first] and None not in (said[other], said[first]):
                    raise BadInput(
                        f"{task} was not asked alike: {what} {said[first]} in {who[first][0]}, "
                        f"{said[other]} in {who[other][0]}",
                        where=mine[0][1].name,
                        fix="Evaluate all models in the same way, or leave the task out.",
                    )


def _rows(result: Result, task: str, part: str, score: tuple[float, float]) -> tuple[dict[str, Any], list[str]]:
    """Rows of single items where they are kept and make up the score; else the score."""
    counts = result.part("n-samples", task)
    items = counts.get("effective") if isinstance(counts, dict) else None
    row = result.content["results"][task].get("sample_len")
    count = next((float(n) for n in (items, row) if isinstance(n, int) and not isinstance(n, bool)), math.nan)
    alone = {"item": [""], "value": [score[0]], "se": [score[1]], "n": [count], "weight": [math.nan]}
    path = result.samples(task)
    if not path.is_file():
        return alone, []
    found = _items(path, part.rpartition(":")[2])
    if found is None:
        return alone, [f"{part}: its samples hold no single numbers that make up the score, so the score counts"]
    made = found["value"].sum() / (found["weight"].sum() if np.isfinite(found["weight"]).all() else len(found["value"]))
    if not abs(made - score[0]) <= CLOSE * max(1.0, abs(score[0])):
        return alone, [f"{part}: the mean of the samples is not the score in {result.name}, so the score counts"]
    missing = np.full(len(found["value"]), math.nan)
    return {**found, "se": missing, "n": missing}, []


def _items(path: Path, metric: str) -> dict[str, Any] | None:
    """Items of a samples file by document: values, and bytes where the score is a ratio; None where they are no
    numbers. Raises BadInput for a line that is no sample."""
    name, _, kind = metric.partition(",")
    ids: list[str] = []
    values: list[float] = []
    weights: list[float] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                sample = json.loads(line)
                said = sample.get("filter", NONE)
                item = f"{sample['doc_id']}:{str(sample.get('doc_hash', ''))[:12]}"
            except (ValueError, KeyError, AttributeError, RecursionError):
                raise BadInput("this line is no sample of lm-eval", where=f"{path}:{number}") from None
            if said != (kind or NONE) and (kind or said != NONE):
                continue
            value: Any = sample.get(name)
            weight = math.nan
            if name == "bits_per_byte" and isinstance(value, list) and len(value) == 2:
                value, weight = -float(value[0]) / math.log(2), float(value[1])
            if not isinstance(value, int | float) or not math.isfinite(value):
                return None
            ids.append(item)
            values.append(float(value))
            weights.append(weight)
    if not ids:
        return None
    return {"item": ids, "value": np.array(values), "weight": np.array(weights)}
