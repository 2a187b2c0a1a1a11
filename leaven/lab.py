"""The verbs as a Python API; the commands are thin over it.

import leaven
study = leaven.load("pocket", seeds=5)
study.plan()
results = study.run()
results.gains()
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, write_json, write_text
from leaven.results import Results
from leaven.study.load import Loaded
from leaven.study.load import load as load_file

if TYPE_CHECKING:
    import pandas as pd

    from leaven.engine.executors import Where
    from leaven.engine.plan import Plan
    from leaven.engine.prepare import Prepared
    from leaven.engine.state import State
    from leaven.engine.store import Store
    from leaven.train.ahead import Ahead

RUNS = Path("runs")
"""Where results go unless told otherwise: `runs/store` and `runs/<study>`."""


def load(
    name: str,
    *,
    settings: Iterable[str] = (),
    sources: Mapping[str, str | Path] | None = None,
    seeds: int | None = None,
    size: str | None = None,
    runs: str | Path = RUNS,
    store: str | None = None,
) -> Study:
    """A built-in study or a study file, with changes.

    Args:
        name: `pocket`, or the path of a study file.
        settings: `dotted.field=value`, e.g. `mixtures.code.markup=0.4`.
        sources: the user's own files for a source, e.g. `{"text": "books/"}`.
        seeds, size: number of seeds, model size; a study with a proxy block is scaled to the size.
        runs: the folder results go to.
        store: where steps are kept: a folder or a URL like `s3://bucket/leaven`; RUNS/store unless told otherwise.

    Raises:
        BadInput: naming file, line and field.
    """
    from leaven.engine.stores import place
    from leaven.model.config import parameters_of_sizes

    given = [f"{source}={path}" for source, path in (sources or {}).items()]
    loaded = load_file(name, settings=settings, sources=given, seeds=seeds, size=size, parameters=parameters_of_sizes)
    return Study(loaded, Path(runs), store=place(store, Path(runs)))


class Study:
    """A study, with the store that its steps are kept in (RUNS/store)."""

    def __init__(
        self,
        loaded: Loaded,
        runs: Path = RUNS,
        roots: Mapping[str, Path] | None = None,
        store: Store | None = None,
    ) -> None:
        from leaven.engine.stores import place

        self.loaded, self.runs, self.roots = loaded, runs, roots
        self.store = store or place(None, runs)
        self.folder = runs / loaded.study.study

    @property
    def name(self) -> str:
        return self.loaded.study.study

    def prepare(
        self,
        *,
        allow_unisolated: bool = False,
        without_code: bool = False,
        remember: bool = False,
        declared: bool = False,
    ) -> Prepared:
        """Look at the raw files and expand the graph. `remember` keeps their hashes in the store for the next time;
        with `declared` the study's word is taken for what cannot be looked at now."""
        from leaven.engine.prepare import prepare

        return prepare(
            self.loaded,
            self.store,
            allow_unisolated=allow_unisolated,
            without_code=without_code,
            remember=remember,
            roots=self.roots,
            declared=declared,
        )

    def plan(
        self,
        *,
        jobs: int | None = None,
        allow_unisolated: bool = False,
        without_code: bool = False,
        device: str = "auto",
        pack: str = "auto",
        prepared: Prepared | None = None,
        mfu: float | None = None,
        devices: int | None = None,
        prices: Mapping[str, float] | None = None,
        pilot: str | None = None,
    ) -> Plan:
        """Steps, sharing, tokens, FLOPs, device, time, cost and power. Nothing is executed and nothing is written.

        Args:
            mfu: share of the peak that hardware which is not here is assumed to reach; without it published figures.
            devices: how many of them train together. prices: USD of a chip-hour, `{"H100": 2.5}`.
            pilot: whose noise power is worked out from: a file like `noise.csv`, or a study finished in this store.
        """
        from leaven.engine import packing
        from leaven.engine.costs import assumed
        from leaven.engine.devices import find
        from leaven.engine.plan import plan

        assume = assumed(mfu, devices, prices)
        together, found = packing.wanted(pack), find(device)
        prepared = prepared or self.prepare(allow_unisolated=allow_unisolated, without_code=without_code, declared=True)
        return plan(prepared, self.store, jobs=jobs, device=found, pack=together, assume=assume, pilot=pilot)

    def compile_ahead(self, topology: str, *, model_axis: int = 1) -> list[Ahead]:
        """The study's different training steps compiled for TPUs that are not here, e.g. `v5e:8x8`.

        Raises BadInput for a topology or a batch that cannot be; LeavenError for what the compiler refuses.
        """
        from leaven.engine.ahead import compile_stages

        return compile_stages(self.prepare().graph.of_kind("stage"), topology, model_axis)

    def run(
        self,
        *,
        jobs: int | None = None,
        allow_unisolated: bool = False,
        without_code: bool = False,
        quiet: bool = False,
        device: str = "auto",
        pack: str = "auto",
        prepared: Prepared | None = None,
        where: Where | None = None,
        metrics: str = "",
        notify: str = "",
    ) -> Results:
        """Run what the store does not hold; resumes where an earlier run stopped.

        Args:
            jobs: steps at once at most.
            device: what models are computed on: `auto`, `cpu`, `gpu` or `tpu`.
            pack: stages of one shape in one program: `auto`, `off`, or as many as `4`.
            where: where steps execute (`leaven.engine.executors.Where`): this computer unless told otherwise.
            metrics: where curves are sent besides events.jsonl: `tensorboard`, `wandb`, `mlflow`, or several by commas.
            notify: a command that is told, as JSON, of failures and of the end.

        Raises:
            BadInput: before anything ran, or before the first stage where a source is too small.
            LeavenError: a step failed; everything that does not depend on it has finished.
        """
        from leaven.engine import packing
        from leaven.engine.audit import audit
        from leaven.engine.display import Display
        from leaven.engine.estimate import measured
        from leaven.engine.executors import Where, place_of
        from leaven.engine.judging import require_key
        from leaven.engine.keeping.records import remember as keep
        from leaven.engine.metrics import notify as notifying
        from leaven.engine.metrics.recorder import Recorder
        from leaven.engine.metrics.sink import openers
        from leaven.engine.schedule import failures
        from leaven.engine.schedule import run as run_steps
        from leaven.engine.watching import outline

        where = where or Where()
        alone = where.hosts > 1 or (pack == "auto" and not where.is_local)  # what is faster was measured here only
        together = packing.wanted("off" if alone else pack)
        sinks, told = openers(metrics), notifying.parse(notify)
        place, found = place_of(where, self.store, jobs=jobs, allow_unisolated=allow_unisolated, device=device)
        self.store.prepare()
        with self.store.lock():
            prepared = prepared or self.prepare(
                allow_unisolated=allow_unisolated, without_code=without_code, remember=True
            )
            if any(not self.store.has(step.identity) for step in prepared.graph.of_kind("complete")):
                require_key(prepared.study.judge)  # once all is written, its replies may be kept already
            self._claim_folder()
            study = prepared.study
            about = {"question": study.question, "sizes": [study.model.size, *study.sizes], "seeds": list(study.seeds)}
            keep(self.store, self.name, prepared.graph.steps.values(), about)
            outline.keep(prepared.graph, self.folder, self.store)
            started = time.monotonic()
            missing = any(not self.store.has(step_id) for step_id in prepared.graph.steps)
            try:
                recorder = Recorder(self.folder, self.name, prepared.graph, self.store, sinks=sinks, notify=told)
                with Display(quiet=quiet) as display, recorder:
                    state = run_steps(
                        prepared.graph,
                        self.store,
                        place,
                        rates=measured(self.store.manifests()),
                        watch=display.watch,
                        hear=recorder.hear,
                        before_stages=lambda: audit(prepared, self.store),
                        status=self.folder / "status.json",
                        device=found,
                        pack=together,
                    )
            finally:
                if missing:
                    self._keep_wall_time(time.monotonic() - started)
            if state.failed:
                raise StepsFailed(failures(state), state)
            return Results(self.store, self.folder, prepared, new=len(state.finished - state.existed))

    def finished(self, *, allow_unisolated: bool = False, without_code: bool = False) -> Results:
        """What a finished study found. Raises BadInput if it has not been run to its end."""
        prepared = self.prepare(allow_unisolated=allow_unisolated, without_code=without_code)
        graph = prepared.graph
        missing = [step for step in graph.steps.values() if not self.store.has(step.identity)]
        if missing:
            raise BadInput(
                f"{len(missing)} of {len(graph.steps)} steps of {self.name} have not been run "
                f"(next: {missing[0].name})",
                fix=f"Run it first: leaven run {self.loaded.path.name if self.loaded.path else self.name}, "
                "with the same options.",
            )
        self.store.verify(list(graph.steps))
        return Results(self.store, self.folder, prepared, new=0)

    def results(self, *, allow_unisolated: bool = False, without_code: bool = False) -> pd.DataFrame:
        """The verdicts of a finished study as a table: variant, measure, effect, low, high, verdict, …"""
        return self.finished(allow_unisolated=allow_unisolated, without_code=without_code).gains()

    def status(self, *, allow_unisolated: bool = False, without_code: bool = False) -> dict[str, Any]:
        """How far the study is: steps in the store, and what a run in progress says."""
        from leaven.engine.keeping.asked import how_far

        graph = self.prepare(allow_unisolated=allow_unisolated, without_code=without_code).graph
        steps = [(step.identity, step.kind, step.name) for step in graph.steps.values()]
        return how_far(self.store, self.folder, self.name, steps)

    def why(self, step: str, *, allow_unisolated: bool = False, without_code: bool = False) -> dict[str, Any]:
        """Whether a step is in the store and, if not, what differs from the nearest that is."""
        from leaven.engine.why import why

        graph = self.prepare(allow_unisolated=allow_unisolated, without_code=without_code).graph
        return why(step.removeprefix(f"{self.name}/"), graph, self.store)

    def _claim_folder(self) -> None:
        """Make the study's folder and keep the file as it is now, whatever is done to it while this runs."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(self.folder / "study.yaml", self.loaded.document.text)
        except OSError as error:
            raise BadInput(
                f"cannot write to the study's folder: {error.strerror}",
                where=str(self.folder),
                fix="Give a folder you can write to: --runs DIR. Nothing was run.",
            ) from None

    def _keep_wall_time(self, seconds: float) -> None:
        """Costs of a run that was interrupted add up."""
        path = self.folder / "wall.json"
        try:
            before = float(read_json(path)["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            before = 0.0
        with contextlib.suppress(OSError):
            write_json(path, {"seconds": round(before + seconds, 1)})


class StepsFailed(LeavenError):
    """One or more steps failed; `state` says which."""

    def __init__(self, message: str, state: State) -> None:
        super().__init__(message)
        self.state = state
        self.exit_code = state.exit_code


__all__ = ["BadInput", "LeavenError", "Results", "StepsFailed", "Study", "load"]
