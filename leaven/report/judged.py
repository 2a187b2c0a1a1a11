"""What was put before the judge: the prompts, where they come from, whether training saw them; and what that cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, bullets, details, pairs, paragraph, tag
from leaven.report.tables import section

INSTRUCT = "instruct"


def prompts(contents: Contents) -> Html | None:
    """The prompt set, the overlap with each source, how prompts were put and completions drawn."""
    found = contents.prompts
    if not found and not contents.rules:
        return None
    frame, stop = found.get("frame"), found.get("stop")
    return section(
        "What was judged",
        "prompts",
        paragraph(_set(found)) if found else None,
        _overlaps(found) if found else None,
        [paragraph(words.sentence(note), class_="soft") for note in _strings(found.get("notes"))],
        paragraph(completed(contents.rules)) if contents.rules else None,
        details(
            "How an instruction was put before a model",
            tag("pre", str(frame)),
            paragraph(f"A completion ends at: {words.listing([repr(word) for word in _strings(stop)])}.")
            if _strings(stop)
            else None,
        )
        if frame
        else None,
    )


def _set(found: Row) -> str:
    chosen, rows = found.get("chosen"), found.get("rows")
    of = f" of {words.amount(rows)}" if words.is_number(rows) and rows != chosen else ""
    many = f"{words.amount(chosen)}{of} prompts" if words.is_number(chosen) else f"{words.amount(rows)} prompts"
    known = ", ".join(str(found[name]) for name in ("origin", "licence") if found.get(name))
    return f"{many} of {found.get('set') or 'a set without a name'}{f' ({known})' if known else ''}."


def _overlaps(found: Row) -> list[Node]:
    """What was found, or that nobody looked, with a mark; sources in which nothing was found, without."""
    said = overlaps(found)
    loud = [sentence for sentence in said if not sentence.startswith("0 ")]
    quiet = [sentence for sentence in said if sentence.startswith("0 ")]
    return [bullets(loud, class_="warnings") if loud else None, [paragraph(sentence) for sentence in quiet]]


def overlaps(found: Row) -> list[str]:
    """For each source searched how many of the prompts occur in it; that nothing was searched is said as well."""
    total = found.get("searched") or found.get("chosen", found.get("rows"))
    searched: Mapping[str, Row] = found.get("overlap") or {}
    if not searched:
        return ["No training documents were searched for these prompts; they cannot be called unseen."]
    tail = ", and were left out" if found.get("overlapping") == "drop" else ""
    return [
        f"{words.amount(row.get('prompts'))} of {words.amount(total)} prompts "
        f"{'occurs' if row.get('prompts') == 1 else 'occur'} in {_where(source, row.get('kind'))}"
        f"{tail if row.get('prompts') else ''}."
        for source, row in searched.items()
    ]


def _where(source: str, kind: Any) -> str:
    if kind == INSTRUCT:
        return f"the instruct data{f' ({source})' if source != INSTRUCT else ''}"
    return f"{source} ({kind})" if kind and kind != source else source


def completed(rules: Row) -> str:
    """How every arm wrote, in one sentence."""
    parts = []
    if words.is_number(rules.get("tokens")):
        parts.append(f"at most {words.amount(rules['tokens'])} tokens")
    if words.is_number(rules.get("temperature")):
        warmth = rules["temperature"]
        parts.append(f"drawn at temperature {warmth:g}" if warmth else "the likeliest token each time")
    if words.is_number(rules.get("top_p")) and rules["top_p"] < 1:
        parts.append(f"from the likeliest {words.percent(rules['top_p'], 0)}")
    ends = [repr(word) for word in _strings(rules.get("stop"))]
    if rules.get("paragraph"):
        ends.append("the end of the paragraph")
    if ends:
        parts.append(f"ended at {words.listing(ends)}")
    detail = f": {', '.join(parts)}" if parts else ""
    return f"Every arm completed every prompt by the same rules{detail}."


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(word) for word in value] if isinstance(value, Sequence) else []


def costs(contents: Contents) -> Html | None:
    """Calls, tokens and money; what was perhaps paid for without an answer."""
    found = contents.judge_cost
    if not found:
        return None
    shown: dict[str, Node] = {
        "calls": words.amount(found.get("calls")),
        "replies": words.amount(found.get("replies")),
        "tokens read": words.amount(found.get("given")),
        "tokens written": words.amount(found.get("written")),
        "cost": _dollars(found.get("usd")),
        "budget": _dollars(found.get("budget")),
        "replies without a count of tokens": words.amount(found.get("unknown") or None),
        "perhaps billed twice": words.amount(found.get("unanswered")),
    }
    unanswered = found.get("unanswered")
    return section(
        "Costs of judging",
        "judge-costs",
        pairs({name: value for name, value in shown.items() if value != words.MISSING}),
        paragraph(
            f"{words.count(int(unanswered), 'request')} ended without an answer (a cut connection, a stopped program) "
            "and may have been billed, and billed again when asked anew.",
            class_="soft",
        )
        if words.is_number(unanswered) and unanswered
        else None,
    )


def _dollars(value: Any) -> str:
    if not words.is_number(value):
        return words.MISSING
    return f"{value:,.2f} USD" if value >= 0.995 or not value else f"{value:.2g} USD"
