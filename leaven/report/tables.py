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
OTHER = "other baseline"
"""The role of comparisons with a further baseline of a variant."""


def section(title: str, name: str, *body: Markup) -> Html:
    return tag("section", tag("h2", title), *body, id=name)


def excluded(contents: Contents) -> Html:
    """Tasks that fell out and why, what was left out before anything ran, and the tasks that stayed."""
    several = len(contents.sizes) > 1
    out = excluded_at(contents)
    rows = [
        [
            str(row.get("task")),
            *([str(row.get("size") or DASH)] if several else []),
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
            (f"excluded{out[name]}" if name in out else "kept"),
        ]
        for name, row in contents.suite.items()
    ]
    return section(
        "What was excluded, and why",
        "excluded",
        paragraph("A task counts only if every compared model beats chance; one that does not would measure noise."),
        table(
            ["task", *(["size"] if several else []), "measure", "reason", "chance", "mean of each variant"],
            rows,
            caption="Excluded tasks",
            numbers=(4 if several else 3,),
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


def excluded_at(contents: Contents) -> dict[str, str]:
    """Task -> where it was excluded: ` at 1m` where that is not every size of several."""
    every = [str(row.get("size")) for row in contents.sizes]
    found: dict[str, dict[str, None]] = {}
    for row in sorted(contents.excluded, key=lambda row: str(row.get("task"))):
        found.setdefault(str(row.get("task")), {})[str(row.get("size") or "")] = None
    return {
        task: f" at {words.listing(list(sizes))}" if all(sizes) and len(sizes) < len(every) else ""
        for task, sizes in found.items()
    }


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
    several = len(contents.sizes) > 1
    lines = _lines(power, found)
    roles = len({role for _, _, role in lines if role}) > 1
    about = [*(["size"] if several else []), "measure", *(["comparisons"] if roles else [])]
    return section(
        "Noise and power",
        "noise",
        paragraph(
            "How large an effect must be for this study to tell it four times in five, from the comparison with the "
            "least noise to the one with the most. Smaller effects are told more rarely, and otherwise stay unresolved."
        ),
        table(
            [*about, "effect told", "smallest of interest", "over seeds", "over items", "note"],
            [
                [
                    *([size or DASH] if several else []),
                    measure,
                    *([role or DASH] if roles else []),
                    *_strength(contents, measure, told, [] if role == OTHER else _at(found, size, measure)),
                ]
                for (size, measure, role), told in lines.items()
            ],
            caption=f"Noise of a difference from {_whom(contents)}: its standard deviation over seeds, and the "
            "standard error that items add to it",
            numbers=range(len(about), len(about) + 4),
        ),
        details(
            "Noise of each variant's own score: standard deviation over seeds, standard error over items",
            table(
                [*(["size"] if several else []), "measure", "variant", "mean", "over seeds", "over items"],
                [
                    [
                        *([str(row.get("size") or DASH)] if several else []),
                        str(row.get("measure")),
                        str(row.get("variant")),
                        words.number(row.get("mean"), 4),
                        words.number(row.get("seed_sd"), 4),
                        words.number(row.get("item_se"), 4) if _of_items(row) else DASH,
                    ]
                    for row in found
                ],
                numbers=range(len(about) - roles + 1, len(about) - roles + 4),
            ),
            class_="data",
        )
        if found
        else None,
    )


def _lines(power: Sequence[Row], found: Sequence[Row]) -> dict[tuple[str, str, str], Row]:
    """(size, measure, role) -> its row of power, empty for a measure of which only the noise is known."""
    lines = {(_text(row, "size"), _text(row, "measure"), _text(row, "role")): row for row in power}
    known = {key[:2] for key in lines}
    rest = dict.fromkeys((_text(row, "size"), _text(row, "measure")) for row in found)
    return lines | {(*key, ""): {} for key in rest if key not in known}


def _text(row: Row, key: str) -> str:
    return str(row.get(key) or "")


def _at(rows: Sequence[Row], size: str, measure: str) -> list[Row]:
    return [row for row in rows if (_text(row, "size"), _text(row, "measure")) == (size, measure)]


def _strength(contents: Contents, measure: str, told: Row, rows: Sequence[Row]) -> list[Markup]:
    """From `effect told` to `note`, all in one unit; a dash for what is not known."""
    declared = contents.measure(measure)
    unit = unit_of(contents, {"unit": None, **told, "measure": measure})
    margin = declared.get("margin")
    # A difference from nearly nothing is told in another unit than the margin's, and no margin applies.
    apply = words.is_number(margin) and margin > 0 and unit == unit_of(contents, {**declared, "measure": measure})
    least, most = told.get("smallest_effect_quietest"), told.get("smallest_effect")
    beyond = " to none" if words.is_number(least) and not words.is_number(most) else ""
    return [
        _range([least, most], unit) + beyond,
        _range([margin], unit) if apply else DASH,
        _range([row.get("paired_seed_sd") for row in rows], unit),
        _range([_item_se(row) for row in rows], unit),
        str(told.get("note") or ""),
    ]


def _whom(contents: Contents) -> str:
    """The baseline of what is told of pairs: the variants' first."""
    rows = [row for row in contents.comparisons if row.get("role") != OTHER]
    several = {str(row.get("baseline")) for row in rows} - {contents.baseline}
    return "the (first) baseline of each variant" if several else contents.baseline


def _of_items(row: Row) -> bool:
    """Whether anything is known of the noise that items add: 0 without a count of items is no measurement."""
    return bool(row.get("item_se")) or bool(row.get("items"))


def _item_se(row: Row) -> float | None:
    """The standard error that items add to a difference: the sd of one cluster over √clusters."""
    spread, clusters = row.get("paired_item_sd"), row.get("clusters")
    if not words.is_number(spread) or not words.is_number(clusters) or clusters < 1:
        return None
    return spread / math.sqrt(clusters)


def _range(values: Sequence[Any], unit: str) -> str:
    """`1.6 to 6.0 %`; one number where all are alike, a dash where none is known."""
    known = sorted(value for value in values if words.is_number(value))
    if not known:
        return DASH
    shown = list(dict.fromkeys(words.number(value, 1 if known[-1] >= 10 else 2) for value in (known[0], known[-1])))
    return f"{' to '.join(shown)}{words.unit(unit)}"
