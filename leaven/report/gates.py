"""The gates of a study: what kept a seed, a task or an item from counting, and what was let through with a flag.

A gate never works silently: every row says what was found and what followed from it.
"""

from __future__ import annotations

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, paragraph, table, tag

GATES = {
    "at chance": "a task counts only if every compared model beats what guessing scores",
    "contaminated": "items whose text stands in the training documents are told apart",
    "diverged": "a seed whose training broke is left out with its pairs",
    "degenerate": "answers that are always the same, or nothing, say nothing about a model",
    "few seeds": "one seed cannot tell a recipe from its luck",
    "ledger": "what was drawn from each source is what the mixture asked for",
}
"""What each gate is for, in the order of the page."""


def section(contents: Contents) -> Html | None:
    """One row for everything a gate found, and the gates that found nothing; None for a verdict without gates."""
    if "gates" not in contents.verdict:
        return None
    rows = sorted(contents.gates, key=_place)
    found = {str(row.get("gate")) for row in rows}
    several = len(contents.sizes) > 1
    quiet = [name for name in GATES if name not in found and name != "ledger"]
    return tag(
        "section",
        tag("h2", "Gates"),
        paragraph("What a result has to pass before a verdict may rest on it.", class_="soft"),
        table(
            ["gate", *(["size"] if several else []), "where", "what was found", "what follows"],
            [
                [
                    str(row.get("gate")),
                    *([str(row.get("size") or "")] if several else []),
                    _where(row),
                    words.sentence(row.get("said")),
                    str(row.get("effect") or ""),
                ]
                for row in rows
            ],
            caption="Everything the gates found",
        )
        if rows
        else None,
        paragraph(f"Nothing was found by: {'; '.join(f'{name} ({GATES[name]})' for name in quiet)}.", class_="soft")
        if quiet
        else None,
        id="gates",
    )


def _place(row: Row) -> int:
    order = list(GATES)
    name = str(row.get("gate"))
    return order.index(name) if name in order else len(order)


def _where(row: Row) -> str:
    """`balanced-only seed 2`, `boolq`, or both."""
    parts = [str(row.get("variant") or "")]
    if row.get("seed") is not None:
        parts.append(f"seed {row['seed']}")
    if row.get("task"):
        parts.append(str(row["task"]))
    return " ".join(part for part in parts if part) or "the study"
