"""Everything that is known of a document: where it is from, how each rule judged it, what became of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leaven.corpus.document import Document
from leaven.corpus.look.alike import clusters_of, items_in
from leaven.corpus.look.conditions import conditions
from leaven.corpus.look.draw import draw
from leaven.corpus.look.judged import Judged
from leaven.corpus.look.placed import PIECE, Placed, placed
from leaven.corpus.look.steps import Steps
from leaven.corpus.look.texts import texts
from leaven.corpus.look.visible import visible
from leaven.ground.errors import BadInput

SUGGESTED = 5
"""Ids that are offered where none is the one that was asked for."""
TWINS = 20
"""Documents of one id that are told of."""


def documents(steps: Steps, judged: Judged, rows: np.ndarray) -> list[tuple[dict[str, Any], Document]]:
    """What is known of documents by their rows, with the documents themselves, texts as they were read.

    Keys: `id`, `path`, `group`, `repository`, `licence`, `language`, `labels`, `bytes`, `reason` (of the source step,
    "" where kept), `also` (other rules that refuse it), `fate` (a sentence's end), `placed`.
    """
    if steps.read is None:
        raise ValueError(f"source {steps.name} has not been read")
    files = sorted((steps.read / "documents").glob("*.parquet"))
    found = texts(files, judged.facts.file[rows], judged.facts.row[rows])
    refusing = judged.refusing(rows)
    kept = {int(row): judged.named(int(row)) for row in rows if not judged.reason[row]}
    at = placed(steps.corpus, steps.name, set(kept.values())) if steps.corpus and kept else {}
    size = judged.facts.columns["bytes"].take(pa.array(rows)).to_pylist()
    told = []
    for place, (row, document) in enumerate(zip(rows.tolist(), found, strict=True)):
        reason = str(judged.reason[row])
        here = at.get(kept.get(row, ""), [])
        row_told = {
            "source": steps.name,
            **{name: getattr(document, name) for name in ("id", "path", "group", "repository", "licence", "language")},
            "labels": dict(document.labels),
            "bytes": size[place],
            "reason": reason,
            "also": [name for name, mask in refusing.items() if mask[place] and name != reason],
            "fate": fate(steps, reason, here),
            "placed": [asdict(piece) for piece in here],
        }
        told.append((row_told, document))
    return told


def fate(steps: Steps, reason: str, here: Collection[Placed]) -> str:
    """What became of a document: `dropped`, `kept` (no corpus yet), `train`, `heldout`, `train and heldout` or
    `removed` (by the corpus step)."""
    if reason:
        return "dropped"
    if steps.corpus is None:
        return "kept"
    return " and ".join(sorted({piece.side for piece in here}, reverse=True)) or "removed"


def find(judged: Judged, name: str) -> np.ndarray:
    """Rows of the documents of an id; of the corpus's names for them too (`~2` the second of an id, `#1` a piece).

    Raises:
        BadInput: no document has the id; documents whose ids hold it are named.
    """
    ids = judged.facts.columns["id"]
    candidates = [name, PIECE.sub("", name)]
    for candidate in candidates:
        rows = np.flatnonzero(pc.equal(ids, candidate).to_numpy())
        if len(rows):
            return rows[:TWINS]
    stem, _, number = candidates[-1].rpartition("~")
    if stem and number.isdigit():
        rows = np.flatnonzero(pc.equal(ids, stem).to_numpy())
        rows = rows[[judged.named(int(row)) == candidates[-1] for row in rows]] if len(rows) else rows
        if len(rows):
            return rows[:TWINS]
    holding = np.flatnonzero(pc.match_substring(ids, name, ignore_case=True).to_numpy())[:SUGGESTED]
    near = judged.ids(holding)
    raise BadInput(
        f'source {judged.chosen.name} has read no document "{visible(name)}"',
        fix=f"Ids that hold it: {', '.join(map(visible, near))}." if near else "leaven corpus sample shows some ids.",
    )


def explain(judged: Judged, row: int) -> list[dict[str, Any]]:
    """Each condition of each rule for a document, as plain data; None for a number that does not apply."""
    facts = judged.some(np.array([row]))
    scores = {name: float(values[0]) for name, values in facts.scores.items()}
    found = conditions(scores, facts.strings("language")[0], facts.extensions()[0], judged.chosen)
    return [
        {key: None if isinstance(value, float) and isnan(value) else value for key, value in asdict(condition).items()}
        for condition in found
    ]


def one(steps: Steps, judged: Judged, name: str) -> list[tuple[dict[str, Any], Document]]:
    """`documents` of an id, with `conditions`, `clusters` (among the largest) and `items` (evaluation items in it)."""
    told = []
    rows = find(judged, name)
    for row, (row_told, document) in zip(rows.tolist(), documents(steps, judged, rows), strict=True):
        row_told["conditions"] = explain(judged, row)
        row_told["clusters"] = clusters_of(steps.corpus, steps.name, document.id) if steps.corpus else []
        row_told["items"] = items_in(steps.corpus, steps.name, document.id) if steps.corpus else {}
        told.append((row_told, document))
    return told


def sample(
    steps: Steps, judged: Judged, n: int, *, seed: int = 0, dropped: bool = False, rule: str = "", language: str = ""
) -> tuple[int, list[tuple[dict[str, Any], Document]]]:
    """How many documents answer the description, and `documents` of `n` of them at random.

    Args:
        dropped: only documents that the source step left out.
        rule: only those that a rule refuses, or that are left out for this reason.
        language: only those of a language, by the name the corpus gives it.

    Raises:
        BadInput: no document is left out for such a reason, or is in such a language.
    """
    rows = judged.of_reason(rule) if rule else np.arange(len(judged.reason))
    if dropped:
        rows = rows[judged.reason[rows] != ""]
    if language:
        words = judged.facts.strings("language")
        if language not in set(words.tolist()):
            known = ", ".join(visible(word) or "unknown" for word in sorted(set(words.tolist())))
            raise BadInput(f'no document of source {steps.name} is in "{language}"', fix=f"Languages: {known}.")
        rows = rows[words[rows] == language]
    picked = draw(rows, n, seed, steps.name, rule, language, str(dropped))
    return len(rows), documents(steps, judged, picked)
