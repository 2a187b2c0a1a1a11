"""MLflow: an experiment of the study's name, a run for each variant, seed and size, metrics by tokens.

MLFLOW_TRACKING_URI says which server; without it the files are in `RUNS/<study>/mlflow` (`mlflow ui
--backend-store-uri` shows them). What a run holds is asked from MLflow, so nothing is logged twice. The verdict's
effects are metrics at 0 tokens, its words tags; those of a later verdict take their place (MLflow shows the metric that
was logged last).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Nobody asked to have the use of a library reported; who wants it sets the variable.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient
from mlflow.entities import Metric

from leaven.engine.metrics.effects import name_of, numbers, of_curve
from leaven.engine.metrics.places import Curve, Places, values
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Row
from leaven.study.step import Step

FOLDER = "mlflow"
CURVE = "leaven.curve"
"""The tag by which a run of MLflow is found again."""
VERDICT = "leaven.verdict"
"""The tag that says whose effects a run has: the verdict's identity."""
AT_ONCE = 1000
"""Metrics in one request at most (MLflow REST API, "Request Limits")."""


@dataclass
class _Run:
    """A curve's run there. `held`: (tokens, name) of its metrics; `tags`: those that it had when it was found;
    `waiting`: metrics that were not sent yet."""

    id: str
    curve: Curve
    held: set[tuple[int, str]]
    tags: Mapping[str, str]
    waiting: list[Metric] = field(default_factory=list)

    def add(self, at: int, numbers: Mapping[str, float], time: float) -> None:
        for name, number in numbers.items():
            name = _allowed(name)
            if (at, name) not in self.held:
                self.held.add((at, name))
                self.waiting.append(Metric(name, number, int(time * 1000), at))


class MLflow:
    name = "MLflow"

    def __init__(self, folder: Path, places: Places) -> None:
        self._folder, self._places = folder, places
        self._runs: dict[str, _Run] = {}
        self._outcomes: dict[str, str] = {}

    def started(self, study: str, run: int) -> None:
        address = os.environ.get("MLFLOW_TRACKING_URI")
        if not address:
            # Plain files need nothing but a disk; MLflow has them confirmed since they get no new features.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            address = (self._folder / FOLDER).resolve().as_uri()
        self._client = MlflowClient(tracking_uri=address)
        found = self._client.get_experiment_by_name(study)
        if found is not None and found.lifecycle_stage == "deleted":
            raise LeavenError(f'the experiment "{study}" was deleted there; restore it or remove it for good')
        self._experiment = found.experiment_id if found else self._client.create_experiment(study)

    def measured(self, step: Step, row: Row, moment: float) -> None:
        for place in self._places.of(step):
            self._run(place.curve).add(place.tokens + int(row["tokens"] or 0), values(row), moment)

    def ended(self, step: Step, outcome: str, summary: Mapping[str, Any]) -> None:
        self._outcomes[step.identity] = outcome
        effects = summary.get("effects", ())
        for curve in self._places.all() if effects else ():
            run = self._run(curve)
            if run.tags.get(VERDICT) != step.identity:
                self._judge(run, step.identity, of_curve(effects, curve))

    def _judge(self, run: _Run, verdict: str, effects: Sequence[Mapping[str, Any]]) -> None:
        """The effects, and last the tag that says that they are all there."""
        words = {_allowed(name_of(effect)): str(effect["verdict"]) for effect in effects}
        now = int(time.time() * 1000)
        for effect in effects:
            run.waiting += [Metric(_allowed(name), number, now, 0) for name, number in numbers(effect).items()]
        self._send(run)
        for name in run.tags:
            if name.startswith("verdict/") and name not in words:
                self._client.delete_tag(run.id, name)
        for name, word in (words | {VERDICT: verdict}).items():
            self._client.set_tag(run.id, name, word)
        run.tags = {**words, VERDICT: verdict}

    def flush(self) -> None:
        for run in self._runs.values():
            self._send(run)

    def _send(self, run: _Run) -> None:
        while run.waiting:
            self._client.log_batch(run.id, run.waiting[:AT_ONCE])
            del run.waiting[:AT_ONCE]

    def close(self) -> None:
        self.flush()
        for run in self._runs.values():
            outcomes = {self._outcomes.get(stage) for stage in self._places.stages(run.curve)}
            status = "FAILED" if "failed" in outcomes else "FINISHED" if outcomes <= {"finished"} else "KILLED"
            self._client.set_terminated(run.id, status)

    def _run(self, curve: Curve) -> _Run:
        if curve.name not in self._runs:
            name = curve.name.replace("\\", "\\\\").replace("'", "\\'")
            found = self._client.search_runs([self._experiment], f"tags.`{CURVE}` = '{name}'", max_results=1)
            if found:
                run_id, tags = found[0].info.run_id, found[0].data.tags
                held = {
                    (metric.step, metric.key)
                    for key in found[0].data.metrics
                    for metric in self._client.get_metric_history(run_id, key)
                }
                self._client.update_run(run_id, status="RUNNING")
            else:
                run_id = self._client.create_run(
                    self._experiment, tags={CURVE: curve.name}, run_name=curve.name
                ).info.run_id
                held, tags = set(), {}
                for key, value in curve.about.items():
                    self._client.log_param(run_id, key, value)
            self._runs[curve.name] = _Run(run_id, curve, held, tags)
        return self._runs[curve.name]


def _allowed(name: str) -> str:
    """MLflow takes letters, digits, `_`, `-`, `.`, `:`, `/` and spaces."""
    return re.sub(r"[^\w\-.:/ ]", "_", name)


def open_sink(folder: Path, places: Places) -> MLflow:
    return MLflow(folder, places)
