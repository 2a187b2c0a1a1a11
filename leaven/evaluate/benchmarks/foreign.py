"""Tasks that leaven has no form for: lm-eval itself asks and scores, over frozen documents and prompts.

A custom metric, a filter, several right answers: what such a task means is in its Python functions. So its items keep
the document and the prompt, and the task's settings keep the task file and its functions, as text: the suite's folder
needs neither the user's folder nor the data. Running one runs those functions, as lm-eval would; leaven takes no task
that has lm-eval run the model's programs.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from leaven.evaluate.benchmarks.metrics import aggregates
from leaven.evaluate.benchmarks.named import Named
from leaven.evaluate.benchmarks.taskyaml import Function, replaced
from leaven.evaluate.harness import quiet
from leaven.evaluate.item import Foreign, read_items
from leaven.evaluate.record import Aggregate
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

STRUCTURAL = ("tag", "group", "task_list", "metadata")
REPLACED: dict[str, Any] = {
    "custom_dataset": None,
    "dataset_path": None,
    "dataset_name": None,
    "dataset_kwargs": None,
    "training_split": None,
    "validation_split": None,
    "test_split": "test",
    "fewshot_split": None,
    "fewshot_config": None,
    "num_fewshot": 0,
    "process_docs": None,
}
"""Fields that are done with: documents are processed, and examples are in the prompts."""


@dataclass(frozen=True)
class Sample:
    """What lm-eval found for an item.

    Args:
        metrics: its own values, those of the first filter; where filters have names each as `metric,filter` too.
        texts: what the model wrote; empty where likelihoods were asked.
        nats: the likelihoods that were asked, in their order.
    """

    item: str
    metrics: Mapping[str, Any]
    texts: tuple[str, ...]
    nats: tuple[float, ...]


def frozen(named: Named, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The task as data: {task: the text of its file, modules: {name: text}}."""
    fields = {name: value for name, value in {**named.yaml.fields, **overrides}.items() if name not in STRUCTURAL}
    fields |= REPLACED
    modules: dict[str, str] = {}

    def placed(function: Function) -> _Tagged:
        file = function.file
        if file is None:
            return _Tagged(function.name)
        text = file.read_text(encoding="utf-8")
        name = f"{file.stem}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        modules[f"{name}.py"] = text
        return _Tagged(f"{name}.{function.name.rpartition('.')[2]}")

    text = yaml.dump(replaced(fields, placed), Dumper=_Dumper, sort_keys=True, allow_unicode=False)
    return {"task": text, "modules": dict(sorted(modules.items()))}


def item(task: ConfigurableTask, document: Mapping[str, Any], context: Any, name: str, group: str) -> Foreign:
    """Raises ValueError where the document is not plain data."""
    kept = {"document": dict(document), "context": context}
    try:
        if json.loads(json.dumps(kept, allow_nan=False)) != kept:
            raise ValueError("it does not survive being written as JSON")
    except TypeError as error:
        raise ValueError(f"it is not plain data ({error})") from None
    target = task.doc_to_target(document) if task.config.doc_to_target is not None else ""
    shown = context if isinstance(context, str) else " ".join(context)
    return Foreign(name, group, kept, shown + target if isinstance(target, str) else shown)


def check(settings: Mapping[str, Any], items: Sequence[Foreign], where: str) -> None:
    """Raises BadInput where the frozen task cannot ask its first item."""
    try:
        with tempfile.TemporaryDirectory(prefix="leaven-") as folder, quiet():
            _requests(_open(settings, items[:1], Path(folder)), items[:1])
    except Exception as error:
        raise BadInput(
            f"the task cannot be taken from its folder ({type(error).__name__}: {error})",
            where=where,
            fix="its functions may use installed modules, and no other files",
        ) from None


