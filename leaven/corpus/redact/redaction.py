"""Taking secrets and personal data out of a text: what was found, merged, and replaced.

Level "regex+entropy": patterns and entropy on a processor, no learned model; names of people are not looked for.
Redacting again changes nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from leaven.corpus.redact.addresses import addresses
from leaven.corpus.redact.assignments import assignments
from leaven.corpus.redact.emails import emails
from leaven.corpus.redact.formats import keys, passwords_in_addresses, private_keys
from leaven.corpus.redact.table import TABLE, Span, tagged
from leaven.ground.canonical import identity

VERSION: str = TABLE["version"]
"""The level, as stated to users and in identities."""

IDENTITY: str = identity(TABLE)
"""Changes when anything that is looked for changes."""

ROUNDS = 8
"""Most times a text is looked at again after something was replaced."""
_MOST_VALUES = 64
_LEAST_VALUE = 16


def redact(text: str) -> tuple[str, Counter[str]]:
    """The text with `<EMAIL>`, `<KEY>`, `<PASSWORD>` and private IP addresses in place of what was found, and how many
    of each (`EMAIL`, `KEY`, `PASSWORD`, `IP_ADDRESS`).

    The same secret has the same replacement. Deterministic; `redact(redact(text)[0])` changes nothing.
    """
    found: Counter[str] = Counter()
    for _ in range(ROUNDS):
        spans = find(text)
        if not spans:
            break
        found.update(span.tag for span in spans)
        text = _replaced(text, spans)
    return text, found


def find(text: str) -> list[Span]:
    """Everything to be replaced, in order and apart; a key or a password comes before an address in it."""
    secrets = [*private_keys(text), *keys(text), *passwords_in_addresses(text), *assignments(text)]
    secrets += _elsewhere(text, secrets)
    persons = [*emails(text), *addresses(text)] if "@" in text else list(addresses(text))
    if not (secrets and persons):
        return _separate(secrets or persons)
    taken = _separate(secrets)
    starts = [span.start for span in taken]
    return _separate([*taken, *(span for span in persons if not _overlaps(span, taken, starts))])


def _overlaps(span: Span, taken: Sequence[Span], starts: Sequence[int]) -> bool:
    place = bisect_left(starts, span.end)
    return place > 0 and taken[place - 1].end > span.start


def _elsewhere(text: str, spans: Iterable[Span]) -> list[Span]:
    """Where else in the text the keys stand, without a name beside them."""
    values = sorted({text[span.start : span.end] for span in spans if span.tag == "KEY"})
    again = []
    for value in values[:_MOST_VALUES]:
        if len(value) >= _LEAST_VALUE and text.count(value) > 1:
            again += [tagged(*match.span(), "KEY") for match in re.finditer(re.escape(value), text)]
    return again


def _separate(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, none within another: the first to begin wins, then the longest."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.tag)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def _replaced(text: str, spans: Iterable[Span]) -> str:
    parts: list[str] = []
    start = 0
    for span in spans:
        parts += (text[start : span.start], span.replacement)
        start = span.end
    parts.append(text[start:])
    return "".join(parts)
