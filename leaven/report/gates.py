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
    "few items": "a handful of items says little about others",
    "ledger": "what was drawn from each source is what the mixture asked for",
}
"""What each gate is for, in the order of the page."""

WHY = {
    "at chance": "no task that counts has a known score of guessing",
    "contaminated": "the training documents were not searched for every task that counts",
    "diverged": "no loss curves are there",
    "degenerate": "no answers are there",
    "few seeds": "nothing could be compared",
    "few items": "nobody counted the items",
}
"""Gates that are told where they found nothing, and why one of them may have had nothing to look at."""


def section(contents: Contents) -> Html | None:
    """One row for everything a gate found, and the gates that found nothing; None for a verdict without gates."""
    if "gates" not in contents.verdict:
        return None
    rows = sorted(contents.gates, key=_place)
    several = len(contents.sizes) > 1
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
        [paragraph(said, class_="soft") for said in _silent(contents)],
        id="gates",
    )


def _silent(contents: Contents) -> list[str]:
    """Gates without a row: those that looked and found nothing, and those that had nothing to look at.

    Without `gates_run` nobody recorded which is which.
    """
    found = {(str(row.get("gate")), str(row.get("size") or "")) for row in contents.gates}
    ran = contents.verdict.get("gates_run")
    if ran is None:
        rest = [name for name in WHY if not any(gate == name for gate, _ in found)]
        said = "; ".join(f"{name} ({GATES[name]})" for name in rest)
        return [f"Nothing is told of: {said}. Whether these were looked for is not recorded."] if rest else []
    looked = {str(row.get("size") or ""): [str(name) for name in row.get("gates") or ()] for row in ran}
    quiet: dict[str, list[str]] = {}
    blind: dict[str, list[str]] = {}
    for name in WHY:
        for size, names in looked.items():
            # A finding of no size is about all of them.
            if not {(name, size), (name, "")} & found:
                (quiet if name in names else blind).setdefault(name, []).append(size)

    def where(sizes: list[str]) -> str:
        return f" at {words.listing(sizes)}" if len(sizes) < len(looked) else ""

    told = [f"{name}{where(sizes)} ({GATES[name]})" for name, sizes in quiet.items()]
    untold = [f"{name}{where(sizes)} ({WHY[name]})" for name, sizes in blind.items()]
    return [
        f"{head}: {'; '.join(said)}."
        for head, said in (("Nothing was found by", told), ("Not looked for", untold))
        if said
    ]


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
