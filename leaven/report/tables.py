"""What the answers rest on: tasks that fell out and why, noise, and what the study could have resolved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.gains import unit_of
from leaven.report.markup import Html, bullets, details, paragraph, table, tag
from leaven.report.markup import Node as Markup

DASH = words.MISSING


def section(title: str, name: str, *body: Markup) -> Html:
    return tag("section", tag("h2", title), *body, id=name)


def excluded(contents: Contents) -> Html:
    """Tasks that fell out and why, what was left out before anything ran, and the tasks that stayed."""
    out = sorted({str(row.get("task")) for row in contents.excluded})
    rows = [
        [
            str(row.get("task")),
            str(row.get("measure") or DASH),
            str(row.get("reason") or DASH),
            words.percent(row.get("chance")),
            _means(contents, row.get("values") or {}),
        ]
        for row in contents.excluded
    ]
    suite = [
        [
            name,
            str(row.get("category") or DASH),
            str(row.get("what") or row.get("form") or DASH),
            words.amount(row.get("n")),
            words.percent(row.get("chance")),
            "excluded" if name in out else "kept",
        ]
        for name, row in contents.suite.items()
    ]
    return section(
        "What was excluded, and why",
        "excluded",
        paragraph("A task counts only if every compared model beats chance; one that does not would measure noise."),
        table(
            ["task", "measure", "reason", "chance", "mean of each variant"],
            rows,
            caption="Excluded tasks",
            numbers=(3,),
        )
        if rows
        else paragraph("No task was excluded."),
        [tag("h3", "Also left out"), bullets([words.sentence(said) for said in contents.left_out])]
        if contents.left_out
        else None,
        details(
            f"All {words.count(len(suite), 'task')} of the suite",
            table(["task", "category", "what it asks", "items", "chance", ""], suite, numbers=(3, 4)),
        )
        if suite
        else None,
        paragraph(f"Programs written by models ran at isolation level: {contents.isolation}.", class_="soft")
        if contents.isolation
        else None,
    )


def _means(contents: Contents, values: Mapping[str, Any]) -> str:
    """`text-only 50.0 %; balanced-only 60.8 %`, in the study's order: what a chance level is known of is a share."""
    named = [*(name for name in contents.variants if name in values), *sorted(set(values) - set(contents.variants))]
    return "; ".join(f"{name} {words.percent(values[name])}" for name in named) or DASH


def noise(contents: Contents) -> Html | None:
    """How large an effect the study could tell, beside the margin and the noise that it rests on, all in one unit."""
    found: list[Row] = list(contents.verdict.get("noise") or [])
    power: list[Row] = list(contents.verdict.get("power") or [])
    if not found and not power:
        return None
    known = [str(row.get("measure")) for row in (*power, *found)]
    strength = {str(row.get("measure")): row for row in power}

    def line(name: str) -> list[Markup]:
        told, unit = strength.get(name, {}), _unit(contents, name, strength)
        rows = contents.of(found, measure=name)
        least, most = told.get("smallest_effect_quietest"), told.get("smallest_effect")
        beyond = " to none" if words.is_number(least) and not words.is_number(most) else ""
        return [
            name,
            _range([least, most], unit) + beyond,
            _range([contents.measure(name).get("margin")], unit),
            _range([row.get("paired_seed_sd") for row in rows], unit),
            _range([_item_se(row) for row in rows], unit),
            str(told.get("note") or ""),
        ]

    return section(
        "Noise and power",
        "noise",
        paragraph(
            "How large an effect must be for this study to tell it four times in five, from the comparison with the "
            "least noise to the one with the most. Smaller effects are told more rarely, and otherwise stay unresolved."
        ),
        table(
            ["measure", "effect told", "smallest of interest", "over seeds", "over items", "note"],
            [line(name) for name in dict.fromkeys(known)],
            caption=f"Noise of a difference from {contents.baseline}: its standard deviation over seeds, and the "
            "standard error that items add to it",
            numbers=(1, 2, 3, 4),
        ),
        details(
            "Noise of each variant's own score: standard deviation over seeds, standard error over items",
            table(
                ["measure", "variant", "mean", "over seeds", "over items"],
                [
                    [
                        str(row.get("measure")),
                        str(row.get("variant")),
                        words.number(row.get("mean"), 4),
                        words.number(row.get("seed_sd"), 4),
                        words.number(row.get("item_se"), 4),
                    ]
                    for row in found
                ],
                numbers=(2, 3, 4),
            ),
            class_="data",
        )
        if found
        else None,
    )


def _item_se(row: Row) -> float | None:
    """The standard error that items add to a difference: the sd of one cluster over √clusters."""
    spread, clusters = row.get("paired_item_sd"), row.get("clusters")
    if not words.is_number(spread) or not words.is_number(clusters) or clusters < 1:
        return None
    return spread / math.sqrt(clusters)


def _unit(contents: Contents, measure: str, strength: Mapping[str, Row]) -> str:
    return unit_of(contents, {"unit": None, **strength.get(measure, {}), "measure": measure})


def _range(values: Sequence[Any], unit: str) -> str:
    """`1.6 to 6.0 %`; one number where all are alike, a dash where none is known."""
    known = sorted(value for value in values if words.is_number(value))
    if not known:
        return DASH
    shown = list(dict.fromkeys(words.number(value, 1 if known[-1] >= 10 else 2) for value in (known[0], known[-1])))
    return f"{' to '.join(shown)}{words.unit(unit)}"
