"""What the report needs, gathered from the store: the verdict, stages with ledgers and curves, costs, identities.

The page is a view, not a step: it holds times of day and seconds, which no result may depend on.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from leaven.corpus.look.alike import clusters, contamination
from leaven.corpus.look.counts import counts
from leaven.corpus.look.steps import Steps
from leaven.engine.estimate import flops_per_token
from leaven.engine.judged_pages import judged
from leaven.engine.prepare import Prepared
from leaven.engine.store import Store
from leaven.ground.canonical import identity as hash_of
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json, write_text
from leaven.ground.tables import read_table
from leaven.ground.version import __version__
from leaven.mixture.apportion import apportion
from leaven.report.page import write_report
from leaven.study.expand import summary
from leaven.study.step import Graph

PAGE = "page/5"
"""Version of what is gathered here: a page written by another version is written anew."""


def write_page(prepared: Prepared, store: Store, folder: Path, *, anew: bool = False) -> Path:
    """Write `report.html`, `figures/` and `data/` into the study's folder unless they are there already."""
    page = folder / "report.html"
    key_file = folder / "report.key"
    manifests = {step_id: store.manifest(step_id) for step_id in prepared.graph.steps}
    # The page also shows what no identity holds: the file's own text, names, where programs were isolated.
    shown = [prepared.loaded.document.text, study_of(prepared), prepared.isolation.label, prepared.graph.left_out]
    finished = {step_id: manifest["made"]["finished"] for step_id, manifest in manifests.items()}
    key = hash_of([PAGE, __version__, shown, prepared.study.model_dump(mode="json"), finished])
    if not anew and page.exists() and key_file.exists() and key_file.read_text(encoding="utf-8") == key:
        return page
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key_file.unlink(missing_ok=True)
        write_report(gather(prepared, store, folder, manifests), folder)
        write_text(key_file, key)
    except OSError as error:
        raise LeavenError(
            f"the page cannot be written: {error.strerror or error}: {error.filename or folder}\n"
            "  Free some space or give a folder you can write to: --runs DIR. Every result is in the store."
        ) from None
    return page


