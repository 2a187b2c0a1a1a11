"""What verdicts rest on, whoever trained the models: every measure in every arm, per seed and under resampled items.

Folders of this project's own evaluations (`leaven.analyze.verdict`) and tables of runs trained elsewhere become the
same `Evidence`, so that both get the same verdicts. Invariants: the arms of one piece of evidence answer the same items
and were resampled with the same draws; arms may have different seeds, and a comparison pairs the seeds both have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaven.analyze.gates import Gate
from leaven.analyze.measures import Measure
from leaven.analyze.results import Sampled


@dataclass(frozen=True)
class Evidence:
    """One measure at one size and point of training in every arm.

    Attributes: `size` and `point` as the request names them; `arms`: variant -> its statistic per seed [S] and under
    resampled items [draws × S], in the statistic's own scale (a share in 0…1, bits per byte); `tasks` that count.
    """

    size: str
    point: str
    measure: Measure
    arms: Mapping[str, Sampled]
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """What is known beside the evidence; all of it may be empty.

    Attributes:
        excluded: rows of tasks that do not count (`chance.Exclusion.row`, with `size`).
        notes: sentences on what was left out.
        gates: what was left out or flagged before the evidence was made.
        scores: rows of single tasks (`scores.score_rows`, with `size`), for the tables.
        winrates, strengths, averages: rows of `verdict.json`.
        clean: the evidence once more, without items that occur in training documents, where there are such items.
        dirty: task -> items of it that occur in training documents.
        common: the evidence once more, on tasks that count at every size, where sizes differ in that.
    """

    excluded: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    gates: Sequence[Gate] = ()
    scores: Sequence[Mapping[str, Any]] = ()
    winrates: Sequence[Mapping[str, Any]] = ()
    strengths: Sequence[Mapping[str, Any]] = ()
    averages: Mapping[str, Any] | None = None
    clean: Sequence[Evidence] = ()
    dirty: Mapping[str, int] = field(default_factory=dict)
    common: Sequence[Evidence] = ()
