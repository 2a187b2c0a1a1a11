"""Before the first stage: does every source hold what the study wants of it?

Shards exist by now, so the answer is exact. A source that would repeat more often than the study allows stops the study
here, in the words of its file, before a single token is trained.
"""

from __future__ import annotations

from leaven.engine.prepare import Prepared
from leaven.engine.store import Store
from leaven.ground.files import read_json
from leaven.mixture.apportion import apportion
from leaven.mixture.repeat import check_repetition
from leaven.study.expand import REFERENCE


def audit(prepared: Prepared, store: Store) -> None:
    """Raises BadInput naming the study's line, the stage, the source and the tokens."""
    graph, study = prepared.graph, prepared.study
    tokens = {}
    for step in graph.of_kind("shards"):
        if not store.has(step.identity):
            continue  # it failed, and so what depends on it will not run
        shards = read_json(store.file(step.identity, "shards.json"))
        tokens[step.fields["source"]] = int(shards["splits"]["train"]["tokens"])
    rows = {source: max(0, count - 1) // study.sequence for source, count in tokens.items()}
    for run in graph.runs:
        _chain(prepared, run.variant, run.stages, rows)
    for step in graph.of_kind("stage"):
        if step.name == REFERENCE:
            _chain(prepared, "", (step.identity,), rows)


def _chain(prepared: Prepared, variant: str, stages: tuple[str, ...], rows: dict[str, int]) -> None:
    graph, study = prepared.graph, prepared.study
    drawn: dict[str, int] = {}
    for index, step_id in enumerate(stages):
        fields = graph.steps[step_id].fields
        if not rows.keys() >= fields["mixture"].keys():
            return
        quotas = apportion(fields["mixture"], fields["steps"] * fields["batch"])
        if fields["cursor"] == "restart":
            drawn = {}
        check_repetition(
            study.variants[variant][index].words() if variant else "of the judge's reference model",
            quotas,
            drawn,
            rows,
            study.training.repeat,
            study.sequence,
            where=prepared.loaded.where(("variants", variant, index) if variant else ("judge", "tokens")),
            field=f"variants.{variant}[{index}]" if variant else "judge.tokens",
        )
        drawn = {source: drawn.get(source, 0) + quotas.get(source, 0) for source in {*drawn, *quotas}}
