"""The source step: which documents of a read step are kept.

Licences, then rules, then languages ("top N by document count after filtering" counts what the rules left), then the
cap. Only scores and facts about documents are looked at, never their texts, so a change of a threshold costs seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leaven.corpus import rules
from leaven.corpus.language.select import selection
from leaven.corpus.licence.spdx import classify, keep
from leaven.corpus.provenance import SCORE
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.ground.progress import Progress, silent

KEPT = "kept.parquet"
FACTS = ("id", "path", "language", "licence", "group", "bytes")


@dataclass(frozen=True)
class Selection:
    """What a source keeps. See `leaven.study.sources.Source` for the meaning of each."""

    name: str
    kind: str
    max_bytes: int
    seed: int = 0
    rules: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    languages: Any = "all"
    licences: Any = "any"
    form: str = ""

    @classmethod
    def of(cls, name: str, fields: Mapping[str, Any]) -> Selection:
        """Of the fields of a source step."""
        return cls(
            name,
            fields["kind"],
            fields["max"],
            rules=tuple(fields["rules"]),
            thresholds=fields["thresholds"],
            languages=fields["languages"],
            licences=fields["licences"],
            form=fields["form"],
        )


@dataclass(frozen=True)
class Facts:
    """What is known of every document of a read step, without its text. Arrays are parallel."""

    file: np.ndarray
    row: np.ndarray
    columns: Mapping[str, pa.ChunkedArray]
    scores: Mapping[str, np.ndarray]

    @classmethod
    def load(cls, read: Path) -> Facts:
        """Of the folder of a read step."""
        files = sorted((read / "documents").glob("*.parquet"))
        tables = []
        for path in files:
            names = pq.read_schema(path).names
            tables.append(pq.read_table(path, columns=[*FACTS, *(name for name in names if name.startswith(SCORE))]))
        lengths = [len(table) for table in tables]
        table = pa.concat_tables(tables)
        scores = {
            name.removeprefix(SCORE): table.column(name).to_numpy()
            for name in table.column_names
            if name.startswith(SCORE)
        }
        return cls(
            np.repeat(np.arange(len(files)), lengths),
            np.concatenate([np.arange(length) for length in lengths]) if lengths else np.zeros(0, np.int64),
            {name: table.column(name) for name in FACTS},
            scores,
        )

    def strings(self, name: str) -> np.ndarray:
        """A column of words as an array of objects that share equal words."""
        encoded = self.columns[name].combine_chunks().dictionary_encode()
        words = np.array(encoded.dictionary.to_pylist(), object)
        return words[encoded.indices.to_numpy()] if len(words) else np.zeros(0, object)

    def extensions(self) -> np.ndarray:
        """The extension of each document's path, without its dot, in lower case."""
        return np.array([rules.extension_of(path) for path in self.columns["path"].to_pylist()], object)


def select_documents(read: Path, out: Path, chosen: Selection, progress: Progress = silent) -> None:
    """Decide for every document of the read step; write `kept.parquet` and `report.json` into the empty folder `out`.

    `kept.parquet` has a row for each kept document: its file and row in the read step, and `twin`: how many documents
    before it have its id.

    Raises:
        BadInput: an unknown ruleset, threshold or language; facts do not fit under the cap.
    """
    progress(0, 1, chosen.name)
    facts = Facts.load(read)
    reason = refusals(facts, chosen)
    size = facts.columns["bytes"].to_numpy()
    within = np.flatnonzero(reason == "")
    over = _beyond_cap(facts, within, size, chosen)
    if len(over) and chosen.kind == "facts":
        raise BadInput(
            f"{chosen.max_bytes} bytes are too few for all facts; each must be there to be recalled",
            field=f"source {chosen.name}",
            fix="Raise its size or lower the number of facts.",
        )
    kept = np.setdiff1d(within, over, assume_unique=True)
    table = pa.table(
        {
            "file": pa.array(facts.file[kept], pa.int32()),
            "row": pa.array(facts.row[kept], pa.int64()),
            "twin": pa.array(_twins(facts.columns["id"].take(pa.array(kept))), pa.int32()),
        }
    )
    pq.write_table(table, out / KEPT)
    write_json(out / "report.json", _report(read_json(read / "report.json"), facts, reason, kept, size, len(over)))
    progress(1, 1, chosen.name)


