"""From a corpus to its part of the graph: read → source → corpus → tokenizer → shards.

`read` holds every document with the scores of its rules, `source` says which are kept: another threshold, licence or
language list reads nothing again. A control is no source of its own: it is another's shards, transformed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from leaven.ground.errors import BadInput
from leaven.study.sources import GENERATED, Corpus, Source
from leaven.study.step import Graph

PROBLEMS = ("humaneval", "mbpp")
"""Benchmarks of problems, which synthetic problems are compared with as problems."""
ITEMS = "decontaminate/items"
"""Under which name the survey of evaluation items stands: no source can have it."""
TOKENIZER = "tokenizer/given"
"""Under which name the survey of a given tokenizer stands."""


@dataclass(frozen=True)
class Survey:
    """What is known of a source's raw files before anything is built.

    Attributes:
        fingerprint: of everything that is read, and of the data tables behind the rules.
        files, bytes: how much it is, as it lies on disk.
        revision: the commit that a hub source stands at.
        vocabulary: tokens of a tokenizer that is given.
        form: of a benchmark's items; `program` where they are executed.
    """

    fingerprint: str
    files: int
    bytes: int
    revision: str = ""
    vocabulary: int = 0
    form: str = ""


@dataclass(frozen=True)
class CorpusSteps:
    """The corpus's steps in a graph, and the sources for which nothing was found."""

    corpus: str
    tokenizer: str
    shards: Mapping[str, str]
    absent: frozenset[str] = field(default_factory=frozenset)


def add_corpus(
    graph: Graph,
    corpus: Corpus,
    surveys: Mapping[str, Survey],
    tables: str,
    drawn: Collection[str] | None = None,
) -> CorpusSteps:
    """Add the steps of a corpus to a graph.

    Args:
        surveys: for every source that is found, not generated; for a tokenizer that is given, under `TOKENIZER`.
        tables: identity of the data tables behind rules, languages and licences.
        drawn: sources that something draws from. A control that is none of them is not built, and not said to be left
            out; nothing else depends on it. None: every one is built.

    Raises:
        BadInput: a source that holds nothing and is not optional.
    """
    absent = absent_sources(corpus, surveys)
    graph.left_out += [said for name, said in absent.items() if not _idle(corpus.sources[name], name, drawn)]
    present = [name for name, source in corpus.sources.items() if name not in absent and source.kind != "control"]
    inputs = {}
    for name in present:
        source = corpus.sources[name]
        benchmarks = {task: corpus.decontaminate[task] for task in PROBLEMS if task in corpus.decontaminate}
        items = surveys[ITEMS].fingerprint if benchmarks else ""
        read = _read(graph, name, source, surveys.get(name), tables, benchmarks, items)
        inputs[f"read:{name}"] = read
        inputs[f"source:{name}"] = graph.add("source", f"source/{name}", _kept(source, tables), {"read": read})
    near = corpus.deduplicate.near
    assembled = graph.add(
        "corpus",
        "corpus",
        {
            "heldout": corpus.heldout,
            "heldout_max": corpus.heldout_max,
            "order": present,
            "near": near.model_dump() if near else None,
            "near_sources": [name for name in present if near and corpus.sources[name].is_near],
            "across": corpus.deduplicate.across,
            "cut": corpus.cut,
            "decontaminate": sorted(corpus.decontaminate),
            "items": surveys[ITEMS].fingerprint if corpus.decontaminate else "",
            "tables": tables,
        },
        inputs,
        {"decontaminate": dict(corpus.decontaminate)},
    )
    tokenizer = _tokenizer(graph, corpus, surveys, assembled)
    shards = {}
    for name, source in corpus.sources.items():
        if name in absent or _idle(source, name, drawn):
            continue
        fields: dict[str, Any] = {"source": name}
        if source.kind == "control":
            fields |= {"of": source.of, "transform": source.transform, "tables": tables}
        shards[name] = graph.add("shards", f"shards/{name}", fields, {"corpus": assembled, "tokenizer": tokenizer})
    return CorpusSteps(assembled, tokenizer, shards, frozenset(absent))


