"""What it was made of: realised tokens, costs, identities, the study file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.lineage import Node, every, tree
from leaven.report.markup import Html, details, pairs, paragraph, table, tag
from leaven.report.markup import Node as Markup
from leaven.report.tables import DASH, section


def ledger(contents: Contents) -> Html | None:
    """Realised tokens per stage and source; where they differ from the plan, by how many."""
    if not any(stage.get("ledger") for stage in contents.stages):
        return None
    named = {source for here in contents.stages for source in here.get("mixture") or {}}
    sources = [name for name in contents.sources if name in named]
    rows, off = [], 0
    for size, here in contents.each_size:
        for node in every(tree(here)):
            cells = []
            for source in sources:
                cell, differs = _drawn(node.stages, source)
                cells.append(cell)
                off += differs
            label = f"{node.kind} {words.amount(node.tokens)} {node.label}{f', {size}' if size else ''}"
            rows.append([label, "; ".join(node.variants) or "no variant (reference)", *cells, _range(_epochs(node))])
    planned = any(stage.get("planned") for stage in contents.stages)
    outcome = "All as planned." if not off else f"{words.count(off, 'entry', 'entries')} off plan, with the difference."
    return section(
        "Realised tokens",
        "tokens",
        paragraph(
            "Tokens each stage drew from each source, per seed, against what its mixture asked for. ",
            outcome if planned else None,
        ),
        table(["stage", "variants", *sources, "epochs begun"], rows, numbers=range(2, len(sources) + 3)),
        paragraph("Plan and ledger of every seed: ", tag("a", "ledger.csv", href="data/ledger.csv"), class_="soft"),
    )


def _epochs(node: Node) -> list[Any]:
    """Epochs begun of every source by every seed of a node."""
    return [
        row["epochs_begun"]
        for stage in node.stages
        for row in (stage.get("ledger") or {}).values()
        if words.is_number(row.get("epochs_begun"))
    ]


def _drawn(stages: Sequence[Row], source: str) -> tuple[str, bool]:
    """Tokens the seeds of a stage drew from `source`, and whether any differs from its plan."""
    drawn, gaps = [], set()
    for stage in stages:
        tokens = (stage.get("ledger") or {}).get(source, {}).get("tokens")
        plan = (stage.get("planned") or {}).get(source)
        if words.is_number(tokens):
            drawn.append(tokens)
            if words.is_number(plan) and tokens != plan:
                gaps.add(tokens - plan)
        elif words.is_number(plan) and plan:
            gaps.add(-plan)
    shown = ", ".join(words.signed(gap, 0) for gap in sorted(gaps))
    return f"{_range(drawn)} ({shown})" if gaps else _range(drawn), bool(gaps)


def _range(values: list[Any]) -> str:
    if not values:
        return DASH
    return f"{min(values):,}" if min(values) == max(values) else f"{min(values):,} to {max(values):,}"


def costs(contents: Contents) -> Html | None:
    """Time, tokens and operations."""
    found, plan = contents.costs, contents.plan
    if not found and not contents.steps:
        return None
    shown = {
        "wall time": words.duration(found.get("wall_seconds")),
        "time in steps": words.duration(found.get("step_seconds")),
        "processor time": words.duration(found.get("cpu_seconds")),
        "largest memory of a step": words.size(found.get("peak_memory_bytes")),
        "tokens trained": words.amount(found.get("tokens", plan.get("tokens"))),
        "floating-point operations": words.flops(found.get("flops", plan.get("flops"))),
        "steps": words.amount(plan.get("steps", len(contents.steps) or None)),
        "hardware": _plain(found.get("hardware")),
    }
    by_kind: dict[str, list[float]] = {}
    for row in contents.steps:
        if words.is_number(row.get("seconds")):
            by_kind.setdefault(str(row.get("kind")), []).append(float(row["seconds"]))
    return section(
        "Costs",
        "costs",
        pairs({name: value for name, value in shown.items() if value != DASH}),
        details(
            "Time by kind of step",
            table(
                ["kind", "steps", "time"],
                [[kind, str(len(times)), words.duration(sum(times))] for kind, times in by_kind.items()],
                numbers=(1, 2),
            ),
        )
        if by_kind
        else None,
    )


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, float):
        return f"{value:g}"
    return DASH if value is None or value == "" else str(value)


def identities(contents: Contents) -> Html | None:
    """What everything was made with, and the address of every step's result."""
    if not contents.steps and not contents.provenance:
        return None
    nested = {name: value for name, value in contents.provenance.items() if isinstance(value, Mapping)}
    single = {name: value for name, value in contents.provenance.items() if name not in nested}
    rows: list[list[Markup]] = [
        [
            str(row.get("name") or DASH),
            str(row.get("kind") or DASH),
            _identity(row.get("identity")),
            words.duration(row.get("seconds")),
        ]
        for row in contents.steps
    ]
    return section(
        "Identities" if rows else "Provenance",
        "identities",
        paragraph(
            "Each step's result lies in the store under its identity; point at one to see it whole; "
            "copying takes all of it."
        )
        if rows
        else None,
        pairs({name: _plain(value) for name, value in single.items()}),
        [details(str(name), pairs({str(k): _plain(v) for k, v in value.items()})) for name, value in nested.items()],
        details(
            f"All {words.count(len(rows), 'step')}",
            table(["step", "kind", "identity", "time"], rows, numbers=(3,)),
        )
        if rows
        else None,
    )


def _identity(value: Any) -> Markup:
    return tag("code", str(value), class_="id", title=str(value), tabindex="0") if value else DASH


def settings(contents: Contents) -> Html | None:
    """The study file, and the choices it left at their defaults."""
    shown = contents.study.get("settings") or {}
    text = contents.study.get("text")
    if not shown and not text:
        return None
    return section(
        "The study file",
        "study",
        tag("pre", tag("code", str(text))) if text else None,
        details("Every setting, with defaults", pairs({str(name): _plain(value) for name, value in shown.items()}))
        if shown
        else None,
    )
