"""The verbs as a Python API; the commands are thin over it.

import leaven
study = leaven.load("pocket", seeds=5)
study.plan()
results = study.run()
results.gains()
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, write_json, write_text
from leaven.study.load import Loaded
from leaven.study.load import load as load_file

if TYPE_CHECKING:
    import pandas as pd

    from leaven.engine.plan import Plan
    from leaven.engine.prepare import Prepared
    from leaven.engine.schedule import State

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
) -> Study:
    """A built-in study or a study file, with changes.

    Args:
        name: `pocket`, or the path of a study file.
        settings: `dotted.field=value`, e.g. `mixtures.code.markup=0.4`.
        sources: the user's own files for a source, e.g. `{"text": "books/"}`.
        seeds, size: number of seeds, model size.
        runs: the folder results go to.

    Raises:
        BadInput: naming file, line and field.
    """
    given = [f"{source}={path}" for source, path in (sources or {}).items()]
    return Study(load_file(name, settings=settings, sources=given, seeds=seeds, size=size), Path(runs))


class Study:
    """A study on this computer."""

    def __init__(self, loaded: Loaded, runs: Path = RUNS, roots: Mapping[str, Path] | None = None) -> None:
        from leaven.engine.store import Store

        self.loaded, self.runs, self.roots = loaded, runs, roots
        self.store = Store(runs / "store")
        self.folder = runs / loaded.study.study

    @property
    def name(self) -> str:
        return self.loaded.study.study

    def prepare(self, *, allow_unisolated: bool = False, without_code: bool = False) -> Prepared:
        """Look at the raw files and expand the graph."""
        from leaven.engine.prepare import prepare

        return prepare(
            self.loaded,
            self.store,
            allow_unisolated=allow_unisolated,
            without_code=without_code,
            roots=self.roots,
        )

    def plan(self, *, jobs: int | None = None, prepared: Prepared | None = None) -> Plan:
        """Steps, sharing, tokens, FLOPs, time and power. Nothing is executed."""
        from leaven.engine.plan import plan

        return plan(prepared or self.prepare(), self.store, jobs=jobs)

    def run(
        self,
        *,
        jobs: int | None = None,
        allow_unisolated: bool = False,
        without_code: bool = False,
        quiet: bool = False,
        prepared: Prepared | None = None,
    ) -> Results:
        """Run what the store does not hold; resumes where an earlier run stopped.

        Raises:
            BadInput: before anything ran, or before the first stage where a source is too small.
            LeavenError: a step failed; everything that does not depend on it has finished.
        """
        from leaven.engine.audit import audit
        from leaven.engine.display import Display
        from leaven.engine.estimate import measured
        from leaven.engine.schedule import failures
        from leaven.engine.schedule import run as run_steps

        self.store.prepare()
        with self.store.lock():
            prepared = prepared or self.prepare(allow_unisolated=allow_unisolated, without_code=without_code)
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(self.folder / "study.yaml", self.loaded.document.text)
            started = time.monotonic()
            with Display(quiet=quiet) as display:
                state = run_steps(
                    prepared.graph,
                    self.store,
                    jobs=jobs,
                    allow_unisolated=allow_unisolated,
                    rates=measured(self.store.manifests()),
                    watch=display.watch,
                    before_stages=lambda: audit(prepared, self.store),
                    status=self.folder / "status.json",
                )
            if state.failed:
                raise StepsFailed(failures(state), state)
            self._keep_wall_time(state, time.monotonic() - started)
            return self._results(prepared, state)

    def results(self, *, without_code: bool = False) -> Results:
        """The results of a finished study. Raises LeavenError if it has not been run to its end."""
        prepared = self.prepare(without_code=without_code)
        graph = prepared.graph
        missing = [step for step in graph.steps.values() if not self.store.has(step.identity)]
        if missing:
            raise LeavenError(
                f"{len(missing)} of {len(graph.steps)} steps of {self.name} have not been run "
                f"(next: {missing[0].name})\n"
                f"  Run it: leaven run {self.name}"
            )
        self.store.verify(list(graph.steps))
        return self._results(prepared, None)

    def status(self) -> dict[str, Any]:
        """How far the study is: steps in the store, and what a run in progress says."""
        graph = self.prepare().graph
        kinds: dict[str, dict[str, int]] = {}
        for step in graph.steps.values():
            row = kinds.setdefault(step.kind, {"steps": 0, "done": 0})
            row["steps"] += 1
            row["done"] += self.store.has(step.identity)
        live: dict[str, Any] | None = None
        if self.store.locked():
            try:
                live = read_json(self.folder / "status.json")
            except (OSError, ValueError):
                live = None
        return {
            "study": self.name,
            "kinds": kinds,
            "steps": len(graph.steps),
            "done": sum(row["done"] for row in kinds.values()),
            "running": live,
            "started_steps": [
                step.name for step in graph.steps.values() if (self.store.work / step.identity / "state").exists()
            ],
        }

    def why(self, step: str) -> dict[str, Any]:
        """Whether a step is in the store and, if not, what differs from the nearest that is."""
        from leaven.engine.why import why

        return why(step.removeprefix(f"{self.name}/"), self.prepare().graph, self.store)

    def _keep_wall_time(self, state: State, seconds: float) -> None:
        """Costs of a run that was interrupted add up."""
        if len(state.existed) < len(state.graph.steps):
            path = self.folder / "wall.json"
            try:
                before = float(read_json(path)["seconds"])
            except (OSError, ValueError, KeyError):
                before = 0.0
            write_json(path, {"seconds": round(before + seconds, 1)})

    def _results(self, prepared: Prepared, state: State | None) -> Results:
        return Results(self, prepared, new=len(state.finished - state.existed) if state else 0)


class StepsFailed(LeavenError):
    """One or more steps failed; `state` says which."""

    def __init__(self, message: str, state: State) -> None:
        super().__init__(message)
        self.state = state
        self.exit_code = state.exit_code


class Results:
    """What a finished study found."""

    def __init__(self, study: Study, prepared: Prepared, new: int) -> None:
        self.study, self.prepared, self.new = study, prepared, new
        self.verdict_folder = study.store.folder(prepared.graph.find("verdict").identity)

    def verdict(self) -> dict[str, Any]:
        """The whole verdict, as `verdict.json` has it."""
        data = read_json(self.verdict_folder / "verdict.json")
        assert isinstance(data, dict)
        return data

    def lines(self) -> list[str]:
        """The verdict as the terminal shows it."""
        from leaven.analyze.text import render_lines

        return render_lines(self.verdict())

    def gains(self) -> pd.DataFrame:
        """variant, measure, effect, low, high, verdict, …"""
        return self._table("gains")

    def scores(self) -> pd.DataFrame:
        """variant, point, measure, mean, low, high, …"""
        return self._table("scores")

    def winrates(self) -> pd.DataFrame:
        return self._table("winrates")

    def items(self) -> pd.DataFrame:
        """Every item of every evaluation: variant, seed, point, task, item, measure, value."""
        import pandas as pd

        frames = []
        for run in self.prepared.graph.runs:
            for point, step in run.evaluations.items():
                frame = pd.read_parquet(self.study.store.folder(step) / "items.parquet")
                frames.append(frame.assign(variant=run.variant, seed=run.seed, point=point))
        return pd.concat(frames, ignore_index=True)

    def report(self, *, anew: bool = False) -> Path:
        """Write the page (if it is not there already) and return its path."""
        from leaven.engine.pages import write_page

        return write_page(self.prepared, self.study.store, self.study.folder, anew=anew)

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        return pd.read_parquet(self.verdict_folder / f"{name}.parquet")


__all__ = ["BadInput", "LeavenError", "Results", "StepsFailed", "Study", "load"]