def _tokenizer(graph: Graph, corpus: Corpus, surveys: Mapping[str, Survey], assembled: str) -> str:
    wanted = corpus.tokenizer
    if wanted.path is None:
        fields = {"vocabulary": wanted.vocabulary, "sample": wanted.sample}
        return graph.add("tokenizer", "tokenizer", fields, {"corpus": assembled})
    # It is what it is whatever the corpus holds: a new corpus has the same one.
    given = {"kind": "given", "fingerprint": surveys[TOKENIZER].fingerprint}
    return graph.add("tokenizer", "tokenizer", given, {}, {"path": wanted.path})


def absent_sources(corpus: Corpus, surveys: Mapping[str, Survey]) -> dict[str, str]:
    """Optional sources of which nothing was found, with a sentence about each. Raises BadInput for any other."""
    absent = {}
    for name, source in corpus.sources.items():
        if source.kind == "control" or source.origin == "generated" or surveys[name].files:
            continue
        if not source.optional:
            raise BadInput(
                f"nothing was found for source {name}",
                field=f"corpus.sources.{name}",
                fix=f"Point it at your own files: --source {name}=PATH.",
            )
        absent[name] = f"source {name}: nothing of its kind was found here; give some with --source {name}=PATH"
    for name, source in corpus.sources.items():
        if source.of in absent:
            absent[name] = f"source {name}: it is a control of {source.of}, which is left out"
    return absent


def _idle(source: Source, name: str, drawn: Collection[str] | None) -> bool:
    """Whether a source is a control that nothing draws from."""
    return source.kind == "control" and drawn is not None and name not in drawn


def _read(
    graph: Graph,
    name: str,
    source: Source,
    survey: Survey | None,
    tables: str,
    benchmarks: Mapping[str, str],
    items: str,
) -> str:
    fields: dict[str, Any] = {"source": name, "kind": source.kind, "max": source.max, "origin": source.origin}
    execution: dict[str, Any] = {"path": source.path}
    if source.kind in GENERATED and source.origin == "generated":
        fields |= {"count": source.count}
        if source.kind == "facts":
            fields |= {"restatements": source.restatements}
        else:
            fields |= {"style": source.style, "verify": source.verify, "held_out": source.held_out}
            # What this computer can check decides what the documents say of themselves.
            fields |= {"reached": survey.fingerprint if survey else source.verify}
            if benchmarks:
                fields |= {"against": items}
                execution |= {"against": dict(benchmarks)}
            if source.endpoint:
                fields |= {"endpoint": source.endpoint.model_dump(exclude={"key"})}
                execution |= {"key": source.endpoint.key}
        return graph.add("read", f"read/{name}", fields, {}, execution)
    if survey is None:
        raise ValueError(f"source {name} was not surveyed")
    fields |= {
        "fingerprint": survey.fingerprint,
        "tables": tables,
        "shape": source.shape,
        "fields": dict(source.fields),
        "leave": {role: list(values) for role, values in source.leave.items()},
        "form": source.form,
        "range": source.range,
        "rules": list(source.rulesets),
        "redact": source.redact,
        "docstrings": source.docstrings,
        "group": source.group,
        "packages": source.packages or "",
    }
    if source.hub:
        execution |= {"hub": {**source.hub.model_dump(), "revision": survey.revision or source.hub.revision}}
    return graph.add("read", f"read/{name}", fields, {}, execution)


def _kept(source: Source, tables: str) -> dict[str, Any]:
    languages = source.languages
    return {
        "kind": source.kind,
        "max": source.max,
        "tables": tables if source.origin != "generated" else "",
        "rules": list(source.rulesets) if source.origin != "generated" else [],
        "thresholds": dict(source.thresholds),
        "languages": languages if isinstance(languages, str | list) else languages.model_dump(),
        "licences": source.licences,
        "form": source.form,
    }
