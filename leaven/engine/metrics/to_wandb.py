"""Weights & Biases: a run for each variant, seed and size, grouped by study, with an axis of tokens.

What the environment says holds: WANDB_MODE (`offline` writes to `RUNS/<study>/wandb`, for `wandb sync`), WANDB_PROJECT
(`leaven` otherwise), WANDB_ENTITY, WANDB_BASE_URL. Nothing of the machine or the code is sent. An offline run cannot be
asked what it holds, so `RUNS/<study>/wandb-told.jsonl` says which rows it was given, and by which id it goes on.
The verdict's effects are in the summaries of the runs.
"""

from __future__ import annotations

import netrc
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import wandb

from leaven.engine.metrics import events
from leaven.engine.metrics.effects import name_of, numbers, of_curve
from leaven.engine.metrics.places import Curve, Places, values
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.progress import Row
from leaven.study.step import Step

JOURNAL = "wandb-told.jsonl"


@dataclass
class _Run:
    """A curve's run there. `id`: its own, in all runs of the study; `held`: tokens of the rows that it was given, and
    the identity of the verdict."""

    id: str
    held: set[int | str] = field(default_factory=set)
    live: Any = None


class WandB:
    name = "Weights & Biases"

    def __init__(self, folder: Path, places: Places) -> None:
        self._folder, self._places = folder, places
        self._runs: dict[str, _Run] = {}
        self._outcomes: dict[str, str] = {}

    def started(self, study: str, run: int) -> None:
        self._study, path = study, self._folder / JOURNAL
        for event in events.read(path)[0]:
            known = self._runs.setdefault(event["curve"], _Run(event["id"]))
            if event["event"] == "told":
                known.held.add(event["at"])
        self._journal = events.Log(path, run, _cannot_be_kept)

    def measured(self, step: Step, row: Row, time: float) -> None:
        for place in self._places.of(step):
            at, curve = place.tokens + int(row["tokens"] or 0), place.curve
            known = self._runs.get(curve.name)
            if known is not None and at in known.held:
                continue
            run = self._open(curve)
            # Counted on over all runs of the study, because what comes with a lower number is not taken.
            run.live.log({**values(row), "tokens": at}, step=len(run.held))
            self._told(curve, run, at)

    def ended(self, step: Step, outcome: str, summary: Mapping[str, Any]) -> None:
        self._outcomes[step.identity] = outcome
        effects = summary.get("effects", ())
        for curve in self._places.all() if effects else ():
            own, known = of_curve(effects, curve), self._runs.get(curve.name)
            if own and not (known is not None and step.identity in known.held):
                run = self._open(curve)
                for effect in own:
                    run.live.summary.update({**numbers(effect), f"{name_of(effect)}/verdict": effect["verdict"]})
                self._told(curve, run, step.identity)

    def _told(self, curve: Curve, run: _Run, what: int | str) -> None:
        run.held.add(what)
        self._journal.add("told", curve=curve.name, id=run.id, at=what)

    def flush(self) -> None:
        """Its own process takes rows as they come."""

    def close(self) -> None:
        failed = {stage for stage, outcome in self._outcomes.items() if outcome == "failed"}
        ends = {curve.name: int(bool(failed.intersection(self._places.stages(curve)))) for curve in self._places.all()}
        for name, known in self._runs.items():
            if known.live is not None:
                known.live.finish(exit_code=ends.get(name, 0))
        self._journal.close()

    def _open(self, curve: Curve) -> _Run:
        run = self._runs.get(curve.name)
        if run is None:
            run = self._runs[curve.name] = _Run(uuid.uuid4().hex[:12])
            self._journal.add("opened", curve=curve.name, id=run.id)
        if run.live is None:
            run.live = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "leaven"),
                dir=str(self._folder),
                id=run.id,
                name=curve.name,
                group=self._study,
                config={"study": self._study, **curve.about},
                resume="allow",
                reinit="create_new",
                settings=_settings(),
            )
            run.live.define_metric("tokens", hidden=True)
            run.live.define_metric("*", step_metric="tokens")
        return run


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
    )


def _cannot_be_kept(text: str) -> None:
    raise LeavenError(text.partition(";")[0])


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