def refusals(facts: Facts, chosen: Selection) -> np.ndarray:
    """Why each document is left out, "" where it stays; the cap is not looked at."""
    licence = facts.strings("licence")
    reason = np.full(len(facts.row), "", object)
    if chosen.licences != "any":
        verdict = {word: "" if keep(word, chosen.licences) else f"licence: {_class(word)}" for word in set(licence)}
        reason = np.array([verdict[word] for word in licence], object)
    language = facts.strings("language")
    if chosen.rules:
        refused = rules.reasons(facts.scores, language, facts.extensions(), chosen.rules, chosen.thresholds)
        reason = np.where(reason == "", refused, reason)
    counts = Counter(language[reason == ""].tolist())
    section = {"web_code": "code", "markup": "markup"}.get(chosen.kind)
    if section is not None and chosen.languages != "all":
        wanted = selection(chosen.languages, counts, section)
        other = ~np.isin(language.astype(str), list(wanted))
        reason = np.where((reason == "") & other, "language: not selected", reason)
    if chosen.form in ("commits", "commitpack"):
        # One commit for each file of a repository (StarCoder's rule), also where records lie in several files.
        kept = np.flatnonzero(reason == "")
        again = kept[_twins(facts.columns["group"].take(pa.array(kept))) > 0]
        reason[again] = "commit: file seen before"
    return reason


def _class(licence: str) -> str:
    return {"no_license": "none", "non_permissive": "not permissive"}.get(classify(licence), "not in the list")


def _beyond_cap(facts: Facts, within: np.ndarray, size: np.ndarray, chosen: Selection) -> np.ndarray:
    """What is left out by the cap: all after the longest prefix, in the order of keys, that fits under it."""
    if int(size[within].sum()) <= chosen.max_bytes:
        return within[:0]
    names = facts.columns["id"].take(pa.array(within)).to_pylist()
    keys = np.fromiter((key64("sample/2", chosen.seed, name) for name in names), np.uint64, len(names))
    order = within[np.lexsort((within, keys))]
    return order[np.searchsorted(np.cumsum(size[order]), chosen.max_bytes, side="right") :]


def _twins(names: pa.ChunkedArray) -> np.ndarray:
    encoded = names.combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.argsort(encoded, kind="stable")
    first = np.ones(len(order), bool)
    first[1:] = encoded[order][1:] != encoded[order][:-1]
    starts = np.flatnonzero(first)
    twins = np.empty(len(order), np.int64)
    twins[order] = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return twins


def _report(
    read: Mapping[str, Any], facts: Facts, reason: np.ndarray, kept: np.ndarray, size: np.ndarray, over: int
) -> dict[str, Any]:
    refused = Counter(reason[reason != ""].tolist())
    return {
        **read,
        "documents": len(kept),
        "bytes": int(size[kept].sum()),
        "groups": int(pc.count_distinct(facts.columns["group"].take(pa.array(kept))).as_py()) if len(kept) else 0,
        "capped": bool(over),
        "beyond_cap": over,
        "dropped": dict(sorted((Counter(read["dropped"]) + refused).items())),
        "languages": _table(facts.strings("language"), size, kept),
        "licences": _table(facts.strings("licence"), size, kept),
    }


def _table(words: np.ndarray, size: np.ndarray, kept: np.ndarray) -> dict[str, list[int]]:
    """Word → documents and bytes kept, documents seen."""
    seen = Counter(words.tolist())
    documents: Counter[str] = Counter()
    volume: Counter[str] = Counter()
    for word, bytes_of in zip(words[kept].tolist(), size[kept].tolist(), strict=True):
        documents[word] += 1
        volume[word] += bytes_of
    return {word or "unknown": [documents[word], volume[word], seen[word]] for word in sorted(seen)}
