"""The top of the page: the question, an answer for each primary comparison, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence

from leaven.analyze.transfer.signs import ENOUGH, FLIP, MAYBE, NOTHING, SAME
from leaven.report import words
from leaven.report.contents import VERDICTS, Contents, Row
from leaven.report.gains import badge, margin_of, margins, unit_of
from leaven.report.markup import Html, Node, bullets, details, paragraph, tag, text
from leaven.report.tables import excluded_at

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
        listed = "; what was left out, and why, is listed below" if contents.left_out or contents.excluded else ""
        return [f"No primary comparison could be made{listed}."]
    shown: list[Node] = []
    for verdict in VERDICTS:
        found = len(contents.of(rows, verdict=verdict))
        if found:
            shown += [" ", badge(verdict), f" {found}"]
    several = len({row.get("baseline") for row in rows}) > 1
    whom = "their baselines" if several else rows[0].get("baseline") or contents.baseline
    return [f"{words.count(len(rows), 'primary comparison')} with {whom}:", tag("span", shown)]


def section(contents: Contents) -> Html:
    """Answers by variant, size by size, the proxy sentence, and what would change them."""
    # Empty where the sizes prove it, or where nothing is known of them; a verdict of an earlier time may say nothing.
    unproven = contents.verdict.get("proxy_sentence", PROXY)
    return tag(
        "section",
        tag("h2", "Answers"),
        [_of_size(size, here) for size, here in contents.each_size],
        _beyond(contents),
        paragraph(_capital(unproven), class_="proxy") if unproven else None,
        tag("h2", "What would change it", id="change"),
        bullets(_changes(contents)),
        id="answers",
    )


def _of_size(size: str, contents: Contents) -> list[Node]:
    """A card for each variant of one size."""
    cards = []
    for name in contents.variants:
        rows, beside = _split(contents, contents.of(contents.comparisons, variant=name))
        if rows:
            cards.append(
                tag(
                    "article",
                    tag("h3", name),
                    paragraph(_chain(contents, name), class_="soft") if _chain(contents, name) else None,
                    [paragraph(said, class_="headline") for said in _headlines(contents, name, rows)],
                    [_answer(contents, row) for row in rows],
                    _elsewhere(contents, beside),
                    class_="card",
                )
            )
    if not cards:
        return []
    baseline = _chain(contents, contents.baseline)
    band = ", the shaded band is too small to matter," if margins(contents, contents.primary) else ""
    return [
        tag("h3", f"At {size}", class_="size") if size else None,
        paragraph(
            f"Against the baseline {contents.baseline}{f' ({baseline})' if baseline else ''}"
            f"{_point(contents)}. In every strip the line in the middle is no change{band} and right is better.",
            class_="soft",
        ),
        tag("div", cards, class_="cards"),
    ]


def _headlines(contents: Contents, variant: str, rows: Sequence[Row]) -> list[str]:
    """The sentence that sums up a variant against what it is compared with first."""
    whom = {str(row.get("baseline")) for row in rows}
    return [
        # A name is written as the study writes it, also at the beginning of a sentence.
        words.sentence(row["said"]) if str(row["said"]).startswith(variant) else _capital(row["said"])
        for row in contents.headlines
        if str(row.get("variant")) == variant and str(row.get("baseline")) in whom
    ]


def _split(contents: Contents, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Primary rows, and those of primary measures against a second baseline."""
    others = [row for row in rows if row.get("role") == "other baseline"]
    return (
        [row for row in rows if row.get("primary")],
        [row for row in others if contents.measure(row.get("measure")).get("primary")],
    )


def _chain(contents: Contents, variant: str) -> str:
    return " → ".join(str(stage) for stage in (contents.study.get("variants") or {}).get(variant) or [])


def _point(contents: Contents) -> str:
    return "" if contents.point == "final" else f", {contents.point}"


def _elsewhere(contents: Contents, rows: Sequence[Row]) -> Html | None:
    """The same variant against the other baselines that the study names."""
    if not rows:
        return None
    said = [
        [
            badge(str(row.get("verdict"))),
            f" {row.get('measure')} against {row.get('baseline')}: ",
            _shown(contents, row),
            _doubt(row),
        ]
        for row in rows
    ]
    return details("Against other baselines", bullets(said))


def _doubt(row: Row) -> str:
    """The corrected p, and of what is open what would close it."""
    p = words.probability(row.get("p_holm", row.get("p")))
    told = f", {p}" if p != words.MISSING else ""
    why = row.get("would_resolve") if row.get("verdict") == "unresolved" else ""
    return f"{told}: {words.sentence(why)}" if why else told


