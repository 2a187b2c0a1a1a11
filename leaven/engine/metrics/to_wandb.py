"""Weights & Biases: a run for each variant, seed and size, grouped by study, with an axis of tokens.

What the environment says holds: WANDB_MODE (`offline` writes to `RUNS/<study>/wandb`, for `wandb sync`), WANDB_PROJECT
(`leaven` otherwise), WANDB_ENTITY, WANDB_BASE_URL. Nothing of the machine or the code is sent. The verdict's effects
are in the summaries of the runs, with its identity: those of a later one take their place.

A run goes on under its own id (`RUNS/<study>/wandb-runs.json`). Its rows are numbered in the order in which the study
tells them, which is the same after a restart: what is there already is asked from the files of an offline run, and is
the number that a server gives to the next row otherwise.
"""

from __future__ import annotations

import netrc
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import wandb

from leaven.engine.metrics.effects import name_of, numbers, of_curve
from leaven.engine.metrics.places import Curve, Places, values
from leaven.engine.metrics.wandb_files import Held, held
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Row
from leaven.study.step import Step

IDS = "wandb-runs.json"
VERDICT = "verdict/identity"
TIMES = {"init_timeout": 25.0, "finish_timeout": 20.0}
"""Seconds until a server that does not answer is given up, at the begin of a run there (`feed.PATIENCE` at the end of
all is longer) and at its end, also by what W&B does when the process ends. WANDB_INIT_TIMEOUT, WANDB_FINISH_TIMEOUT."""
WRITTEN = 10.0
"""Seconds that its process has to write an offline run, after that was finished."""


@dataclass
class _Run:
    """A curve's run there. `id`: its own, in all runs of the study; `told`: tokens of the rows that it was given, or
    that are there already; `there`: how many a server holds; `verdict`: identity of that in an offline run's files."""

    id: str
    told: set[int]
    verdict: str
    there: int = 0
    live: Any = None


class WandB:
    name = "Weights & Biases"

    def __init__(self, folder: Path, places: Places) -> None:
        self._folder, self._places = folder, places
        self._offline = os.environ.get("WANDB_MODE") == "offline"
        self._runs: dict[str, _Run] = {}
        self._outcomes: dict[str, str] = {}

    def started(self, study: str, run: int) -> None:
        self._study = study
        try:
            self._ids = dict(read_json(self._folder / IDS))
        except (OSError, ValueError, TypeError):
            self._ids = {}

    def measured(self, step: Step, row: Row, moment: float) -> None:
        for place in self._places.of(step):
            at, run = place.tokens + int(row["tokens"] or 0), self._run(place.curve)
            if at in run.told:
                continue
            live, number = self._live(place.curve), len(run.told)
            run.told.add(at)
            if number >= run.there:
                live.log({**values(row), "tokens": at}, step=number)

    def ended(self, step: Step, outcome: str, summary: Mapping[str, Any]) -> None:
        self._outcomes[step.identity] = outcome
        effects = summary.get("effects", ())
        for curve in self._places.all() if effects else ():
            found: dict[str, Any] = {}
            for effect in of_curve(effects, curve):
                found |= {**numbers(effect), f"{name_of(effect)}/verdict": effect["verdict"]}
            if found and self._run(curve).verdict != step.identity:
                self._run(curve).verdict = step.identity
                self._live(curve).summary.update({**found, VERDICT: step.identity})

    def flush(self) -> None:
        """Its own process takes rows as they come."""

    def close(self) -> None:
        failed = {stage for stage, outcome in self._outcomes.items() if outcome == "failed"}
        ends = {curve.name: int(bool(failed.intersection(self._places.stages(curve)))) for curve in self._places.all()}
        live = {name: run for name, run in self._runs.items() if run.live is not None}
        for name, run in live.items():
            run.live.finish(exit_code=ends.get(name, 0))
        until = time.monotonic() + WRITTEN
        while self._offline and not all(self._is_written(run) for run in live.values()) and time.monotonic() < until:
            time.sleep(0.05)

    def _is_written(self, run: _Run) -> bool:
        return len(held(self._folder, run.id).tokens) >= len(run.told)

    def _run(self, curve: Curve) -> _Run:
        """What is known of a curve's run, which is not opened for that."""
        if curve.name not in self._runs:
            if curve.name not in self._ids:
                self._ids[curve.name] = uuid.uuid4().hex[:12]
                write_json(self._folder / IDS, self._ids)
            own = self._ids[curve.name]
            there = held(self._folder, own) if self._offline else Held()
            self._runs[curve.name] = _Run(own, set(there.tokens), str(there.summary.get(VERDICT, "")))
        return self._runs[curve.name]

    def _live(self, curve: Curve) -> Any:
        run = self._run(curve)
        if run.live is None:
            run.live = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "leaven"),
                dir=str(self._folder),
                id=run.id,
                name=curve.name,
                group=self._study,
                config={"study": self._study, **curve.about},
                resume=None if self._offline else "allow",
                reinit="create_new",
                settings=_settings(),
            )
            run.there = 0 if self._offline else int(run.live.step)
            run.live.define_metric("tokens", hidden=True)
            run.live.define_metric("*", step_metric="tokens")
        return run.live


def _settings() -> Any:
    return wandb.Settings(
        silent=True,
        console="off",
        login_timeout=1,
        disable_git=True,
        disable_code=True,
        save_code=False,
        disable_job_creation=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        **{name: seconds for name, seconds in TIMES.items() if f"WANDB_{name.upper()}" not in os.environ},
    )


def _knows_key() -> bool:
    """Whether there are credentials, looked for where `wandb login` and its documentation put them."""
    if any(os.environ.get(name) for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai").hostname or ""
    given = os.environ.get("NETRC")
    for path in [Path(given)] if given else [Path.home() / ".netrc", Path.home() / "_netrc"]:
        try:
            if netrc.netrc(path).authenticators(host):
                return True
        except (OSError, netrc.NetrcParseError):
            continue
    return False


def open_sink(folder: Path, places: Places) -> WandB:
    """Raises BadInput where it would have to ask for a password in the middle of a run."""
    if os.environ.get("WANDB_MODE", "online") in ("online", "shared") and not _knows_key():
        raise BadInput(
            "nobody is logged in to Weights & Biases here",
            field="--metrics",
            fix="Log in (wandb login), or keep the curves on this disk: WANDB_MODE=offline.",
        )
    return WandB(folder, places)
