"""The top of the page: the question, an answer for each primary comparison, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence

from leaven.report import words
from leaven.report.contents import VERDICTS, Contents, Row
from leaven.report.gains import badge, unit_of
from leaven.report.markup import Html, Node, bullets, paragraph, tag, text

STRIP = (240, 16)
"""Width and height of the inline interval, in its own units; it stretches to the room it gets."""

PROXY = "proxy scale: transfer to larger models is unproven"


def head(contents: Contents) -> Html:
    return tag(
        "header",
        paragraph(f"leaven · study {contents.name}", class_="kicker"),
        tag("h1", contents.question),
        paragraph(_tally(contents), class_="lead"),
    )


def _tally(contents: Contents) -> list[Node]:
    """Counts of verdicts as badges: the shortest true summary."""
    rows = contents.primary
    if not rows:
        return ["No primary comparison could be made; what was left out, and why, is listed below."]
    shown: list[Node] = []
    for verdict in VERDICTS:
        found = len(contents.of(rows, verdict=verdict))
        if found:
            shown += [" ", badge(verdict), f" {found}"]
    return [f"{words.count(len(rows), 'primary comparison')} with {contents.baseline}:", tag("span", shown)]


def section(contents: Contents) -> Html:
    """Answers by variant, the proxy sentence, and what would change them."""
    cards = []
    for name in contents.variants:
        rows = contents.of(contents.primary, variant=name)
        if rows:
            chain = (contents.study.get("variants") or {}).get(name) or []
            cards.append(
                tag(
                    "article",
                    tag("h3", name),
                    paragraph(" → ".join(str(stage) for stage in chain), class_="soft") if chain else None,
                    [_answer(contents, row) for row in rows],
                    class_="card",
                )
            )
    baseline = (contents.study.get("variants") or {}).get(contents.baseline) or []
    chain_of = f" ({' → '.join(str(stage) for stage in baseline)})" if baseline else ""
    return tag(
        "section",
        tag("h2", "Answers"),
        paragraph(
            f"Against the baseline {contents.baseline}{chain_of}. In every strip the line in the middle is no change, "
            "the shaded band is too small to matter, and right is better.",
            class_="soft",
        )
        if cards
        else None,
        tag("div", cards, class_="cards"),
        paragraph(_capital(contents.verdict.get("proxy_sentence") or PROXY), class_="proxy"),
        tag("h2", "What would change it", id="change"),
        bullets(_changes(contents)),
        id="answers",
    )


def _capital(said: object) -> str:
    shown = words.sentence(said)
    return shown[:1].upper() + shown[1:]


def _answer(contents: Contents, row: Row) -> Html:
    shown = words.effect(row.get("effect"), row.get("low"), row.get("high"), unit_of(contents, row))
    probability = words.probability(row.get("p_holm", row.get("p")))
    return tag(
        "div",
        tag(
            "p",
            badge(str(row.get("verdict"))),
            tag("b", str(row.get("measure"))),
            tag("span", shown, class_="effect"),
            class_="line",
        ),
        strip(contents, row),
        tag(
            "p",
            words.sentence(row.get("answer") or _spoken(row, probability)),
            class_="soft",
        ),
        class_="answer",
    )


def _spoken(row: Row, probability: str) -> str:
    """A sentence for a comparison that came without one."""
    how = {
        "better": "is better than",
        "worse": "is worse than",
        "equivalent": "is as good as",
    }.get(str(row.get("verdict")), "cannot be told from")
    corrected = f" ({probability} after correction)" if probability != words.MISSING else ""
    return f"{row.get('variant')} {how} {row.get('baseline')} on {row.get('measure')}{corrected}"


def strip(contents: Contents, row: Row) -> Html | None:
    """Dot, interval, zero and margin of one comparison, on the scale its measure has across all variants."""
    if not words.is_number(row.get("effect")):
        return None
    measure = contents.measure(row.get("measure"))
    margin = measure.get("margin")
    margin = float(margin) if words.is_number(margin) else 0.0
    reach = max(
        (abs(v) for other in contents.of(contents.primary, measure=row.get("measure")) for v in _ends(other)),
        default=0,
    )
    reach = 1.06 * (max(reach, margin) or 1.0)
    way = -1.0 if measure.get("better") == "lower" else 1.0
    width, height = STRIP

    def at(value: float) -> float:
        return width * (0.5 + 0.5 * way * value / reach)

    low, high = sorted(at(v) for v in (_ends(row)[0], _ends(row)[-1]))
    verdict = str(row.get("verdict")) if row.get("verdict") in VERDICTS else "unresolved"
    dot, middle = at(float(row["effect"])), height / 2
    band = width * 0.5 * margin / reach
    words_of = words.effect(row["effect"], row.get("low"), row.get("high"), unit_of(contents, row))
    half = f"{width / 2:g}"
    return Html(
        f'<svg class="strip" viewBox="0 0 {width} {height}" role="img" preserveAspectRatio="none" '
        f'aria-label="{text(words_of)}">'
        f'<rect x="{width / 2 - band:.1f}" y="0" width="{2 * band:.1f}" height="{height}" class="margin"/>'
        f'<path d="M0 {middle:g}H{width}" class="rail"/><path d="M{half} 0V{height}" class="zero"/>'
        f'<g class="{verdict}"><path d="M{low:.1f} {middle:g}H{high:.1f}" class="reach"/>'
        f'<path d="M{dot:.1f} {middle:g}h0" class="dot"/></g></svg>'
    )


def _ends(row: Row) -> list[float]:
    known = [row.get(key) for key in ("low", "effect", "high")]
    return [float(value) for value in known if value is not None and words.is_number(value)] or [0.0]


def _changes(contents: Contents) -> Sequence[Node]:
    """What each unresolved primary comparison asks for, then what any answer here depends on."""
    asked: dict[str, dict[str, list[str]]] = {}
    for row in contents.of(contents.primary, verdict="unresolved"):
        said = words.sentence(row.get("would_resolve") or "More seeds or items.")
        asked.setdefault(said, {}).setdefault(str(row.get("measure")), []).append(str(row.get("variant")))
    items: list[Node] = [
        [
            [[tag("b", measure), f" ({'; '.join(names)}) "] for measure, names in where.items()],
            f"is unresolved: {said}",
        ]
        for said, where in asked.items()
    ]
    if contents.primary and not asked:
        items.append("Every primary comparison is resolved: more seeds or items would only narrow intervals.")
    beside = len(contents.of(contents.comparisons, verdict="unresolved")) - sum(
        len(names) for where in asked.values() for names in where.values()
    )
    if beside:
        items.append(
            [
                f"{words.count(beside, 'comparison')} beside the primary ones ",
                f"{'is' if beside == 1 else 'are'} unresolved too; ",
                tag("a", "gains.csv", href="data/gains.csv"),
                " says what each would take.",
            ]
        )
    items.append("Other sizes: only several sizes that agree would speak for a larger model than these.")
    out = sorted({str(row.get("task")) for row in contents.excluded})
    if out:
        items.append(f"Models that beat chance on {words.listing(out)}, which this study had to exclude.")
    return items