def _shown(contents: Contents, row: Row) -> str:
    return words.effect(row.get("effect"), row.get("low"), row.get("high"), unit_of(contents, row))


def _beyond(contents: Contents) -> Html | None:
    """What the study says of the best share and of other sizes."""
    said = [
        (word, contents_of.get("said"))
        for word, contents_of in (("Best share", contents.optimum), ("Sizes", contents.transfer))
    ]
    told = [[tag("b", f"{word}: "), words.sentence(sentence)] for word, sentence in said if sentence]
    return bullets(told, class_="beyond") if told else None


def _capital(said: object) -> str:
    shown = words.sentence(said)
    return shown[:1].upper() + shown[1:]


def _answer(contents: Contents, row: Row) -> Html:
    shown = _shown(contents, row)
    probability = words.probability(row.get("p_holm", row.get("p")))
    return tag(
        "div",
        tag(
            "p",
            badge(str(row.get("verdict"))),
            tag("b", str(row.get("measure"))),
            tag("span", f"against {row['baseline']}", class_="soft")
            if row.get("baseline") not in (None, contents.baseline)
            else None,
            tag("span", shown, class_="effect"),
            class_="line",
        ),
        strip(contents, row),
        tag(
            "p",
            words.sentence(row.get("answer") or _spoken(row, probability)),
            f" {words.sentence(row['ratio'])}" if row.get("ratio") else None,
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
    margin = margin_of(contents, row)
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
    shade = f'<rect x="{width / 2 - band:.1f}" y="0" width="{2 * band:.1f}" height="{height}" class="margin"/>'
    return Html(
        f'<svg class="strip" viewBox="0 0 {width} {height}" role="img" preserveAspectRatio="none" '
        f'aria-label="{text(words_of)}">'
        f"{shade if margin else ''}"
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
        asked.setdefault(said, {}).setdefault(str(row.get("measure")), []).append(_who(contents, row))
    items: list[Node] = [
        [
            [[tag("b", measure), f" ({'; '.join(names)}) "] for measure, names in where.items()],
            f"is unresolved: {said}",
        ]
        for said, where in asked.items()
    ]
    settled: dict[str, list[str]] = {}
    for row in contents.primary:
        if row.get("verdict") != "unresolved" and row.get("would_change"):
            settled.setdefault(words.sentence(row["would_change"]), []).append(
                f"{_who(contents, row)} on {row.get('measure')}"
            )
    if settled:
        told = [[tag("b", "; ".join(names)), f": {said}"] for said, names in settled.items()]
        items.append(details("What is resolved would change only so", bullets(told)))
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
    if not contents.transfer.get("proven"):
        items.append(f"Other sizes: {_of_sizes(contents)}")
    out = [f"{task}{where}" for task, where in excluded_at(contents).items()]
    if out:
        items.append(f"Models that beat chance on {words.listing(out)}, which this study had to exclude.")
    return items


def _who(contents: Contents, row: Row) -> str:
    """The variant, with its size where there are several."""
    where = f" at {row['size']}" if len(contents.sizes) > 1 and row.get("size") else ""
    return f"{row.get('variant')}{where}"


def _of_sizes(contents: Contents) -> str:
    """Why the sizes that were trained do not speak for a larger one: effects whose signs differ or are not clear."""
    more = "only several sizes that agree would speak for a larger model than these."
    rows = [(each, row) for each in contents.transfer.get("measures") or () for row in each.get("signs") or ()]
    turned = [(measure, row) for measure, row in rows if row.get("state") in (FLIP, MAYBE)]
    faint = [(measure, row) for measure, row in rows if row.get("state") in (SAME, NOTHING)]
    said = [
        f"{_effects(found)} {how}"
        for found, how in ((turned, "changed sign from size to size"), (faint, f"had no clear sign at {ENOUGH} sizes"))
        if found
    ]
    return f"{'; '.join(said)}: {more}" if said else more


def _effects(found: Sequence[tuple[Row, Row]]) -> str:
    """`b on bpb and acc; c on acc`."""
    named: dict[str, list[str]] = {}
    for measure, row in found:
        named.setdefault(str(row.get("variant")), []).append(str(measure.get("name")))
    return "; ".join(f"{variant} on {words.listing(measures)}" for variant, measures in named.items())
