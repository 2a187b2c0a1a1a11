"""lm-eval over the local items of a suite: offline, quiet, nothing left behind.

lm-eval loads the items, builds the requests, asks the adapter and returns every sample; its aggregated scores
are dropped (`leaven.evaluate.scores` computes ours from the samples), its bootstrap is off. The task manager
sees only the suite's own task files: indexing lm-eval's 14,000 built-in names takes seconds.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.corpus.hub.snapshot import UNASKED
from leaven.evaluate.taskfile import placed

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}
if "HF_HUB_OFFLINE" not in os.environ and "HF_DATASETS_OFFLINE" not in os.environ:
    os.environ[UNASKED] = "1"  # so that a place that the user names as the hub may be asked
os.environ.update({name: os.environ.get(name, value) for name, value in OFFLINE.items()})

# after the environment is set, because the hub libraries read it when they are imported
from lm_eval.evaluator import evaluate  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402


@dataclass(frozen=True)
class Sample:
    """One item as lm-eval scored it.

    Args:
        nats: log-likelihood of each choice, or of the text of a rolling item.
        greedy: for each choice, whether the model would have produced it.
        metrics: lm-eval's own values for the item.
    """

    item: str
    nats: tuple[float, ...]
    greedy: tuple[bool, ...]
    metrics: Mapping[str, Any]


def run_tasks(lm: Any, suite: Path, names: Sequence[str], space: Path) -> dict[str, list[Sample]]:
    """The samples of each named rolling or choice task, in the order of the items.

    Args:
        lm: an `lm_eval.api.model.LM`.
        suite: a suite step's folder.
        space: an existing folder; a temporary folder for caches is made in it and removed again.
    """
    if not names:
        return {}
    with tempfile.TemporaryDirectory(prefix=".lm-eval-", dir=space) as folder, quiet():
        tasks = Path(folder) / "tasks"
        tasks.mkdir()
        for name in names:
            text = placed((suite / "tasks" / f"{name}.yaml").read_text(encoding="utf-8"), suite / "items", Path(folder))
            (tasks / f"{name}.yaml").write_text(text, encoding="utf-8")
        manager = TaskManager(include_path=str(tasks), include_defaults=False)
        # not simple_evaluate: around the same call it reseeds every global generator and asks git for a commit
        found = evaluate(lm, manager.load(list(names)), bootstrap_iters=0, log_samples=True)
    return {name: [_sample(entry) for entry in _in_order(found["samples"][name])] for name in names}


def _in_order(samples: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(samples, key=lambda sample: int(sample["doc_id"]))


def _sample(entry: Mapping[str, Any]) -> Sample:
    answers = entry["filtered_resps"]
    pairs = [answer if isinstance(answer, tuple | list) else (answer, False) for answer in answers]
    return Sample(
        item=str(entry["doc"]["id"]),
        nats=tuple(float(nats) for nats, _ in pairs),
        greedy=tuple(bool(greedy) for _, greedy in pairs),
        metrics={name: entry[name] for name in entry["metrics"]},
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, no log lines below an error, no warnings: what is wrong arrives as an exception."""
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        noise = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
