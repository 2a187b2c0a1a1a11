"""What lm-eval computes for a task that leaven has no form for: its metrics, their values for the task as a whole, and
what guessing scores on them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leaven.evaluate.record import FOREIGN, Aggregate
from leaven.evaluate.scores import SUMMARY

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask


def metrics(task: ConfigurableTask) -> tuple[dict[str, bool], bool]:
    """What a task gives, as its file says it: whether each metric is a plain mean, by its name, and by `metric,filter`
    where filters have names; and whether there may be more, because a metric is a function that may return several."""
    from lm_eval.api.metrics import bypass_agg, mean

    config = task.config
    filters = [entry["name"] for entry in config.filter_list or ()]
    plain = {
        name: aggregation is mean
        for metric, aggregation in task.aggregation().items()
        if aggregation is not bypass_agg
        for name in (metric, *(f"{metric},{chosen}" for chosen in filters))
    }
    called = any(callable(entry["metric"]) or entry.get("hf_evaluate") for entry in config.metric_list or ())
    return plain, called and config.process_results is None


def measures(task: ConfigurableTask) -> tuple[tuple[str, ...], bool]:
    """The names that a task's scores have in `scores.json`, ours first; and whether there may be more."""
    plain, more = metrics(task)
    ours = (SUMMARY[column] for name, column in FOREIGN.items() if plain.get(name))
    return (*ours, *(f"lm_eval/{name}" for name in plain)), more


def guessing(task: ConfigurableTask, documents: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    """What answers without a model score on an accuracy: `chance`, `constant` (the best constant position) and
    `majority` (the best constant answer text), each as a share. Of several right answers any counts.

    None where that is not known: the task has no choices, no accuracy that is a mean, or a function of its own says
    what is right.
    """
    accuracies = [
        name for name, plain in metrics(task)[0].items() if plain and name in ("acc", "acc_norm", "acc_bytes")
    ]
    if task.OUTPUT_TYPE != "multiple_choice" or task.config.process_results is not None or not accuracies:
        return None
    chance: list[float] = []
    places: Counter[int] = Counter()
    texts: Counter[str] = Counter()
    for document in documents:
        choices = task.doc_to_choice(document)
        given = task.doc_to_text(document) if task.multiple_input else task.doc_to_target(document)
        named = given if isinstance(given, list) else [given]
        golds = [choices.index(gold) if isinstance(gold, str) and gold in choices else gold for gold in named]
        right = [place for place in range(len(choices)) if place in golds]
        chance.append(len(right) / len(choices))
        places.update(right)
        texts.update({choices[place] for place in right})
    n = len(documents)
    return {
        "chance": math.fsum(chance) / n,
        "constant": max(places.values(), default=0) / n,
        "majority": max(texts.values(), default=0) / n,
    }


def aggregates(task: ConfigurableTask, items: Sequence[Mapping[str, Any]]) -> list[Aggregate]:
    """As `lm_eval.evaluator_utils` computes them: a metric whose file names no aggregation is averaged.

    Args:
        items: lm-eval's values of each item, by metric and by `metric,filter`.
    """
    from lm_eval.api.metrics import bypass_agg, mean

    chosen = [entry["name"] for entry in task.config.filter_list or ()]
    found = []
    for name in dict.fromkeys(name for values in items for name in values):
        metric = next((name.removesuffix(f",{one}") for one in chosen if name.endswith(f",{one}")), name)
        aggregation = task.aggregation().get(metric, mean)
        if aggregation is bypass_agg:
            continue
        values = [one[name] for one in items if name in one]
        value, why = _number(aggregation, values)
        found.append(Aggregate(name, value, len(values), aggregation is mean, why))
    return found


def _number(aggregation: Callable[[Sequence[Any]], Any], values: Sequence[Any]) -> tuple[float | None, str]:
    """What lm-eval makes of the values; or none, and why: one metric of a task must not cost the others."""
    try:
        value = float(aggregation(values))
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
    return (value, "") if math.isfinite(value) else (None, f"it is {value}")
