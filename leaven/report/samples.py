"""A sample of judged prompts with both completions: text from models, shown as text.

Whatever a model wrote is escaped where it enters the page (see `markup.text`) and the page's policy forbids any script
but the page's own, so a completion can neither run nor load anything. What a reader could not see is spelled out and
marked, so that it cannot be taken for what the model spelled out itself.

With JavaScript the samples are browsed one at a time, by pair, outcome, category and words (see page.js); without it
the first stand in sight and the others are folded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.diagnostics import pair
from leaven.report.markup import UNSEEN, Html, Node, details, paragraph, seen, tag
from leaven.report.preference import judge
from leaven.report.scripted import any_scripted, mark
from leaven.report.tables import section

SHOWN, MOST = 3, 200
"""Samples in sight without JavaScript and on paper, and samples in the page: all are in data/samples.jsonl."""
LENGTH = 4000
"""Characters of a text that are shown."""
TALE = 1500
"""Characters of a judge's reply that are shown."""
LABEL = 80
"""Characters of a label: a set of prompts may name its categories as it likes."""
OUTCOMES = ("win", "lose", "tie", "error")


def samples(contents: Contents) -> Html | None:
    """Every variant in turn, so that the first in sight are of different ones."""
    if not contents.samples:
        return None
    ordered = _by_turns(contents.samples)[:MOST]
    left = len(contents.samples) - len(ordered)
    folded = ordered[SHOWN:]
    about = f"The judge: {judge(contents.winrates)} " if contents.winrates else ""
    return section(
        "Judged prompts",
        "samples",
        mark(contents),
        paragraph(
            f"{about}Text below was written by the models and is shown as it came; characters without a shape are "
            "spelled out, as ",
            _text("\u202e"),
            f". {words.count(left, 'more is', 'more are')} in " if left else ". All are in ",
            tag("a", "samples.jsonl", href="data/samples.jsonl"),
            ".",
        ),
        tag(
            "div",
            _controls(ordered),
            [_sample(row, any_scripted(contents)) for row in ordered[:SHOWN]],
            details(
                words.count(len(folded), "more sample"),
                [_sample(row, any_scripted(contents)) for row in folded],
                class_="rest",
            )
            if folded
            else None,
            class_="browse",
        ),
    )


def _by_turns(rows: Sequence[Row]) -> list[Row]:
    """The first sample of every pair, then the second of every pair, and so on."""
    met: Counter[str] = Counter()
    turns = []
    for row in rows:
        turns.append(met[pair(row)])
        met[pair(row)] += 1
    return [row for _, row in sorted(zip(turns, rows, strict=True), key=lambda found: found[0])]


def _controls(rows: Sequence[Row]) -> Html | None:
    """Filters and buttons, hidden until the page's script has taken them up."""
    if len(rows) < 2:
        return None
    outcomes = {str(row.get("outcome") or "") for row in rows}
    return tag(
        "div",
        _choice("pair", "pair", dict.fromkeys(pair(row) for row in rows)),
        _choice("outcome", "outcome", [name for name in OUTCOMES if name in outcomes]),
        _choice("category", "category", sorted({str(row["category"]) for row in rows if row.get("category")})),
        tag(
            "label", "words ", tag("input", type="search", data_filter="words", autocomplete="off", spellcheck="false")
        ),
        tag(
            "span",
            tag("button", "← previous", type="button", data_step="-1"),
            " ",
            tag("output", "", aria_live="polite"),
            " ",
            tag("button", "next →", type="button", data_step="1"),
            class_="steps",
        ),
        class_="filters",
        role="group",
        aria_label="which samples are shown",
        hidden=True,
    )


def _choice(name: str, label: str, values: Any) -> Html | None:
    found = list(values)
    if len(found) < 2:
        return None
    options = [
        tag("option", f"all ({len(found)})", value=""),
        *(tag("option", _cut(value), value=value) for value in found),
    ]
    return tag("label", f"{label} ", tag("select", options, data_filter=name, autocomplete="off"))


