"""From a loaded study to its graph: look at the raw files and at what this computer can isolate, compute nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leaven.corpus import survey as raw
from leaven.corpus import workstation
from leaven.corpus.plan import SourcePlan
from leaven.engine.store import Store
from leaven.evaluate.suite import DEFAULT_ITEMS
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.model.config import SIZES, flops_per_token, from_size
from leaven.sandbox.level import Level, probe
from leaven.study.expand import Survey, expand
from leaven.study.load import Loaded
from leaven.study.spec import GENERATED, Study
from leaven.study.step import Graph


@dataclass(frozen=True)
class Prepared:
    """A study ready to be planned or run."""

    loaded: Loaded
    graph: Graph
    surveys: Mapping[str, Survey]
    isolation: Level
    flops_per_token: float

    @property
    def study(self) -> Study:
        return self.loaded.study

    def label(self, step_id: str) -> str:
        """A stage as its study file words it: `pretrain 600K prose`."""
        for run in self.graph.runs:
            if step_id in run.stages:
                return self.study.variants[run.variant][run.stages.index(step_id)].words()
        return self.graph.steps[step_id].name


def prepare(
    loaded: Loaded,
    store: Store,
    *,
    allow_unisolated: bool = False,
    without_code: bool = False,
    remember: bool = False,
    roots: Mapping[str, Path] | None = None,
) -> Prepared:
    """Survey the sources, resolve the model, expand the graph.

    Args:
        store: only its cache of file hashes is used.
        remember: write hashes of raw files that were not in that cache; without it nothing at all is written.
        roots: label → folder of the workstation corpus; this computer's by default.

    Raises:
        BadInput: a source's path is missing or holds nothing; an unknown model size.
    """
    study = loaded.study
    if study.model.size not in SIZES:
        raise BadInput(
            f'unknown model size "{study.model.size}"{did_you_mean(study.model.size, SIZES)}',
            where=loaded.where(("model",)),
            field="model.size",
        )
    _check_tasks(loaded)
    config = from_size(study.model.size, vocab=study.corpus.tokenizer.vocabulary, sequence=study.model.sequence)
    surveys = survey(study, store, roots, remember)
    level = probe()
    execute = not without_code and (level.name != "none" or allow_unisolated)
    try:
        graph = expand(study, surveys, asdict(config), execute=execute)
    except BadInput as error:
        where = loaded.where(error.field.split("."))
        raise BadInput(error.what, where=where, field=error.field, fix=error.fix) from None
    return Prepared(loaded, graph, surveys, level, flops_per_token(config))


def _check_tasks(loaded: Loaded) -> None:
    """Every task that the suite section names must exist. Raises BadInput."""
    suite, sources = loaded.study.evaluate, loaded.study.corpus.sources
    known = [*DEFAULT_ITEMS, "facts", *(f"bpb_{source}" for source in sources)]
    named: list[tuple[tuple[str, ...], str, list[str]]]
    named = [(("evaluate", "items", task), task, list(DEFAULT_ITEMS)) for task in suite.items]
    for name, measure in suite.measures.items():
        named += [(("evaluate", "measures", name, "tasks"), task, known) for task in measure.tasks]
    for keys, task, choices in named:
        if task not in choices:
            what = f'no task "{task}"{did_you_mean(task, choices)}'
            raise BadInput(what, where=loaded.where(keys), field=".".join(keys))


def survey(study: Study, store: Store, roots: Mapping[str, Path] | None, remember: bool) -> dict[str, Survey]:
    """The fingerprint of every source that is found, not generated. Hashes are cached by size, time and inode."""
    cache = store.cache / "hashes.json"
    try:
        if remember:
            return _survey(study, cache if cache.parent.is_dir() else None, roots)
        if not cache.is_file():
            return _survey(study, None, roots)
        # Known hashes make a plan quick; what the survey adds to them goes where nobody looks.
        with tempfile.TemporaryDirectory() as scratch:
            return _survey(study, Path(shutil.copy(cache, scratch)), roots)
    except OSError as error:
        raise LeavenError(f"cannot look at the sources: {error.strerror}: {error.filename}") from None


def _survey(study: Study, cache: Path | None, roots: Mapping[str, Path] | None) -> dict[str, Survey]:
    listing = None
    surveys = {}
    for name, source in study.corpus.sources.items():
        if source.kind in GENERATED:
            continue
        fields = {
            "source": name,
            "kind": source.kind,
            "max": source.max,
            "origin": "path" if source.path else "workstation",
        }
        if not source.path and listing is None:
            listing = workstation.inventory(roots or workstation.roots(), Counter())
        found = raw.survey(source_plan(fields, {"path": source.path}), roots, cache, listing)
        surveys[name] = Survey(found.fingerprint, found.files, found.bytes)
    return surveys


def source_plan(fields: Mapping[str, Any], execution: Mapping[str, Any]) -> SourcePlan:
    """A source step's fields as the corpus room reads them."""
    path = execution.get("path")
    return SourcePlan(
        name=fields["source"],
        kind=fields["kind"],
        origin=fields["origin"],
        max_bytes=fields["max"],
        path=Path(path) if path else None,
        fingerprint=fields.get("fingerprint", ""),
        options={option: fields[option] for option in ("count", "restatements") if option in fields},
    )
