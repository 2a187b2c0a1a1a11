"""The lm-eval task file of a task.

The files are ordinary lm-eval YAML over local JSON lines: anybody can run a suite with lm-eval itself after
replacing the place-holder `{items}` by the folder of the items. Context and answers are taken from the items
as they are, with no template, so the bytes scored are the bytes in the file. Only where the delimiters of a task's
items differ (some contexts ended in white space) is the part that differs put behind the context again, as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from leaven.evaluate.item import Choice, Form, Item, Match, Target

PLACE = "{items}"
OUTPUT: dict[Form, str] = {
    "rolling": "loglikelihood_rolling",
    "choice": "multiple_choice",
    "match": "multiple_choice",
    "target": "loglikelihood",
    "short": "generate_until",
}
METRICS: dict[Form, tuple[tuple[str, str, bool], ...]] = {
    "rolling": (("bits_per_byte", "bits_per_byte", False),),
    "choice": (("acc", "mean", True), ("acc_norm", "mean", True), ("acc_bytes", "mean", True)),
    "match": (("acc", "mean", True),),
    "target": (("acc", "mean", True),),  # not perplexity: e to the power of a long target is too much for lm-eval
    "short": (("exact_match", "mean", True),),
}
FILTERS = [{"name": "remove_whitespace", "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}]}]
"""What lm-eval's own short-answer tasks do with an answer."""


def task_file(name: str, form: Form, items: Iterable[Item] = (), settings: Mapping[str, Any] | None = None) -> str:
    """The YAML text of a task that lm-eval can run.

    Programs are executed by leaven, never by lm-eval; a foreign task's file is in its settings.

    Args:
        items: all of the task's; their delimiters are looked at.
        settings: of a short-answer task: `tokens`, and `lm_eval` with lm-eval's own stop strings and its metric's
        options, so that the file gives the score of lm-eval's rule.
    """
    own, common = _delimiters(items)
    context = "{{context}}" + own if own else "context"
    answer = "{{delimiter}}{{target}}" if own or common else "target"
    fields: dict[str, Any] = {
        "rolling": {"doc_to_text": "", "doc_to_target": "text"},
        "choice": {
            "doc_to_text": context,
            "doc_to_target": "gold",
            "doc_to_choice": "choices",
            "target_delimiter": common,
        },
        # where the question is a number, lm-eval takes the choices for contexts and the target for the continuation
        "match": {
            "doc_to_text": "gold",
            "doc_to_target": "text",
            "doc_to_choice": "contexts",
            "target_delimiter": common,
        },
        "target": {"doc_to_text": "context", "doc_to_target": answer},
        "short": {"doc_to_text": "context", "doc_to_target": "answers", **_written(settings or {})},
    }[form]
    options = (settings or {}).get("lm_eval", {}).get("exact_match", {}) if form == "short" else {}
    config: dict[str, Any] = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{PLACE}/{name}.jsonl"}},
        "test_split": "test",
        "output_type": OUTPUT[form],
        **fields,
        "num_fewshot": 0,
        "metric_list": [
            {"metric": metric, "aggregation": aggregation, "higher_is_better": higher, **options}
            for metric, aggregation, higher in METRICS[form]
        ],
        "metadata": {"version": 1},
    }
    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def _written(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How a short answer is written and read, by lm-eval's rule."""
    kept = {"until": settings.get("lm_eval", {}).get("until") or settings.get("until") or ["\n"], "do_sample": False}
    if "tokens" in settings:
        kept["max_gen_toks"] = settings["tokens"]
    return {"generation_kwargs": kept, "filter_list": FILTERS}


def _delimiters(items: Iterable[Item]) -> tuple[str, str]:
    """What lm-eval must put behind each context, as a template ("" where nothing), and the delimiter of all items.

    The delimiters of a task end in the same string, lm-eval's `target_delimiter`; before it stands white space that
    lm-eval moves from the end of the context.
    """
    found = sorted({item.delimiter for item in items if isinstance(item, Choice | Match | Target)}) or [""]
    common = found[0]
    while not all(delimiter.endswith(common) for delimiter in found):
        common = common[1:]
    if len(found) == 1:
        return "", common
    if any(delimiter.removesuffix(common).strip() for delimiter in found):
        raise ValueError(f"the delimiters of a task differ in more than white space: {found}")
    return f"{{{{delimiter[:(delimiter|length) - {len(common)}]}}}}", common


def placed(text: str, items: Path, cache: Path) -> str:
    """The task file with its place-holder replaced by the items' folder, and the data set's cache put into
    `cache`.

    The answer is JSON, which is YAML that any path survives.
    """
    config = yaml.safe_load(text)
    files = config["dataset_kwargs"]["data_files"]
    for split, file in files.items():
        files[split] = file.replace(PLACE, str(items.resolve()))
    config["dataset_kwargs"]["cache_dir"] = str(cache.resolve())
    return json.dumps(config)
