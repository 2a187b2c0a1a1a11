"""How much of a source there is at each step: from the reports alone, so a corpus of any size answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from leaven.corpus.language.names import PAPER_CODE, PAPER_MARKUP
from leaven.corpus.licence.spdx import classify
from leaven.corpus.look.removed import removed
from leaven.corpus.look.steps import Steps
from leaven.ground.files import read_json

CLASSES = {"permissive": "permissive", "no_license": "none known", "non_permissive": "not permissive"}
"""Classes of licences, in the order in which documents with them are preferred."""
UNKNOWN = "unknown"
"""How reports name what is not known."""
PAPER: Mapping[str, Mapping[str, float]] = {"web_code": PAPER_CODE, "markup": PAPER_MARKUP}
"""Kind → language → per cent of documents in the paper (App. A.2, A.3)."""


def counts(steps: Steps) -> dict[str, Any]:
    """What is known of a source, as plain data: the later steps' part is missing where they have not been built.

    Keys: `source`, `kind`, `origin`, `note`, `files` opened, `seen` (documents read), `kept` (by the source step),
    `train` and `heldout` (documents, bytes, tokens), `bytes_per_token`, `removed` (group → reason → how many),
    `redacted`, `languages`, `absent_languages`, `licences`, `licence_classes`.
    """
    read, source = steps.report("read"), steps.report("source")
    assembled = steps.report("corpus").get("sources", {}).get(steps.name, {})
    told = source or read
    found: dict[str, Any] = {name: told[name] for name in ("kind", "origin", "note", "files") if name in told}
    found = {"source": steps.name, **found}
    if steps.read is not None:
        found["seen"] = _documents(steps.read)
    found["removed"] = removed(read, source, assembled)
    found["redacted"] = dict(read.get("redacted", {}))
    if source:
        found["kept"] = {name: source[name] for name in ("documents", "bytes", "capped")}
        found["languages"] = languages(source["languages"], source["kind"])
        listed = {row["language"] for row in found["languages"] if row["documents"]}
        found["absent_languages"] = [name for name in PAPER.get(source["kind"], ()) if name not in listed]
        found["licences"] = licences(source["licences"])
        found["licence_classes"] = _classes(found["licences"])
    for side in ("train", "heldout"):
        if assembled:
            found[side] = {name: assembled[f"{side}_{name}"] for name in ("documents", "bytes")}
    if steps.shards is not None:
        shards = read_json(steps.shards / "shards.json")
        for side, row in shards["splits"].items():
            found[side] = {name: row[name] for name in ("documents", "bytes", "tokens")}
        found["bytes_per_token"] = _ratio(found["train"]["bytes"], found["train"]["tokens"])
        if shards["of"] != steps.name:
            found |= {"kind": "control", "of": shards["of"], "note": f"a control: {shards['of']}, transformed"}
            lost = dict(shards["dropped"]["train"])
            found["removed"] = {"transform": lost} if lost else {}
    return found


def _documents(read: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in (read / "documents").glob("*.parquet"))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def languages(table: Mapping[str, list[int]], kind: str) -> list[dict[str, Any]]:
    """Languages with documents and bytes kept, documents seen, the share of documents kept, and the paper's share."""
    total = sum(row[0] for row in table.values())
    paper = PAPER.get(kind, {})
    return [
        {
            "language": name,
            "documents": documents,
            "bytes": size,
            "seen": seen,
            "share": documents / total if total else 0.0,
            "paper": paper[name] / 100 if name in paper else None,
        }
        for name, (documents, size, seen) in _most_first(table)
    ]


def licences(table: Mapping[str, list[int]]) -> list[dict[str, Any]]:
    """Licences as documents state them, with their class."""
    return [
        {
            "licence": name,
            "class": CLASSES[classify("" if name == UNKNOWN else name)],
            "documents": documents,
            "bytes": size,
            "seen": seen,
        }
        for name, (documents, size, seen) in _most_first(table)
    ]


def _most_first(table: Mapping[str, list[int]]) -> list[tuple[str, list[int]]]:
    """Rows of a report, whose keys are sorted as JSON is, with the most documents first."""
    return sorted(table.items(), key=lambda row: (-row[1][0], -row[1][2], row[0]))


def _classes(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    found = {name: {"documents": 0, "bytes": 0, "seen": 0} for name in CLASSES.values()}
    for row in rows:
        for name in ("documents", "bytes", "seen"):
            found[row["class"]][name] += row[name]
    return found