def run_foreign(lm: Any, suite: Path, task: str, space: Path) -> tuple[list[Sample], list[Aggregate]]:
    """Ask and score a task by lm-eval, in the order of its items; and what lm-eval makes of them.

    Args:
        lm: an `lm_eval.api.model.LM`.
        suite: a suite step's folder.
        space: an existing folder; a temporary folder for the task's functions is made in it and removed again.

    Raises:
        LeavenError: a function of the task failed.
    """
    settings = read_json(suite / "suite.json")["tasks"][task]["settings"]["lm_eval"]
    items = [item for item in read_items(suite / "items" / f"{task}.jsonl", "foreign") if isinstance(item, Foreign)]
    with tempfile.TemporaryDirectory(prefix=".lm-eval-", dir=space) as folder:
        with _told(task), quiet():
            live = _open(settings, items, Path(folder))
            instances = _requests(live, items)
        _ask(lm, instances)
        with _told(task), quiet():
            samples = _samples(live, items, instances)
            return samples, aggregates(live, [sample.metrics for sample in samples])


@contextmanager
def _told(task: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise LeavenError(f"a function of the task {task} failed ({type(error).__name__}: {error})") from error


def _open(settings: Mapping[str, Any], items: Sequence[Foreign], folder: Path) -> ConfigurableTask:
    import datasets
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks._yaml_loader import load_yaml

    for name, text in settings["modules"].items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "task.yaml").write_text(settings["task"], encoding="utf-8")
    documents = datasets.Dataset.from_list([entry.doc["document"] for entry in items])
    fields = load_yaml(folder / "task.yaml")
    return ConfigurableTask(config={**fields, "custom_dataset": lambda **ignored: {"test": documents}})


def _requests(task: ConfigurableTask, items: Sequence[Foreign]) -> list[list[Any]]:
    """The requests of each item. Documents are those of the file: a `Dataset` may have filled in fields."""
    made = []
    for place, entry in enumerate(items):
        found = task.construct_requests(
            doc=entry.doc["document"],
            ctx=entry.doc["context"],
            metadata=(task.config.task, place, task.config.repeats),
        )
        made.append(found if isinstance(found, list) else [found])
    task._instances = [instance for group in made for instance in group]
    return made


def _ask(lm: Any, instances: Sequence[Sequence[Any]]) -> None:
    kinds: dict[str, list[Any]] = {}
    for group in instances:
        for instance in group:
            kinds.setdefault(instance.request_type, []).extend([instance] * (instance.repeats or 1))
    for kind, requests in kinds.items():
        for instance, answer in zip(requests, getattr(lm, kind)(requests), strict=True):
            instance.resps.append(answer)


def _samples(task: ConfigurableTask, items: Sequence[Foreign], instances: Sequence[Sequence[Any]]) -> list[Sample]:
    task.apply_filters()
    filters = list(instances[0][0].filtered_resps)
    found = []
    for entry, group in zip(items, instances, strict=True):
        first: dict[str, Any] = {}
        named: dict[str, Any] = {}
        for chosen in filters:
            answers = [instance.filtered_resps[chosen] for instance in group]
            values = task.process_results(entry.doc["document"], answers)
            if chosen == filters[0]:
                first = dict(values)
            if task.config.filter_list:
                named |= {f"{metric},{chosen}": value for metric, value in values.items()}
        found.append(Sample(entry.id, first | named, *_answers(group)))
    return found


def _answers(group: Sequence[Any]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """What the model wrote, and the likelihoods that it gave."""
    found = [answer for instance in group for answer in instance.resps]
    texts = tuple(answer for answer in found if isinstance(answer, str))
    nats = (
        answer[0] if isinstance(answer, tuple | list) else answer for answer in found if not isinstance(answer, str)
    )
    return texts, tuple(float(value) for value in nats)


class _Tagged(str):
    """The name of a function, to be written as `!function name`."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    pass


_Dumper.add_representer(_Tagged, lambda dumper, name: dumper.represent_scalar("!function", str(name)))
