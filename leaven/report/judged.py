"""What was put before the judge: the prompts, where they come from, whether training saw them; and what that cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.report import words
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, bullets, details, pairs, paragraph, tag
from leaven.report.tables import section

INSTRUCT = "instruct"
NAMED_BY_FILE = "the prompts of "
"""How a set is called that came with a file of completions."""
WRITTEN_ELSEWHERE = "completions in "
"""How an arm begins that is a file of completions."""


def prompts(contents: Contents) -> Html | None:
    """The prompt set, the overlap with each source, how prompts were put and completions drawn."""
    found = contents.prompts
    drawn = completions(contents)
    if not found and not drawn:
        return None
    frame, stop = found.get("frame"), found.get("stop")
    return section(
        "What was judged",
        "prompts",
        paragraph(_set(found)) if found else None,
        _overlaps(found) if found else None,
        [paragraph(words.sentence(note), class_="soft") for note in _strings(found.get("notes"))],
        [paragraph(sentence) for sentence in drawn],
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
    return f"{many} of {source(found) or 'a set without a name'}{f' ({known})' if known else ''}."


def source(found: Row) -> str:
    """The set of prompts, or the file that named them, as in `200 prompts of …`."""
    return str(found.get("set") or "").removeprefix(NAMED_BY_FILE)


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


def completions(contents: Contents) -> list[str]:
    """How every arm wrote, as far as that is known: of texts from files it is not."""
    arms: Mapping[str, Any] = contents.study.get("variants") or {}
    files = {
        str(name): what.removeprefix(WRITTEN_ELSEWHERE)
        for name, what in arms.items()
        if isinstance(what, str) and what.startswith(WRITTEN_ELSEWHERE)
    }
    said = []
    if contents.rules:
        said.append(_completed(contents.rules, [name for name in arms if name not in files] if files else []))
    if files:
        named = words.listing([f"{name} ({file})" for name, file in files.items()])
        said.append(
            f"The completions of {named} were written elsewhere: nothing here says which prompt stood before the "
            "model, how long it could write, or that one rule drew them all."
        )
    return said


def _completed(rules: Row, arms: Sequence[str]) -> str:
    """How these arms (none named: every arm) wrote, in one sentence."""
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
    return f"{words.listing(list(arms)) or 'Every arm'} completed every prompt by the same rules{detail}."


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
        "cost": _cost(found),
        "budget": _dollars(found.get("budget")),
        "replies without a count of tokens": words.amount(_many(found, "unknown") or None),
        "perhaps billed twice": words.amount(found.get("unanswered")),
    }
    unanswered, unknown = _many(found, "unanswered"), _many(found, "unknown")
    return section(
        "Costs of judging",
        "judge-costs",
        pairs({name: value for name, value in shown.items() if value != words.MISSING}),
        paragraph(
            f"{words.count(unknown, 'reply', 'replies')} came without a count of tokens: the tokens above are those of "
            "the others"
            + (", and the cost counts each as an average call." if words.is_number(found.get("usd")) else "."),
            class_="soft",
        )
        if unknown
        else None,
        paragraph(
            f"{words.count(unanswered, 'request')} ended without an answer (a cut connection, a stopped program) "
            "and may have been billed, and billed again when asked anew."
            + (" The cost counts each as an average call." if words.is_number(found.get("usd")) else ""),
            class_="soft",
        )
        if unanswered
        else None,
    )


def _many(found: Row, name: str) -> int:
    value = found.get(name)
    return int(value) if words.is_number(value) else 0


def _cost(found: Row) -> str:
    """What the endpoint's own count of tokens costs; `about` where calls without one are estimated."""
    if not words.is_number(found.get("usd")):
        return "no price given"
    guessed = _many(found, "unknown") or _many(found, "unanswered")
    return f"{'about ' if guessed else ''}{_dollars(found['usd'])}"


def _dollars(value: Any) -> str:
    if not words.is_number(value):
        return words.MISSING
    return f"{value:,.2f} USD" if value >= 0.995 or not value else f"{value:.2g} USD"
