"""The page of a tournament: arms compared by a judge, without a study around them.

Its parts are those that a study's page has where completions were judged, in the same frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from leaven.report import (
    chart,
    diagnostics,
    document,
    exports,
    judged,
    methods,
    preference,
    samples,
    scripted,
    strengths,
    words,
)
from leaven.report.contents import Contents, Row, part, read
from leaven.report.gains import badge
from leaven.report.markup import Html, Node, pairs, paragraph, tag
from leaven.report.tables import section

TITLE = "Completions, judged"
VERDICTS = {1: "better", -1: "worse", 0: "unresolved"}
HOW = {1: "is preferred over", -1: "is less preferred than", 0: "cannot be told from"}
MADE_UP = {1: "got more made-up votes than", -1: "got fewer made-up votes than", 0: "got made-up votes much like"}
NO_BREAK = "\u00a0"


def write_tournament(data: Mapping[str, Any], out: Path) -> None:
    """Write `out`/report.html, `out`/figures/*.svg, *.png and `out`/data/*.csv, *.parquet, samples.jsonl.

    Args:
        data: title, baseline, arms [{name, what}], winrates, strengths, samples, prompts, judge, cost, rules,
            provenance, alpha, and votes (rows of votes.parquet with variant, baseline and seed), all optional.
        out: a folder, made if missing. Only the three names above are touched in it.

    Raises:
        LeavenError: the folder cannot be written; what was there before is still there.
    """
    found = contents(data)
    charts = figures(found)
    tables = partial(exports.write_votes, found, votes=part(data, "votes", []))
    document.publish(out, page(found, charts), charts, tables)


def contents(data: Mapping[str, Any]) -> Contents:
    """What the parts of a study's page are made from, of a tournament."""
    return read(
        {
            "verdict": {name: data.get(name) for name in ("baseline", "alpha", "winrates", "strengths")},
            "study": {
                "name": "tournament",
                "question": part(data, "title", TITLE),
                "variants": {str(arm.get("name")): arm.get("what") for arm in part(data, "arms", [])},
            },
            "judge_cost": data.get("cost"),
            **{name: data.get(name) for name in ("samples", "prompts", "judge", "rules", "provenance")},
        }
    )


def figures(found: Contents) -> list[chart.Chart]:
    """The figures there is data for."""
    return [drawing for drawing in (preference.chart(found), strengths.chart(found)) if drawing is not None]


def page(contents: Contents, charts: Sequence[chart.Chart]) -> str:
    """The whole document."""
    parts: list[document.Part] = [
        ("answers", "Answers", _answers(contents)),
        ("figures", "Figures", document.figures(charts)),
        ("judging", "The judge", diagnostics.section(contents, warned=False)),
        ("prompts", "What was judged", judged.prompts(contents)),
        ("samples", "Judged prompts", samples.samples(contents)),
        ("judge-costs", "Costs", judged.costs(contents)),
        ("methods", "Methods", document.methods(methods.tournament(contents))),
        ("identities", "Identities", _identities(contents)),
    ]
    title = f"{scripted.WORD} · {contents.question}" if scripted.any_scripted(contents) else contents.question
    return document.frame(title, _head(contents), parts, scripted.banner(contents))


def _head(contents: Contents) -> Html:
    rows = contents.winrates
    arms = contents.variants
    told = f"{words.count(len(arms), 'arm')}, {words.count(len(rows), 'pair')}" if rows else "nothing was judged"
    name = contents.judge.get("name") or next((row.get("judge") for row in rows), None)
    return tag(
        "header",
        paragraph("leaven · judge", class_="kicker"),
        tag("h1", scripted.titled(contents, contents.question)),
        paragraph(f"{told}{f', judged by {name}' if name else ''}.", class_="lead"),
    )


def _answers(contents: Contents) -> Html:
    """One sentence a pair, pairs with the baseline first; then what a reader must know before believing them."""
    rows = contents.winrates
    against, others = preference.split(contents, rows) if rows else ([], [])
    return section(
        "Answers",
        "answers",
        scripted.mark(contents),
        tag("ul", [tag("li", _answer(contents, row)) for row in (*against, *others)], class_="verdicts")
        if rows
        else paragraph("No pair was judged."),
        diagnostics.warnings(contents),
    )


def _answer(contents: Contents, row: Row) -> list[Node]:
    leaning = preference.leaning(row, contents.alpha)
    variant, baseline = str(row.get("variant")), str(row.get("baseline"))
    said = (
        f" {(MADE_UP if scripted.is_scripted(row) else HOW)[leaning]} {baseline}: net win {_whole(preference.net(row))}"
    )
    p = _whole(preference.probability(row))
    errors = int(row.get("errors") or 0)
    tail = f", {p} (Holm)" if p != words.MISSING else ""
    apart = f"; {words.count(errors, 'error')} apart" if errors else ""
    told = f"{said}{tail}, {preference.tally(row)} judged{apart}." if preference.judged(row) else ""
    return [
        tag("span", scripted.WORD, class_="badge") if scripted.is_scripted(row) else badge(VERDICTS[leaning]),
        " ",
        tag("b", variant),
        told or f" against {baseline}: {preference.NOTHING}{apart}.",
    ]


def _whole(said: str) -> str:
    """Words that stay on one line."""
    return said.replace(" ", NO_BREAK)


def _identities(contents: Contents) -> Html | None:
    """The arms, the judge, and what everything was made with."""
    arms = {name: what for name, what in (contents.study.get("variants") or {}).items() if what}
    judge = {f"judge: {name}": value for name, value in contents.judge.items() if value not in (None, "")}
    made = {**arms, **judge, **contents.provenance}
    if not made:
        return None
    return section("Identities", "identities", pairs({str(name): _plain(value) for name, value in made.items()}))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(held)}" for name, held in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