def _sample(row: Row, scripted: bool) -> Html:
    outcome = str(row.get("outcome") or "")
    said = {
        "win": f"{row.get('variant')} preferred",
        "lose": f"{row.get('baseline')} preferred",
        "tie": "no preference, or one that changed with the order",
        "error": "the judge gave no answer",
    }.get(outcome, _cut(outcome))
    marks = [
        tag("span", _cut(outcome), class_=f"outcome {outcome if outcome in OUTCOMES else ''}") if outcome else None,
        tag("span", "SCRIPTED", class_="chip loud") if scripted else None,
        tag("span", f"decided by rule: {_cut(row['rule'])}", class_="chip") if row.get("rule") else None,
        tag("span", f"occurs in {_cut(row['overlap'])}", class_="chip loud") if row.get("overlap") else None,
        tag("span", _cut(row["category"]), class_="chip") if row.get("category") else None,
        tag("span", f"seed {row['seed']}", class_="chip") if row.get("seed") is not None else None,
        tag("span", _cut(row["id"]), class_="chip") if row.get("id") else None,
    ]
    return tag(
        "article",
        paragraph([[mark, " "] for mark in marks if mark], class_="marks"),
        tag("h3", "prompt"),
        _excerpt(row.get("prompt"), LENGTH),
        details("As the models were given it", _excerpt(row["given"], LENGTH)) if row.get("given") else None,
        tag(
            "div",
            _side(row.get("variant"), row.get("variant_text"), row.get("score_a"), outcome == "win"),
            _side(row.get("baseline"), row.get("baseline_text"), row.get("score_b"), outcome == "lose"),
            class_="sides",
        ),
        paragraph(tag("b", _cut(outcome)), f": {said}{_reason(row)}.{_votes(row)}", class_="soft"),
        _replies(row),
        class_="sample",
        data_pair=pair(row),
        data_outcome=outcome,
        data_category=str(row.get("category") or ""),
    )


def _reason(row: Row) -> str:
    return f" ({_cut(row['reason'])})" if row.get("reason") else ""


def _cut(value: Any) -> str:
    shown = str(value)
    return shown if len(shown) <= LABEL else f"{shown[: LABEL - 1]}…"


def _votes(row: Row) -> str:
    """What each order said, where the sample tells."""
    names = {"a": row.get("variant"), "b": row.get("baseline"), "tie": "a tie", "error": "no answer"}
    first, second = row.get("first_order"), row.get("second_order")
    if row.get("rule") or not first or not second:
        return ""
    return (
        f" With {row.get('variant')} shown first: {names.get(str(first), first)}. "
        f"With {row.get('baseline')} shown first: {names.get(str(second), second)}."
    )


def _replies(row: Row) -> Html | None:
    """What the judge wrote in either order, every attempt."""
    orders = list(row.get("replies") or ())[:2]
    if not any(orders):
        return None
    arms = (row.get("variant"), row.get("baseline"))
    return details(
        f"What the judge wrote ({words.count(sum(map(len, orders)), 'reply', 'replies')})",
        tag(
            "div",
            [
                tag(
                    "div",
                    tag("h3", f"first {arms[i]}, second {arms[1 - i]}"),
                    [_excerpt(reply, TALE) for reply in order] if order else paragraph("nothing", class_="soft"),
                )
                for i, order in enumerate(orders)
            ],
            class_="sides",
        ),
        class_="data",
    )


def _side(name: Any, completion: Any, score: Any, chosen: bool) -> Html:
    mark: Node = tag("span", " · preferred", class_="better") if chosen else None
    shown = f" · score {words.number(score)}" if words.is_number(score) else ""
    return tag("div", tag("h3", str(name), tag("span", shown, class_="soft"), mark), _excerpt(completion, LENGTH))


def _excerpt(value: Any, length: int) -> Html:
    whole = str(value or "").replace("\r\n", "\n")
    more = f"… ({len(whole) - length:,} more characters)" if len(whole) > length else ""
    # A browser drops one line feed at the start of a `pre`; it is put there for it to drop.
    return tag("pre", "\n", _text(whole[:length]) or "(nothing)", tag("span", more, class_="soft") if more else None)


def _text(shown: str) -> list[Node]:
    """Text with what has no shape spelled out and marked; a long run of one such character is counted."""
    parts: list[Node] = []
    at = 0
    for run in _RUNS.finditer(shown):
        many = len(run[0])
        spelled = seen(run[1])
        parts += [
            shown[at : run.start()],
            tag("span", f"{spelled} ×{many}" if many > 3 else spelled * many, class_="unseen"),
        ]
        at = run.end()
    return [part for part in (*parts, shown[at:]) if part]


_RUNS = re.compile(rf"({UNSEEN.pattern})\1*")
