"""A sample of judged prompts with both completions: text from models, shown as text.

Whatever a model wrote is escaped where it enters the page (see `markup.text`) and the page's policy forbids any script
but the page's own, so a completion can neither run nor load anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, details, paragraph, tag
from leaven.report.preference import judge
from leaven.report.tables import section

SHOWN, FOLDED = 3, 12
"""Samples in sight, and samples in the page: the others wait behind a summary."""
LENGTH = 1500


def samples(contents: Contents) -> Html | None:
    """A dozen, every variant in turn; all of them are in data/samples.jsonl."""
    if not contents.samples:
        return None
    rest = len(contents.samples) - FOLDED
    ordered = _by_turns(contents.samples)
    folded = ordered[SHOWN:FOLDED]
    whole = f" {rest} more are in " if rest > 0 else " All are in "
    about = f"The judge: {judge(contents.winrates)} " if contents.winrates else ""
    return section(
        "Judged prompts",
        "samples",
        paragraph(
            f"{about}Text below was written by the models and is shown as it came.",
            whole,
            tag("a", "samples.jsonl", href="data/samples.jsonl"),
            ".",
        ),
        [_sample(row) for row in ordered[:SHOWN]],
        details(words.count(len(folded), "more sample"), [_sample(row) for row in folded], class_="data")
        if folded
        else None,
    )


def _by_turns(rows: Sequence[Row]) -> list[Row]:
    """The first sample of every variant, then the second of every variant, and so on."""
    seen: Counter[str] = Counter()
    turns = []
    for row in rows:
        turns.append(seen[str(row.get("variant"))])
        seen[str(row.get("variant"))] += 1
    return [row for _, row in sorted(zip(turns, rows, strict=True), key=lambda pair: pair[0])]


def _sample(row: Row) -> Html:
    outcome = str(row.get("outcome") or "")
    said = {
        "win": f"{row.get('variant')} preferred",
        "lose": f"{row.get('baseline')} preferred",
        "tie": "no preference, or one that changed with the order",
        "error": "the judge gave no answer",
    }.get(outcome, outcome)
    return tag(
        "article",
        tag("h4", "prompt"),
        _excerpt(row.get("prompt")),
        tag(
            "div",
            _side(row.get("variant"), row.get("variant_text"), row.get("score_a"), outcome == "win"),
            _side(row.get("baseline"), row.get("baseline_text"), row.get("score_b"), outcome == "lose"),
            class_="sides",
        ),
        paragraph(tag("b", outcome), f": {said}.{_votes(row)}", class_="soft"),
        class_="sample",
    )


def _votes(row: Row) -> str:
    """What each order said, where the sample tells."""
    names = {"a": row.get("variant"), "b": row.get("baseline")}
    first, second = row.get("first_order"), row.get("second_order")
    if not first or not second:
        return ""
    return f" Shown first, then second: {names.get(str(first), first)}, {names.get(str(second), second)}."


def _side(name: Any, completion: Any, score: Any, chosen: bool) -> Html:
    mark: Node = tag("span", " · preferred", class_="better") if chosen else None
    shown = f" · score {words.number(score)}" if words.is_number(score) else ""
    return tag("div", tag("h4", str(name), tag("span", shown, class_="soft"), mark), _excerpt(completion))


def _excerpt(value: Any) -> Html:
    whole = str(value or "")
    cut = whole[:LENGTH]
    more = f"… ({len(whole) - LENGTH:,} more characters)" if len(whole) > LENGTH else ""
    return tag("pre", cut or "(nothing)", tag("span", more, class_="soft") if more else None)
