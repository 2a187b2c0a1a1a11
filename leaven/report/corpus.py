"""The corpus: how much of each source, what was left out and why, languages, licences, duplicates, evaluation items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, details, paragraph, table, tag
from leaven.report.markup import Node as Markup
from leaven.report.tables import DASH, section

REASONS = 4
"""Reasons of a group that are named in the table; the others are in the export."""
LANGUAGES = 10
CLUSTERS = 3
"""Largest clusters of near-duplicates that are shown."""
ASSEMBLED = ("exact duplicates", "near-duplicates", "contamination")
"""What is lost when the corpus is assembled, where documents may have been cut."""
NOT_CHECKED = "not checked"


def corpus(contents: Contents) -> Html | None:
    """The section, or None where nothing is known of a corpus."""
    sources = contents.corpus
    if not sources:
        return None
    return section(
        "The corpus",
        "corpus",
        _note(contents),
        _amounts(sources),
        _left_out(sources),
        _licences(sources),
        [_languages(name, row) for name, row in sources.items()],
        _clusters(contents.assembly),
        _evaluation(contents),
    )


def dropped(row: Row) -> dict[str, int]:
    """Everything of a source that is not in the corpus: `group: reason` → how many."""
    groups: Mapping[str, Mapping[str, int]] = row.get("removed") or {}
    return {f"{group}: {reason}": many for group, reasons in groups.items() for reason, many in reasons.items()}


def _note(contents: Contents) -> list[Markup]:
    found = [name for name, row in contents.corpus.items() if row.get("origin") == "workstation"]
    here = f"Found on this computer, and different on any other: {words.listing(found)}." if found else ""
    note = words.sentence(contents.assembly.get("note") or "")
    cut = contents.assembly.get("cut")
    pieces = f"Documents of more than {cut:,} characters were cut, and their pieces are counted." if cut else ""
    return [paragraph(said) for said in (note, here, pieces) if said]


def _amounts(sources: Mapping[str, Row]) -> Html:
    rows: list[list[Markup]] = [
        [
            name,
            words.amount(row.get("documents")),
            words.size(row.get("bytes")),
            words.amount(row.get("tokens")),
            words.number(row.get("bytes_per_token"), 2),
            words.amount(row.get("heldout_documents")),
            str(row.get("note") or ""),
        ]
        for name, row in sources.items()
    ]
    head = ["source", "documents", "bytes", "tokens", "bytes per token", "held-out documents", "note"]
    return table(head, rows, numbers=(1, 2, 3, 4, 5))


def _left_out(sources: Mapping[str, Row]) -> list[Markup]:
    rows: list[list[Markup]] = []
    for name, row in sources.items():
        groups: Mapping[str, Mapping[str, int]] = row.get("removed") or {}
        for group, reasons in groups.items():
            many = sum(reasons.values())
            named = [f"{reason} {words.amount(number)}" for reason, number in list(reasons.items())[:REASONS]]
            others = len(reasons) - len(named)
            said = "; ".join([*named, *([words.count(others, "other reason")] if others else [])])
            rows.append([name, group, words.amount(many), _bar(many, _whole(row, groups, group)), said])
    if not rows:
        return [tag("h3", "What was left out"), paragraph("Nothing was left out of any source.")]
    return [
        tag("h3", "What was left out"),
        table(
            ["source", "what", "how many", "share", "why"],
            rows,
            caption="In the order in which it was lost: files that could not be read, what is no document, documents "
            "(share of those read), then duplicates and documents with evaluation items (share of what the rules kept)",
            numbers=(2,),
        ),
    ]


def _whole(row: Row, groups: Mapping[str, Mapping[str, int]], group: str) -> int | None:
    """What the share of a group is of; None where that was not counted."""
    if group in ("unreadable", "extraction", "transform"):
        return None
    if group not in ASSEMBLED:
        return row.get("seen")
    lost = sum(sum(groups.get(name, {}).values()) for name in ASSEMBLED)
    return lost + sum(row.get(name) or 0 for name in ("documents", "heldout_documents"))


def _bar(part: int, whole: Any) -> Markup:
    """A share as a bar, where it is known."""
    if not words.is_number(whole) or whole <= 0:
        return DASH
    share = min(part / whole, 1.0)
    shown = f"{100 * share:.1f}%"
    return [tag("span", class_="bar", style=f"--share:{shown}", aria_hidden="true"), " ", words.percent(part / whole)]


def _licences(sources: Mapping[str, Row]) -> list[Markup]:
    classes: list[str] = list(
        dict.fromkeys(name for row in sources.values() for name in row.get("licence_classes") or {})
    )
    if not classes:
        return []
    rows: list[list[Markup]] = []
    for name, row in sources.items():
        found = row.get("licence_classes") or {}
        if found:
            rows.append([name, *(words.amount(found.get(word, {}).get("documents")) for word in classes)])
    return [
        tag("h3", "Licences"),
        table(
            ["source", *classes],
            rows,
            caption="Documents that the rules kept, by the class of the licence they state",
            numbers=range(1, len(classes) + 1),
        ),
    ]


def _languages(name: str, row: Row) -> Markup:
    languages: Sequence[Row] = [language for language in row.get("languages") or () if language.get("documents")]
    if len(languages) < 2:
        return None
    paper = any(words.is_number(language.get("paper")) for language in languages)
    rows: list[list[Markup]] = [
        [
            str(language["language"]),
            words.amount(language["documents"]),
            words.percent(language["share"]),
            *([words.percent(language.get("paper"), 2)] if paper else []),
            words.size(language["bytes"]),
        ]
        for language in languages[:LANGUAGES]
    ]
    others = languages[LANGUAGES:]
    if others:
        total = {key: sum(language[key] for language in others) for key in ("documents", "share", "bytes")}
        rows.append(
            [
                words.count(len(others), "other"),
                words.amount(total["documents"]),
                words.percent(total["share"]),
                *([DASH] if paper else []),
                words.size(total["bytes"]),
            ]
        )
    absent = list(row.get("absent_languages") or ())
    head: list[Markup] = ["language", "documents", "share", *(["share in the paper"] if paper else []), "bytes"]
    return details(
        f"{words.count(len(languages), 'language')} of {name}",
        table(head, rows, numbers=range(1, len(head))),
        paragraph(f"Of the paper's list, none of: {words.listing(absent)}.", class_="soft") if absent else None,
    )


def _clusters(assembly: Row) -> list[Markup]:
    number = assembly.get("clusters")
    if not words.is_number(number):
        return []
    largest: Sequence[Row] = list(assembly.get("largest") or ())[:CLUSTERS]
    rows: list[list[Markup]] = [
        [str(row["documents"][0]), words.amount(row["size"]), "; ".join(map(str, row["documents"][1:3])) or DASH]
        for row in largest
        if row.get("documents")
    ]
    return [
        tag("h3", "Near-duplicates"),
        paragraph(f"{words.count(int(number), 'cluster')} of two or more documents, of each of which one is kept."),
        table(["kept", "size", "others, for example"], rows, caption="The largest", numbers=(1,)) if rows else None,
    ]


def _evaluation(contents: Contents) -> list[Markup]:
    """Per task whether training documents were searched for its items, by whom, and what became of what was found."""
    searched: Mapping[str, Row] = contents.assembly.get("contamination") or {}
    rows: list[list[Markup]] = []
    for task, row in searched.items():
        done = f"{words.count(row.get('documents') or 0, 'document')} left out of the corpus"
        if row.get("unsearched"):
            done += f"; {words.count(row['unsearched'], 'item')} too short to look for"
        rows.append([task, "corpus", words.amount(row.get("items")), words.amount(row.get("matched")), done])
    for task, row in contents.suite.items():
        overlap: Row = row.get("overlap") or {}
        if task in searched:
            continue
        if "candidates" not in overlap:
            rows.append(
                [task, tag("strong", NOT_CHECKED), words.amount(row.get("n")), DASH, "it cannot be called clean"]
            )
            continue
        kept = overlap.get("occurring") or 0
        done = f"{words.count(overlap.get('dropped') or 0, 'item')} left out of the suite"
        if kept:
            done += f"; {words.amount(kept)} that occur are kept"
        if overlap.get("note"):
            done += f" ({overlap['note']})"
        found = (overlap.get("dropped") or 0) + kept
        rows.append([task, "suite", words.amount(overlap["candidates"]), words.amount(found), done])
    if not rows:
        return []
    return [
        tag("h3", "Evaluation items in training documents"),
        table(
            ["task", "searched by", "items", "found", "what was done"],
            rows,
            caption="The corpus leaves out documents that hold an item, the suite items that a document holds",
            numbers=(2, 3),
        ),
    ]
