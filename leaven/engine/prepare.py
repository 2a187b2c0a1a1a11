"""From a loaded study to its graph: look at the raw files and at what this computer can isolate, compute nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from leaven.corpus import survey as raw
from leaven.corpus import tables, workstation
from leaven.corpus.contamination.items import file_of
from leaven.corpus.plan import SourcePlan
from leaven.corpus.synthetic.execute import reachable
from leaven.engine.benchmarks import check_tasks, left_out, survey_benchmarks
from leaven.engine.declared import Unseen
from leaven.engine.given import survey_starts, survey_tokenizer
from leaven.engine.judging import frame_ends, survey_judge
from leaven.engine.names import check_near, check_source, named
from leaven.engine.store import Store
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.model.config import SIZES, ModelConfig, count_parameters, flops_per_token, from_size
from leaven.sandbox.level import Level, probe
from leaven.study.check import check
from leaven.study.corpus_graph import ITEMS, TOKENIZER, Survey, absent_sources, add_corpus
from leaven.study.document import Keys, Where
from leaven.study.expand import expand
from leaven.study.load import Loaded
from leaven.study.load_corpus import LoadedCorpus
from leaven.study.scaling import at_least
from leaven.study.sizes import views
from leaven.study.sources import Corpus
from leaven.study.spec import Study
from leaven.study.step import Graph
from leaven.study.sweeps import uneven, without_sweep
from leaven.study.twins import without_twins


@dataclass(frozen=True)
class Prepared:
    """A study ready to be planned or run. `loaded` holds it settled: nothing is left to the size of its model."""

    loaded: Loaded
    graph: Graph
    surveys: Mapping[str, Survey]
    """Of the sources."""
    given: Mapping[str, Survey]
    """Of what else the study gives: evaluation items, a tokenizer, weights."""
    isolation: Level
    models: Mapping[str, ModelConfig]
    """By the name of the size; the study's own first."""
    unseen: tuple[str, ...] = ()
    """Sentences on what could not be looked at and was taken as declared: a plan of it cannot be run as it is."""

    @property
    def warnings(self) -> list[str]:
        """What should be known of the study before anything is spent on it."""
        return uneven(self.study)

    @property
    def flops_per_token(self) -> float:
        """Of the study's own size."""
        return flops_per_token(self.models[self.study.model.size])

    @property
    def parameters(self) -> dict[str, int]:
        """Of each size, by name."""
        return {size: count_parameters(model) for size, model in self.models.items()}

    @property
    def study(self) -> Study:
        return self.loaded.study

    def label(self, step_id: str) -> str:
        """A stage as its study file words it: `pretrain 600K prose`."""
        return self._labels.get(step_id) or self.graph.steps[step_id].name

    @cached_property
    def _labels(self) -> dict[str, str]:
        labels: dict[str, str] = {}
        for run in self.graph.runs:
            for step_id, stage in zip(run.stages, self.study.variants[run.variant], strict=False):
                if step_id not in labels:
                    labels[step_id] = stage.words()
        return labels


