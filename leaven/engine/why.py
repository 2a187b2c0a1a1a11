"""Why a step is, or is not, in the store: what differs from the nearest step that exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.engine.store import Store
from leaven.study.step import Graph, Step


def why(word: str, graph: Graph, store: Store) -> dict[str, Any]:
    """What is known of a step.

    Returns:
        {step, identity, kind, exists, nearest: {name, identity, finished} or None,
         differs: [{field, this, nearest}], inputs: [names of inputs that differ, with their own differences]}.
    """
    step = graph.find(word)
    answer: dict[str, Any] = {
        "step": step.name,
        "also": list(step.names[1:]),
        "identity": step.identity,
        "kind": step.kind,
    }
    if store.has(step.identity):
        made = store.manifest(step.identity)["made"]
        return answer | {
            "exists": True,
            "finished": made["finished"],
            "seconds": made["seconds"],
            "differs": [],
            "nearest": None,
        }
    nearest, differs = _nearest(step, graph, store)
    answer |= {"exists": False, "differs": differs, "nearest": None}
    if nearest:
        answer["nearest"] = {
            "name": nearest["names"][0],
            "identity": nearest["identity"],
            "finished": nearest["made"]["finished"],
        }
    return answer


def _nearest(step: Step, graph: Graph, store: Store) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    best: tuple[tuple[int, bool], dict[str, Any], list[dict[str, Any]]] | None = None
    for manifest in store.manifests():
        if manifest["kind"] != step.kind:
            continue
        differs = differences(step.describe(), manifest)
        rank = (len(differs), step.name not in manifest["names"])
        if best is None or rank < best[0]:
            best = (rank, manifest, differs)
    if best is None:
        return None, []
    differs = []
    for row in best[2]:
        role = row["field"].removeprefix("inputs.")
        if (
            row["field"].startswith("inputs.")
            and row["this"] in graph.steps
            and row["nearest"]
            and store.has(row["nearest"])
        ):
            # An input that differs is explained by what differs in it, down to the field somebody changed.
            inner = differences(graph.steps[row["this"]].describe(), store.manifest(row["nearest"]))
            told = [r for r in inner if not r["field"].startswith("inputs.")]
            differs.extend({**r, "field": f"{role}: {r['field']}"} for r in told)
            if not told:
                differs.append({**row, "field": role})
        else:
            differs.append(row)
    return best[1], differs


def differences(this: Mapping[str, Any], other: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Leaf fields in which two described steps differ."""
    rows: list[dict[str, Any]] = []
    for part in ("fields", "inputs"):
        _walk("" if part == "fields" else "inputs", this[part], other[part], rows)
    if list(this["versions"]) != list(other["versions"]):
        rows.append({"field": "versions", "this": list(this["versions"]), "nearest": list(other["versions"])})
    return rows


def _walk(path: str, this: Any, other: Any, rows: list[dict[str, Any]]) -> None:
    if isinstance(this, Mapping) and isinstance(other, Mapping):
        for key in sorted({*this, *other}, key=str):
            _walk(f"{path}.{key}" if path else str(key), this.get(key), other.get(key), rows)
    elif this != other:
        rows.append({"field": path, "this": this, "nearest": other})
