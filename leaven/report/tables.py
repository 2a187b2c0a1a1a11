"""What the answers rest on: tasks that fell out and why, noise, and what the study could have resolved."""

from __future__ import annotations

from collections.abc import Mapping
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
            "; ".join(f"{name} {words.number(value)}" for name, value in (row.get("values") or {}).items()),
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
        [tag("h3", "Left out before running"), bullets([words.sentence(said) for said in contents.left_out])]
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


def noise(contents: Contents) -> Html | None:
    """Seed and item noise of each measure, and the smallest effect the study could have resolved."""
    found: list[Row] = list(contents.verdict.get("noise") or [])
    power: list[Row] = list(contents.verdict.get("power") or [])
    if not found and not power:
        return None
    known = [str(row.get("measure")) for row in (*power, *found)]
    strength = {str(row.get("measure")): row for row in power}

    def largest(measure: str, column: str) -> str:
        values = [row[column] for row in contents.of(found, measure=measure) if words.is_number(row.get(column))]
        return words.number(max(values), 4) if values else DASH

    return section(
        "Noise and power",
        "noise",
        paragraph("What this study could and could not have seen: effects smaller than these stay unresolved."),
        table(
            [
                "measure",
                "smallest effect resolved",
                "margin of interest",
                "largest seed noise",
                "largest item noise",
                "note",
            ],
            [
                [
                    name,
                    _with_unit(strength.get(name, {}).get("smallest_effect"), _unit(contents, name, strength)),
                    _with_unit(contents.measure(name).get("margin"), _unit(contents, name, strength)),
                    largest(name, "seed_sd"),
                    largest(name, "item_se"),
                    str(strength.get(name, {}).get("note") or ""),
                ]
                for name in dict.fromkeys(known)
            ],
            numbers=(1, 2, 3, 4),
        ),
        details(
            "Noise of each variant: standard deviation over seeds, standard error over items",
            table(
                ["measure", "variant", "over seeds", "over items"],
                [
                    [
                        str(row.get("measure")),
                        str(row.get("variant")),
                        words.number(row.get("seed_sd"), 4),
                        words.number(row.get("item_se"), 4),
                    ]
                    for row in found
                ],
                numbers=(2, 3),
            ),
            class_="data",
        )
        if found
        else None,
    )


def _unit(contents: Contents, measure: str, strength: Mapping[str, Row]) -> str:
    return unit_of(contents, {"unit": None, **strength.get(measure, {}), "measure": measure})


def _with_unit(value: Any, unit: str) -> str:
    return f"{words.number(value, 2)}{words.unit(unit)}" if words.is_number(value) else DASH
