"""What a report is made from, read once: every part may be missing, every derived order is settled here.

The page, its figures and its exports see a study only through `Contents`, so "no judge", "no curves" or "every task
excluded" are empty lists here and nowhere a special case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from leaven.report.markup import seen

Row = Mapping[str, Any]
VERDICTS = ("better", "worse", "equivalent", "unresolved")


@dataclass(frozen=True)
class Contents:
    """Everything on the page. Orders: the baseline first, then variants and measures as the study names them."""

    verdict: Row
    study: Row
    plan: Row
    costs: Row
    provenance: Row
    corpus: Mapping[str, Row]
    assembly: Row
    suite: Mapping[str, Row]
    stages: Sequence[Row]
    samples: Sequence[Row]
    steps: Sequence[Row]
    left_out: Sequence[str]
    isolation: str
    baseline: str
    variants: tuple[str, ...]
    measures: Sequence[Row]
    comparisons: Sequence[Row] = field(default=())
    scores: Sequence[Row] = field(default=())
    winrates: Sequence[Row] = field(default=())
    strengths: Sequence[Row] = field(default=())
    excluded: Sequence[Row] = field(default=())
    averages: Row = field(default_factory=dict)
    judge: Row = field(default_factory=dict)
    prompts: Row = field(default_factory=dict)
    judge_cost: Row = field(default_factory=dict)
    rules: Row = field(default_factory=dict)
    sizes: Sequence[Row] = field(default=())
    point: str = "final"
    figures: Sequence[str] = field(default=())
    gates: Sequence[Row] = field(default=())
    optimum: Row = field(default_factory=dict)
    transfer: Row = field(default_factory=dict)
    headlines: Sequence[Row] = field(default=())

    def at(self, size: str) -> Contents:
        """What is there of one size: its variants, its baseline, and the rows that are of it or of no size."""
        row = next((row for row in self.sizes if row.get("size") == size), {})
        variants = tuple(str(name) for name in row.get("variants") or self.variants)

        def mine(rows: Sequence[Row]) -> list[Row]:
            return [each for each in rows if str(each.get("size") or size) == size]

        return replace(
            self,
            baseline=str(row.get("baseline") or self.baseline),
            variants=tuple(name for name in self.variants if name in variants) or variants,
            stages=mine(self.stages),
            comparisons=mine(self.comparisons),
            scores=mine(self.scores),
            winrates=mine(self.winrates),
            strengths=mine(self.strengths),
            excluded=mine(self.excluded),
            gates=mine(self.gates),
            headlines=mine(self.headlines),
            sizes=[row] if row else (),
        )

    @property
    def each_size(self) -> list[tuple[str, Contents]]:
        """Every size by itself with its name; of a study of one size, the whole under no name."""
        if len(self.sizes) < 2:
            return [("", self)]
        return [(str(row["size"]), self.at(str(row["size"]))) for row in self.sizes]

    @property
    def name(self) -> str:
        return str(self.study.get("name") or self.verdict.get("study") or "study")

    @property
    def question(self) -> str:
        return str(self.study.get("question") or self.verdict.get("question") or self.name)

    @property
    def alpha(self) -> float:
        return float(part(self.verdict, "alpha", 0.05))

    @property
    def primary(self) -> list[Row]:
        return [row for row in self.comparisons if row.get("primary")]

    @property
    def sources(self) -> list[str]:
        """Names of sources: those of the corpus, then any that only a stage knows."""
        seen = dict.fromkeys(self.corpus)
        for stage in self.stages:
            seen.update(dict.fromkeys(stage.get("mixture") or {}))
        return list(seen)

    def measure(self, name: object) -> Row:
        return next((row for row in self.measures if row.get("name") == name), {"name": name})

    def of(self, rows: Sequence[Row], **wanted: Any) -> list[Row]:
        return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def part(where: Mapping[str, Any], name: str, empty: Any) -> Any:
    """`where[name]`, or `empty` where that is missing or null."""
    found = where.get(name)
    return empty if found is None else found


def _answered(verdict: Row) -> list[dict[str, Any]]:
    """Comparisons, each primary one with its sentence; sentences are dropped where they do not pair up."""
    rows: list[dict[str, Any]] = [dict(row) for row in part(verdict, "comparisons", [])]
    primary = [row for row in rows if row.get("primary")]
    answers = part(verdict, "answers", [])
    if len(answers) == len(primary):
        for row, answer in zip(primary, answers, strict=True):
            row["answer"] = str(answer)
    return rows


def _seen(value: Any) -> Any:
    """`value` with every character of its strings and keys in sight; what holds none is the same."""
    if isinstance(value, str):
        return seen(value)
    if isinstance(value, Mapping):
        return {seen(key) if isinstance(key, str) else key: _seen(held) for key, held in value.items()}
    return [_seen(held) for held in value] if isinstance(value, list | tuple) else value


def read(data: Mapping[str, Any]) -> Contents:
    """`data` as handed to `write_report`, with defaults for whatever is missing or null.

    Of judged preferences: `strengths` in the verdict, `prompts` (the content of prompts.json), `judge` (name, what,
    scripted, template, gate), `judge_cost` (calls, replies, given, written, unknown, usd, unanswered, budget) and
    `rules` (how completions were drawn). Samples keep every character; everywhere else what cannot be seen is spelled
    out, in names that go into drawings too.
    """
    data = {key: value if key == "samples" else _seen(value) for key, value in data.items()}
    verdict, study = part(data, "verdict", {}), part(data, "study", {})
    comparisons, scores = _answered(verdict), part(verdict, "scores", [])
    baseline = str(verdict.get("baseline") or study.get("baseline") or "")
    named = [baseline] if baseline else []
    named += part(study, "variants", {})
    named += [str(name) for row in part(verdict, "sizes", []) for name in row.get("variants") or []]
    named += [str(row["variant"]) for row in (*comparisons, *scores) if row.get("variant")]
    measures = list(part(verdict, "measures", []))
    known = {row.get("name") for row in measures}
    for row in (*comparisons, *(row for row in scores if not row.get("task"))):
        if row.get("measure") and row["measure"] not in known:
            known.add(row["measure"])
            measures.append({"name": row["measure"], "unit": row.get("unit"), "primary": row.get("primary", False)})
    variants = tuple(dict.fromkeys(named))
    place = {name: index for index, name in enumerate(variants)}
    turn = {str(row.get("name")): index for index, row in enumerate(measures)}
    comparisons = sorted(
        comparisons, key=lambda row: (place.get(str(row.get("variant")), 0), turn.get(str(row.get("measure")), 0))
    )
    return Contents(
        verdict=verdict,
        study=study,
        plan=part(data, "plan", {}),
        costs=part(data, "costs", {}),
        provenance=part(data, "provenance", {}),
        corpus=part(data, "corpus", {}),
        assembly=part(data, "assembly", {}),
        suite=part(data, "suite", {}),
        stages=part(data, "stages", []),
        samples=part(data, "samples", []),
        steps=part(data, "steps", []),
        left_out=list(dict.fromkeys([*part(data, "left_out", []), *part(verdict, "left_out", [])])),
        isolation=str(part(data, "isolation", "")),
        baseline=baseline,
        variants=variants,
        measures=measures,
        comparisons=comparisons,
        scores=scores,
        winrates=part(verdict, "winrates", []),
        strengths=part(verdict, "strengths", []),
        excluded=part(verdict, "excluded", []),
        averages=part(verdict, "averages", {}),
        judge=part(data, "judge", {}),
        prompts=part(data, "prompts", {}),
        judge_cost=part(data, "judge_cost", {}),
        rules=part(data, "rules", {}),
        sizes=part(verdict, "sizes", []),
        point=str(part(verdict, "point", "final")),
        figures=[str(name) for name in part(verdict, "figures", [])],
        gates=part(verdict, "gates", []),
        optimum=part(verdict, "optimum", {}),
        transfer=part(verdict, "transfer", {}),
        headlines=part(verdict, "headlines", []),
    )
