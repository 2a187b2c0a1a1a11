"""All documents of a source with what the source step decided, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leaven.corpus import rules
from leaven.corpus.look.draw import draw
from leaven.corpus.look.removed import CAP
from leaven.corpus.look.steps import Steps
from leaven.corpus.select import KEPT, Facts, Selection, refusals
from leaven.ground.errors import BadInput, did_you_mean


@dataclass(frozen=True)
class Judged:
    """Documents of a read step before the rules of its source step. Arrays are parallel to the facts.

    Attributes:
        reason: why each is left out: the first rule that refuses it, a licence, a language, `CAP`, or "" where kept.
        twin: of a kept document, how many documents before it have its id; 0 elsewhere.
    """

    facts: Facts
    chosen: Selection
    reason: np.ndarray
    twin: np.ndarray

    @classmethod
    def of(cls, steps: Steps) -> Judged:
        """Of a source whose read and source steps are built; no text is read."""
        if steps.read is None or steps.source is None or steps.chosen is None:
            raise ValueError(f"source {steps.name} has not been built")
        facts = Facts.load(steps.read)
        reason = refusals(facts, steps.chosen)
        table = pq.read_table(steps.source / KEPT)
        starts = np.searchsorted(facts.file, np.arange(int(facts.file[-1]) + 1 if len(facts.file) else 0))
        kept = np.zeros(len(reason), bool)
        twin = np.zeros(len(reason), np.int64)
        if len(table):
            places = starts[table.column("file").to_numpy()] + table.column("row").to_numpy()
            kept[places] = True
            twin[places] = table.column("twin").to_numpy()
        reason[(reason == "") & ~kept] = CAP
        return cls(facts, steps.chosen, reason, twin)

    def some(self, rows: np.ndarray) -> Facts:
        """The facts of some documents."""
        facts, places = self.facts, pa.array(rows)
        columns = {name: values.take(places) for name, values in facts.columns.items()}
        scores = {name: values[rows] for name, values in facts.scores.items()}
        return Facts(facts.file[rows], facts.row[rows], columns, scores)

    def ids(self, rows: np.ndarray) -> list[str]:
        """Ids of documents, as they were read."""
        found: list[str] = self.facts.columns["id"].take(pa.array(rows)).to_pylist()
        return found

    def named(self, row: int) -> str:
        """The id of a kept document in the corpus, where equal ids of a source are told apart."""
        name = self.ids(np.array([row]))[0]
        return f"{name}~{self.twin[row] + 1}" if self.twin[row] else name

    def refusing(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Reason → mask over `rows`: every rule that refuses a document, not only the first."""
        if not self.chosen.rules:
            return {}
        facts = self.some(rows)
        language, extension = facts.strings("language"), facts.extensions()
        return rules.all_reasons(facts.scores, language, extension, self.chosen.rules, self.chosen.thresholds)

    def of_reason(self, reason: str) -> np.ndarray:
        """Rows of the documents that a rule refuses (whether or not another was first), or that are left out for
        another reason. Raises BadInput for a reason that no document has and no rule is named by."""
        everything = self.refusing(np.arange(len(self.reason)))
        if reason in everything:
            return np.flatnonzero(everything[reason])
        rows = np.flatnonzero(self.reason == reason)
        if not len(rows):
            known = sorted({*everything, *self.reason.tolist()} - {""})
            raise BadInput(
                f'no document of source {self.chosen.name} is left out for "{reason}"{did_you_mean(reason, known)}',
                fix=f"Reasons: {', '.join(known)}." if known else "Nothing was left out by a rule.",
            )
        return rows


def drops(judged: Judged) -> list[dict[str, Any]]:
    """Why documents are left out: reason, documents, their share, bytes, and the id of an example; most first."""
    size = judged.facts.columns["bytes"].to_numpy()
    coded = pa.array(judged.reason, pa.string()).dictionary_encode()
    which = coded.indices.to_numpy()
    found = []
    for number, reason in enumerate(coded.dictionary.to_pylist()):
        rows = np.flatnonzero(which == number)
        if reason:
            example = draw(rows, 1, 0, judged.chosen.name, reason)
            found.append(
                {
                    "reason": reason,
                    "documents": len(rows),
                    "share": len(rows) / len(judged.reason),
                    "bytes": int(size[rows].sum()),
                    "example": judged.ids(example)[0],
                }
            )
    return sorted(found, key=lambda row: (-row["documents"], row["reason"]))
