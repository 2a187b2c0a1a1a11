"""docs/decisions/index.md: the decisions in order, by their own titles."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"


def page() -> str:
    """The whole page."""
    rows = []
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
        number, _, said = title.partition(" · ")
        rows.append(f"| {number} | [{said}]({path.name}) |")
    return "\n".join(
        [
            "# Decisions",
            "",
            "<!-- Written by tools/docs (make references). Do not edit. -->",
            "",
            "Why things are as they are, one decision at a time, in the order they were taken.",
            "",
            "| | |",
            "|---|---|",
            *rows,
            "",
        ]
    )