def gather(prepared: Prepared, store: Store, folder: Path, manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The report room's data (its keys are described in `leaven.report.page`)."""
    graph = prepared.graph
    verdict_id = graph.find("verdict").identity
    stages = [_stage(prepared, store, step.identity, manifests) for step in graph.of_kind("stage")]
    users = [row["variants"] for row in stages]
    suite = read_json(store.file(graph.find("suite").identity, "suite.json"))
    return {
        "verdict": read_json(store.folder(verdict_id) / "verdict.json"),
        "study": study_of(prepared),
        "stages": stages,
        "plan": {
            "steps": len(graph.steps),
            "stages": len(stages),
            "shared_stages": sum(len(names) > 1 for names in users),
            "tokens": sum(row["tokens"] for row in stages),
            "tokens_without_sharing": graph.unshared_tokens,
            "flops": _flops(graph),
        },
        "corpus": _corpus(prepared, store),
        "assembly": _assembly(prepared, store),
        **judged(prepared, store),
        "left_out": list(graph.left_out),
        "isolation": prepared.isolation.label,
        "suite": suite["tasks"],
        "steps": [
            {
                "name": step.name,
                "kind": step.kind,
                "identity": step.identity,
                "seconds": manifests[step.identity]["made"]["seconds"],
                "cpu": manifests[step.identity]["made"]["cpu_seconds"],
            }
            for step in graph.steps.values()
        ],
        "costs": _costs(prepared, folder, manifests),
        "provenance": _provenance(prepared, manifests),
    }


def study_of(prepared: Prepared) -> dict[str, Any]:
    """The study as it was declared; `scaling`: by which rule its budgets and sizes differ from that, "" by none."""
    study = prepared.study
    return {
        **summary(study),
        "text": prepared.loaded.document.text,
        "scaling": prepared.loaded.scaling,
        "model": {**next(prepared.graph.of_kind("stage")).fields["model"], "size": study.model.size},
        "settings": study.training.model_dump(by_alias=True),
    }


def _flops(graph: Graph) -> float:
    """Of all stages, each at the size of its own model."""
    return sum(step.tokens * flops_per_token(step.fields) for step in graph.of_kind("stage"))


def _stage(prepared: Prepared, store: Store, step_id: str, manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    graph = prepared.graph
    step = graph.steps[step_id]
    told = read_json(store.file(step_id, "stage.json"))
    samples = step.fields["steps"] * step.fields["batch"]
    quotas = apportion(step.fields["mixture"], samples)
    runs = [run for run in graph.runs if step_id in run.stages]
    parent = step.inputs.get("parent")
    return {
        "name": step.name,
        "label": prepared.label(step_id),
        "variants": list(dict.fromkeys(run.variant for run in runs)),
        "size": runs[0].size if runs else prepared.study.model.size,
        "seed": step.fields["seed"],
        "kind": step.fields["kind"],
        "mixture": dict(step.fields["mixture"]),
        "tokens": step.tokens,
        "ledger": told["ledger"],
        "planned": {source: count * step.fields["sequence"] for source, count in quotas.items()},
        "learning_rate": told["learning_rate"],
        "parent": graph.steps[parent].name if parent else None,
        "identity": step_id,
        "seconds": manifests[step_id]["made"]["seconds"],
        "curve": read_table(store.file(step_id, "curve.parquet")),
    }


def _corpus(prepared: Prepared, store: Store) -> dict[str, Any]:
    """What is known of every source of the corpus, controls too."""
    graph = prepared.graph
    rows = {}
    for name in prepared.study.corpus.sources:
        shards = _folder(graph, store, f"shards/{name}")
        if shards is None:
            continue  # an optional source of which nothing was found
        read, source = (_folder(graph, store, f"{kind}/{name}") for kind in ("read", "source"))
        found = counts(Steps(name, read=read, source=source, corpus=_folder(graph, store, "corpus"), shards=shards))
        rows[name] = {
            **found,
            **found["train"],
            "heldout_documents": found["heldout"]["documents"],
            "heldout_bytes": found["heldout"]["bytes"],
        }
    return rows


def _folder(graph: Graph, store: Store, name: str) -> Path | None:
    return store.folder(graph.find(name).identity) if name in graph.names() else None


def _assembly(prepared: Prepared, store: Store) -> dict[str, Any]:
    """What is known of all sources together: near-duplicates and evaluation items."""
    folder = store.folder(prepared.graph.find("corpus").identity)
    told = read_json(folder / "report.json")
    return {
        "note": prepared.study.corpus.note,
        "cut": prepared.study.corpus.cut,
        "clusters": (told["near"] or {}).get("clusters"),
        "largest": clusters(folder),
        "contamination": contamination(folder),
    }


def _costs(prepared: Prepared, folder: Path, manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    made = [manifest["made"] for manifest in manifests.values()]
    tokens = sum(step.tokens for step in prepared.graph.of_kind("stage"))
    try:
        wall = float(read_json(folder / "wall.json")["seconds"])
    except (OSError, ValueError, KeyError):
        wall = None
    return {
        "wall_seconds": wall,
        "step_seconds": sum(row["seconds"] for row in made),
        "cpu_seconds": sum(row["cpu_seconds"] for row in made),
        "peak_memory_bytes": max(row["peak_memory_bytes"] for row in made),
        "tokens": tokens,
        "flops": _flops(prepared.graph),
        "hardware": sorted({row["hardware"] for row in made}),
    }


def _provenance(prepared: Prepared, manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    packages: dict[str, set[str]] = {}
    for manifest in manifests.values():
        for name, version in manifest["made"]["packages"].items():
            packages.setdefault(name, set()).add(version)
    return {
        "leaven": __version__,
        "python": platform.python_version(),
        **{name: ", ".join(sorted(versions)) for name, versions in sorted(packages.items()) if name != "leaven"},
        "corpus": prepared.study.corpus.corpus,
        "fingerprints": {
            name.rpartition("/")[2]: survey.fingerprint
            for name, survey in {**prepared.surveys, **prepared.given}.items()
        },
        "verdict": prepared.graph.find("verdict").identity,
    }
