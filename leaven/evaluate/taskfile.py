"""The lm-eval task file of a task.

The files are ordinary lm-eval YAML over local JSON lines: anybody can run a suite with lm-eval itself after
replacing the place-holder `{items}` by the folder of the items. Context and choices are taken from the items
as they are, with no template and no delimiter, so the bytes scored are the bytes in the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from leaven.evaluate.item import Form

PLACE = "{items}"
OUTPUT: dict[Form, str] = {
    "rolling": "loglikelihood_rolling",
    "choice": "multiple_choice",
    "match": "multiple_choice",
}
METRICS: dict[Form, tuple[tuple[str, str, bool], ...]] = {
    "rolling": (("bits_per_byte", "bits_per_byte", False),),
    "choice": (("acc", "mean", True), ("acc_norm", "mean", True), ("acc_bytes", "mean", True)),
    "match": (("acc", "mean", True),),
}


def task_file(name: str, form: Form) -> str:
    """The YAML text of a rolling, choice or match task (programs are executed by leaven, never by lm-eval)."""
    fields = {
        "rolling": {"doc_to_text": "", "doc_to_target": "text"},
        "choice": {
            "doc_to_text": "context",
            "doc_to_target": "gold",
            "doc_to_choice": "choices",
            "target_delimiter": "",
        },
        # where the question is a number, lm-eval takes the choices for contexts and the target for the continuation
        "match": {
            "doc_to_text": "gold",
            "doc_to_target": "text",
            "doc_to_choice": "contexts",
            "target_delimiter": "",
        },
    }[form]
    config: dict[str, Any] = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{PLACE}/{name}.jsonl"}},
        "test_split": "test",
        "output_type": OUTPUT[form],
        **fields,
        "num_fewshot": 0,
        "metric_list": [
            {"metric": metric, "aggregation": aggregation, "higher_is_better": higher}
            for metric, aggregation, higher in METRICS[form]
        ],
        "metadata": {"version": 1},
    }
    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


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
