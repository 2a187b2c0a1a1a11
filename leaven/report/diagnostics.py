"""How the judge judged: whether it went by position or by length, what it could not answer, what rules decided.

Nothing here changes a result. It is what a reader needs to decide how far to trust one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, bullets, paragraph, table, tag
from leaven.report.preference import judged, net, tally, unit
from leaven.report.scripted import captioned, mark
from leaven.report.tables import DASH
from leaven.report.tables import section as part

KEYS = ("flip_rate", "first_rate", "kappa", "longer_rate", "zero_gap", "needed", "overlapping", "rules", "controls")
"""Rows from before these were measured have none of them; their pages have no such section."""


def section(contents: Contents, *, warned: bool = True) -> Html | None:
    """The section, or None where nothing but counts is known of the votes. `warned`: the warnings belong to it."""
    rows = [row for row in contents.winrates if any(row.get(key) is not None for key in (*KEYS, "warnings"))]
    if not rows:
        return None
    told = warnings(contents) if warned else None
    tables = (_manner(contents, rows), _counted(contents, rows), _told(contents, rows))
    return part("How the judge judged", "judging", mark(contents), told, *tables)


def warnings(contents: Contents) -> Html | None:
    """What a reader must know before believing a number, as sentences; each once, with the pairs that it is about."""
    said: dict[str, list[str]] = {}
    for row in contents.winrates:
        for sentence in row.get("warnings") or ():
            said.setdefault(words.sentence(sentence), []).append(pair(row, contents))
    if not said:
        return None
    many = len(contents.winrates)
    return bullets(
        [
            [tag("b", "Every pair: " if len(pairs) == many > 1 else f"{words.listing(pairs)}: "), sentence]
            for sentence, pairs in said.items()
        ],
        class_="warnings",
    )


def pair(row: Row, contents: Contents | None = None) -> str:
    """Who met whom, and at which size where the study has several."""
    size = f", {row['size']}" if contents and len(contents.sizes) > 1 and row.get("size") else ""
    return f"{row.get('variant')} against {row.get('baseline')}{size}"


def _manner(contents: Contents, rows: list[Row]) -> list[Node]:
    """Position and length."""
    return [
        tag("h3", "By position, by length"),
        table(
            ["pair", "flipped", "first position", "agreement", "longer wins", "at equal length", "length effect"],
            [
                [
                    pair(row, contents),
                    words.percent(row.get("flip_rate")),
                    _share(row, "first_rate", "first_low", "first_high"),
                    _plain(row.get("kappa"), row.get("kappa_low"), row.get("kappa_high")),
                    _share(row, "longer_rate", "longer_low", "longer_high"),
                    _span(row.get("zero_gap"), row.get("zero_gap_low"), row.get("zero_gap_high")),
                    _plain(row.get("length_slope"), row.get("length_low"), row.get("length_high")),
                ]
                for row in rows
            ],
            caption=captioned(contents, "Without bias: flipped 0 %, first position 50 %, agreement 1"),
            numbers=range(1, 7),
        ),
        [
            paragraph(words.sentence(f"{pair(row, contents)}: {row['length_why']}"))
            for row in rows
            if row.get("length_why")
        ],
        paragraph(
            f"Flipped: {unit(rows)} decided for different sides in the two orders, of those decided in both. First "
            "position: answers for whichever completion came first. Agreement: that of the two orders beyond chance "
            f"(Cohen's kappa). Longer wins: decided {unit(rows)} won by the longer completion. At equal length: the "
            "win rate of the variant, a tie as half, that a logistic fit gives where both are equally long. Length "
            "effect: the slope of that fit. Square brackets: 95 % intervals.",
            class_="soft",
        ),
    ]


def _counted(contents: Contents, rows: list[Row]) -> list[Node]:
    """What the votes rest on."""
    return [
        tag("h3", "What the votes rest on"),
        table(
            ["pair", "judged", "errors", "decided by rule", "with a degenerate one", "controls right"],
            [
                [
                    pair(row, contents),
                    tally(row) if unit([row]) == "votes" else words.amount(judged(row)),
                    _errors(row),
                    _rules(row.get("rules") or {}),
                    words.amount(row.get("degenerate")),
                    _controls(row.get("controls") or {}),
                ]
                for row in rows
            ],
            caption=captioned(contents, f"{unit(rows).capitalize()}; errors are excluded from every rate"),
            numbers=(1, 4, 5),
        ),
        paragraph(
            "Decided by rule: without asking, because one completion is degenerate (empty, or repeats itself), or both "
            "are the same text. Controls: questions whose better side is known, an intact completion against its own "
            "words shuffled. A control is only as good as the text it is made of, a completion of the baseline's: "
            "where that makes little sense, it makes little less when shuffled, and a good judge errs as well.",
            class_="soft",
        ),
    ]


def _told(contents: Contents, rows: list[Row]) -> list[Node]:
    """What would be left without prompts that training saw, and what more prompts would tell."""
    return [
        tag("h3", "Prompts seen in training, and prompts needed"),
        table(
            ["pair", "net win", "prompts seen", "net win without them", "net win it can tell", "prompts needed"],
            [
                [
                    pair(row, contents),
                    net(row),
                    _seen(row),
                    words.effect(row.get("clean_net"), row.get("clean_low"), row.get("clean_high"), "points"),
                    f"±{row['resolvable']:.1f} points" if words.is_number(row.get("resolvable")) else DASH,
                    _needed(row),
                ]
                for row in rows
            ],
            caption=captioned(contents, "Prompts, whatever the number of their votes"),
            numbers=range(1, 6),
        ),
        paragraph(
            "Prompts seen: those that occur in training documents, where these were searched. Net win it can tell: how "
            "large a net win must be for this many prompts to tell it four times in five. Prompts needed: how many "
            "would tell the net win found as often.",
            class_="soft",
        ),
    ]


def _share(row: Row, value: str, low: str, high: str) -> str:
    return _span(*(100 * row[key] if words.is_number(row.get(key)) else None for key in (value, low, high)))


def _span(value: Any, low: Any, high: Any) -> str:
    """A rate in per cent with its interval."""
    if not words.is_number(value):
        return DASH
    known = words.is_number(low) and words.is_number(high)
    return f"{value:.1f} %" + (f" [{low:.1f}, {high:.1f}]" if known else "")


def _plain(value: Any, low: Any, high: Any) -> str:
    """A number without a unit with its interval."""
    known = words.is_number(value) and words.is_number(low) and words.is_number(high)
    return words.number(value, 2) + (f" [{words.number(low, 2)}, {words.number(high, 2)}]" if known else "")


def _errors(row: Row) -> str:
    """How many, of which share of all votes, and why."""
    errors = int(row.get("errors") or 0)
    if not errors:
        return "none"
    reasons: Mapping[str, Any] = row.get("reasons") or {}
    why = ", ".join(f"{reason} {words.amount(many)}" for reason, many in reasons.items() if many)
    whole = f"{errors:,} ({words.percent(errors / (judged(row) + errors))})"
    return f"{whole}: {why}" if why else whole


def _rules(rules: Mapping[str, Any]) -> str:
    named = [f"{rule} {words.amount(many)}" for rule, many in rules.items() if many]
    return ", ".join(named) if named else "none" if rules else DASH


def _controls(controls: Mapping[str, Any]) -> str:
    many, right = controls.get("n"), controls.get("right")
    return f"{words.amount(right)} of {words.amount(many)}" if many else DASH


def _needed(row: Row) -> str:
    needed = row.get("needed")
    if words.is_number(needed):
        return f"about {words.amount(needed)}"
    return "none would do" if "needed" in row and judged(row) else DASH


def _seen(row: Row) -> str:
    """Prompts that training saw. That nobody looked is not none."""
    found = row.get("overlapping")
    return words.amount(found) if words.is_number(found) else "not searched" if "overlapping" in row else DASH
