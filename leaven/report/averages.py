"""Category scores by the suite's formulas, one column a variant, with and without the tasks at chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents
from leaven.report.markup import Html, bullets, paragraph, table, tag
from leaven.study.suites import SHARES


def section(contents: Contents) -> Html | None:
    """The table, or None for a suite without averages."""
    found = contents.averages
    rows = found.get("rows") or []
    if not rows:
        return None
    by: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by.setdefault((str(row["average"]), str(row["rule"])), {})[str(row["variant"])] = row
    variants = [name for name in contents.variants if any(name in cells for cells in by.values())]
    lines = []
    for average in dict.fromkeys(name for name, _ in by):
        for rule in dict.fromkeys(rule for _, rule in by):
            cells = by.get((average, rule), {})
            if not cells:
                continue
            counted = next(iter(cells.values()))["tasks"]
            share = all(_measure(contents, task) in (None, *SHARES) for task in counted)
            lines.append([average, rule, str(len(counted)), *(_cell(cells.get(name), share) for name in variants)])
    out = {**(found.get("at_chance") or {}), **(found.get("missing") or {})}
    return tag(
        "section",
        tag("h2", "Category scores"),
        paragraph(
            "Unweighted means of the suite's tasks, at the end of training, over seeds ± standard error. By the "
            "at-chance rule a task counts only if every compared model beats what guessing scores."
        ),
        table(
            ["average", "of", "tasks", *variants],
            lines,
            caption="Averages of each variant, in per cent or bits per byte",
            numbers=tuple(range(2, 3 + len(variants))),
        ),
        [tag("h3", "Tasks that do not count"), bullets([f"{task}: {why}" for task, why in sorted(out.items())])]
        if out
        else None,
        id="categories",
    )


def _measure(contents: Contents, task: str) -> str | None:
    return (contents.suite.get(task) or {}).get("measure")


def _cell(row: Mapping[str, Any] | None, share: bool) -> str:
    if row is None or row.get("value") is None:
        return words.MISSING
    factor, places = (100, 1) if share else (1, 3)
    error = row.get("se")
    spread = "" if error is None else f" ± {factor * float(error):.{places}f}"
    return f"{factor * float(row['value']):.{places}f}{spread}"