def prepare(
    loaded: Loaded,
    store: Store,
    *,
    allow_unisolated: bool = False,
    without_code: bool = False,
    remember: bool = False,
    roots: Mapping[str, Path] | None = None,
    declared: bool = False,
) -> Prepared:
    """Survey the sources, resolve the model, expand the graph.

    Args:
        store: only its cache of file hashes is used.
        remember: write hashes of raw files that were not in that cache; without it nothing at all is written.
        roots: label → folder of the workstation corpus; this computer's by default.
        declared: take the study's word for what the hub holds, and for prompts and weights that are not here, where
            they cannot be looked at now.

    Raises:
        BadInput: a source's path is missing or holds nothing; an unknown model size; a stage that does not fit the
            batch and the sequence of its model's size; a tokenizer or weights that cannot be used; an unknown
            benchmark.
    """
    loaded = settle(loaded)
    study = loaded.study
    check_tasks(loaded)
    unseen = Unseen(declared)
    with _hashes(store, remember) as cache:
        surveys = _survey(study.corpus, cache, roots, loaded.where, unseen)
        given = surveys.get(TOKENIZER)
        vocabulary = given.vocabulary if given else study.corpus.tokenizer.vocabulary
        models = {view.model.size: model_of(view, vocabulary, loaded.where) for view in views(study)}
        for view in views(study):
            surveys |= survey_starts(view, models[view.model.size], cache, loaded.where)
        surveys |= survey_judge(study.judge, study.data, cache, loaded.where, unseen)
    surveys |= survey_benchmarks(loaded, unseen)
    level = probe()
    execute = not without_code and (level.name != "none" or allow_unisolated)
    shapes = {size: asdict(model) for size, model in models.items()}
    try:
        absent = absent_sources(study.corpus, surveys)
        study, twins = without_twins(study, absent)
        study, unswept = without_sweep(study, absent)
        graph = expand(
            study,
            surveys,
            shapes.pop(study.model.size),
            further=shapes,
            parameters={size: count_parameters(model) for size, model in models.items()},
            tables=tables.identity_of_tables(),
            execute=execute,
            frame_ends=frame_ends(study.judge),
        )
    except BadInput as error:
        where = loaded.where(error.field.split("."))
        raise BadInput(error.what, where=where, field=error.field, fix=error.fix) from None
    graph.left_out += [*loaded.left_out, *twins, *unswept, *left_out(study, surveys)]
    sources = {name: surveys[name] for name in surveys if name in study.corpus.sources}
    others = {name: surveys[name] for name in surveys if name not in sources}
    return Prepared(replace(loaded, study=study), graph, sources, others, level, models, tuple(unseen.sentences()))


def settle(loaded: Loaded) -> Loaded:
    """The study with what it leaves to its model's size put in, and checked again. Raises BadInput."""
    study = loaded.study
    _known(study.model.size, ("model",), "model.size", loaded.where)
    for name in study.sizes:
        _known(name, ("sizes", name), f"sizes.{name}", loaded.where)
    size = SIZES[study.model.size]
    study = study.settled(sequence=size["sequence"], batch=size["batch"], precision=size["precision"])
    study = at_least(study) if loaded.scaling else study
    check(study, loaded.where, scaling=loaded.scaling)
    return replace(loaded, study=study)


def _known(size: str, keys: Keys, field: str, where: Where) -> None:
    if size not in SIZES:
        what = f'unknown model size "{size}"{did_you_mean(size, SIZES)}'
        raise BadInput(what, where=where(keys), field=field)


def model_of(study: Study, vocabulary: int, where: Where) -> ModelConfig:
    """The shape of a settled study's model. Raises BadInput where its fields make none."""
    try:
        return from_size(study.model.size, vocabulary, study.sequence, **study.model.changed())
    except BadInput as error:
        raise BadInput(error.what, where=where(error.field.split(".")), field=error.field, fix=error.fix) from None


@dataclass(frozen=True)
class PreparedCorpus:
    """A corpus ready to be built: its steps, and the identity of each by name."""

    graph: Graph
    names: Mapping[str, str]
    surveys: Mapping[str, Survey]


def prepare_corpus(
    loaded: LoadedCorpus, store: Store, *, remember: bool = False, roots: Mapping[str, Path] | None = None
) -> PreparedCorpus:
    """Survey the sources of a corpus and expand its steps. Arguments and errors as of `prepare`."""
    with _hashes(store, remember) as cache:
        surveys = _survey(loaded.corpus, cache, roots, loaded.where, Unseen())
    graph = Graph()
    try:
        add_corpus(graph, loaded.corpus, surveys, tables.identity_of_tables())
    except BadInput as error:
        where = loaded.where(error.field.split("."))
        raise BadInput(error.what, where=where, field=error.field, fix=error.fix) from None
    names = {name: step_id for step_id, step in graph.steps.items() for name in step.names}
    return PreparedCorpus(graph, names, surveys)


