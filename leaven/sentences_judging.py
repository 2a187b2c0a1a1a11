"""What `leaven judge` prints, as lines: the data comes from `leaven.tournament`, the words are here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from leaven.columns import table, width, wrapped
from leaven.study.amounts import short

if TYPE_CHECKING:
    from leaven.judge.estimate import Estimate
    from leaven.tournament import Forecast, Tournament

RULES = {
    "degenerate": "decided because a completion is empty or repeats itself",
    "identical": "tied because both completions are the same",
}
SCRIPTED = "SCRIPTED  the answers below were made up by a script: a test of the machinery, not a result"


def forecast_lines(found: Forecast, *, as_json: bool = False) -> list[str]:
    """What is about to be asked, and what it will cost, before the first call."""
    if as_json:
        return [json.dumps(asdict(found), indent=1, ensure_ascii=False, default=str)]
    lines = [
        f"arms      {' · '.join(found.arms)}",
        *prompt_lines(found.about),
        *_wrapped("judge     ", f"{found.judge}: {found.what}"),
    ]
    pairs = "1 pair" if found.pairs == 1 else f"{found.pairs} pairs"
    if found.estimate is not None:
        lines.append(f"estimate  {pairs} × {found.prompts:,} prompts × 2 orders: {estimated(found.estimate)}")
    else:
        lines.append(f"estimate  {pairs} × {found.prompts:,} prompts × 2 orders; this judge costs nothing")
    if found.budget is not None:
        lines.append(f"budget    {found.budget:,.2f} USD")
    if found.resolvable is not None:
        lines.append(
            f"power     {found.prompts:,} prompts resolve a net win of {found.resolvable:.0f} points 4 times in 5 "
            "(35 % ties)"
        )
    return lines


def estimated(found: Estimate) -> str:
    """`1,610 questions, 1,204 calls left · about 1.1M tokens to it, 0.2M from it · about 4.75 USD`."""
    cost = "no price given" if found.usd is None else f"about {found.usd:,.2f} USD"
    return (
        f"{found.questions:,} questions, {found.calls:,} calls left (at most {found.at_most:,}, if replies hold no "
        f"verdict) · about {short(int(found.given))} tokens to it, "
        f"{short(int(found.written))} from it · {cost}"
    )


def prompt_lines(about: Mapping[str, Any]) -> list[str]:
    """What is completed, and how much of it stands in training documents."""
    origin = f" ({about['origin']})" if about.get("origin") else ""
    lines = [f"prompts   {about.get('set')}: {about.get('chosen', 0):,} of {about.get('rows', 0):,}{origin}"]
    lines += [line for note in about.get("notes") or () for line in _wrapped("note      ", str(note))]
    for source, row in sorted((about.get("overlap") or {}).items()):
        if row.get("prompts"):
            lines.append(
                f"overlap   {row['prompts']:,} prompts occur in training documents of {source} ({row.get('kind', '')})"
            )
    return lines


def tournament_lines(found: Tournament) -> list[str]:
    """Counts, net wins and their intervals, strengths, warnings, cost, and where the page is."""
    lines = [""]
    if found.judge.get("scripted"):
        lines += [SCRIPTED, ""]
    lines += table(
        ["pair", "wins", "ties", "losses", "errors", "net win, points", "half ties, %", "p (Holm)"],
        [
            [
                f"{'SCRIPTED ' if row.get('scripted') else ''}{row['variant']} against {row['baseline']}",
                f"{row['wins']:,}",
                f"{row['ties']:,}",
                f"{row['losses']:,}",
                f"{row['errors']:,}",
                _interval(row, "net", "low", "high", signed=True),
                _interval(row, "half", "half_low", "half_high"),
                _p(row["p_holm"]),
            ]
            for row in found.winrates
        ],
        numbers=range(1, 8),
        most=width(),
    )
    if found.strengths:
        lines += ["", *_strengths(found)]
    for row in found.winrates:
        ruled = {name: many for name, many in (row.get("rules") or {}).items() if many}
        if ruled:
            told = ", ".join(f"{many:,} {RULES.get(name, name)}" for name, many in ruled.items())
            lines += _wrapped("unasked   ", f"{row['variant']} against {row['baseline']}: {told}")
    for row in found.winrates:
        for warning in row.get("warnings") or ():
            lines += _wrapped("warning   ", f"{row['variant']} against {row['baseline']}: {warning}")
    lines += _cost(found.cost, found.calls)
    lines.append(f"report    {found.folder / 'report.html'}")
    return lines


def _strengths(found: Tournament) -> list[str]:
    rows = []
    for row in found.strengths:
        known = row.get("identified", True)
        rows.append(
            [
                row["arm"],
                _interval(row, "strength", "low", "high", places=2, signed=True) if known else "not identified",
                _interval(row, "rate", "rate_low", "rate_high") if known else str(row.get("why", "")),
            ]
        )
    head = ["arm", "log odds (Bradley–Terry)", f"implied win rate against {found.baseline}, %"]
    return table(head, rows, numbers=(1, 2), most=width())


def _interval(row: Mapping[str, Any], value: str, low: str, high: str, *, places: int = 1, signed: bool = False) -> str:
    if row.get(value) is None:
        return ""
    sign = "+" if signed else ""
    shown = f"{row[value]:{sign}.{places}f}"
    if row.get(low) is None or row.get(high) is None:
        return shown
    return f"{shown} [{row[low]:{sign}.{places}f}, {row[high]:{sign}.{places}f}]"


def _wrapped(head: str, sentence: str) -> list[str]:
    return wrapped(head, sentence.split(), joint=" ", most=width())


def _p(value: float | None) -> str:
    return "" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _cost(cost: Mapping[str, Any], calls: int) -> list[str]:
    if not cost or not (cost.get("replies") or cost.get("unanswered")):
        return []
    about = "about " if cost.get("unknown") or cost.get("unanswered") else ""
    paid = "" if cost.get("usd") is None else f" · {about}{cost['usd']:,.2f} USD"
    lines = [
        f"cost      {cost['replies']:,} answers in all, {calls:,} of them asked for now · {about}"
        f"{short(int(cost['given']))} tokens to the judge, {short(int(cost['written']))} from it{paid}"
    ]
    if cost.get("unknown"):
        lines.append(f"          {cost['unknown']:,} answers came without a count of their tokens")
    if cost.get("unanswered"):
        lines.append(f"          {cost['unanswered']:,} requests were cut off on the way and may have been billed too")
    return lines