@contextlib.contextmanager
def _hashes(store: Store, remember: bool) -> Iterator[Path | None]:
    """The file of known hashes (by size, time and inode); one that is thrown away where nothing is to be written."""
    cache = store.cache / "hashes.json"
    try:
        if remember:
            yield cache if cache.parent.is_dir() else None
        elif not cache.is_file():
            yield None
        else:
            # Known hashes make a plan quick; what the survey adds to them goes where nobody looks.
            with tempfile.TemporaryDirectory() as scratch:
                settled = cache.with_name(raw.REVISIONS)
                if settled.is_file():
                    shutil.copy(settled, scratch)
                yield Path(shutil.copy(cache, scratch))
    except OSError as error:
        raise LeavenError(f"cannot look at the sources: {error.strerror}: {error.filename}") from None


def _survey(
    corpus: Corpus, cache: Path | None, roots: Mapping[str, Path] | None, where: Where, unseen: Unseen
) -> dict[str, Survey]:
    """The fingerprint of every source that is found, not generated, and of what else the corpus gives."""
    listing = None
    surveys = survey_tokenizer(corpus, cache, where)
    check_near(corpus, where)
    for name, source in corpus.sources.items():
        check_source(name, source, where)
        if source.kind == "synthetic" and source.origin == "generated":
            surveys[name] = Survey(reachable(source.verify)[0], 0, 0)
        if source.kind == "control" or source.origin == "generated":
            continue
        fields = {**source.model_dump(), "source": name, "origin": source.origin, "rules": source.rulesets}
        if source.origin == "workstation" and listing is None:
            listing = workstation.inventory(roots or workstation.roots(), Counter())
        execution = {"path": source.path, "hub": source.hub.model_dump() if source.hub else None}
        with named(("corpus", "sources", name), where):
            if source.optional and source.path is not None and _holds_nothing(source.path):
                found = raw.Survey("", 0, 0)
            elif source.hub:
                seen = partial(raw.survey, source_plan(fields, execution), roots, cache, listing)
                found = unseen.look(f"source {name}", seen, lambda print_: raw.Survey(print_, 1, 0), mistakes=True)
            else:
                found = raw.survey(source_plan(fields, execution), roots, cache, listing)
        surveys[name] = Survey(found.fingerprint, found.files, found.bytes, found.revision)
    if corpus.decontaminate:
        paths = {task: Path(path) for task, path in corpus.decontaminate.items()}
        with named(("corpus", "decontaminate"), where):
            items = raw.survey_items(paths)
        surveys[ITEMS] = Survey(items.fingerprint, items.files, items.bytes)
    return surveys


def _holds_nothing(path: str) -> bool:
    """Whether a path is a folder with no file at all below it."""
    return os.path.isdir(path) and not any(files for _, _, files in os.walk(path))


def source_plan(fields: Mapping[str, Any], execution: Mapping[str, Any]) -> SourcePlan:
    """A read step's fields as the corpus room reads them."""
    path, hub = execution.get("path"), execution.get("hub")
    options = {option: fields[option] for option in OPTIONS if fields.get(option)}
    if execution.get("allow_unisolated"):
        options["allow_unisolated"] = True
    if execution.get("against"):
        options["against"] = [str(file_of(Path(path), task)) for task, path in execution["against"].items()]
    if options.get("endpoint"):
        options["endpoint"] = {**options["endpoint"], "key": execution.get("key")}
    return SourcePlan(
        name=fields["source"],
        kind=fields["kind"],
        origin=fields["origin"],
        max_bytes=fields["max"],
        path=Path(path) if path else None,
        fingerprint=fields.get("fingerprint", ""),
        hub=hub or {},
        shape=fields.get("shape", ""),
        fields=fields.get("fields", {}),
        leave={role: tuple(values) for role, values in fields.get("leave", {}).items()},
        form=fields.get("form", ""),
        rules=tuple(fields.get("rules") or ()),
        redact=fields.get("redact", False),
        docstrings=fields.get("docstrings", "keep"),
        options=options,
    )


OPTIONS = ("count", "restatements", "style", "verify", "held_out", "endpoint", "range", "group", "packages")
"""Fields of a source that only some kinds know."""
