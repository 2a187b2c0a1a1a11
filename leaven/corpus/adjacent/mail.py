"""What mail programs add to an answer that was sent by mail: headers, quoted text, signatures, and how to unsubscribe.

The published patterns are polynomial on hostile text; the same answers come from looking for their words from the end.

Source: bigcode-dataset preprocessing/utils/utils_issues.py, `strip_automated_email_text`.
"""

from __future__ import annotations

import re

_REPLY, _VIEW = "Reply to this email directly", "view it on GitHub"
_SENDER = "notifications@github.com"
_HEADERS = (("From:", _REPLY, _VIEW), ("On", _SENDER, "wrote:", _REPLY, _VIEW))
_SIGNED = ("Signed-off-by: ", "<", ">")
_DATE = re.compile(r"\d/\d+/\d+ \d{2}:\d{2} [AP]M")
_RULE = re.compile("_{20,}")


def without_mail(text: str, faithful: bool) -> str:
    """A comment without what a mail program added, stripped.

    A quoting header takes everything after it along, a line of sign-off only itself. Without either, the lines from the
    header of a quotation to its end go, and as published so does everything before a last quoted line. The published
    code says a text twice where a header is followed by no quotation; that is done only if `faithful`.
    """
    text = text.strip()
    for words in _HEADERS:
        found = _chain(text, words)
        if found is not None:
            return _RULE.sub("", text[: found[0]]).strip()
    signed = _chain(text, _SIGNED)
    if signed is not None:
        return _RULE.sub("", text[: signed[0]] + text[signed[1] :].removeprefix("\n")).strip()
    lines = text.split("\n")
    start, end = 0, -1
    for number, line in enumerate(lines):
        line = line.strip()
        if _SENDER in line or _dated(line):
            start = number
        if _REPLY in line:
            end = number + 1 if line.endswith(":") else number
        if line.startswith(">"):
            end = number
    if end < start - 1 and not faithful:
        end = start
    return _RULE.sub("", "\n".join(lines[:start] + lines[end + 1 :])).strip()


def _chain(text: str, words: tuple[str, ...]) -> tuple[int, int] | None:
    """Where the first of `words` begins and the last one ends, if they stand in this order with something between any
    two; each as late as possible, as greedy patterns find them."""
    bound, last = len(text), 0
    for number, word in enumerate(reversed(words)):
        place = text.rfind(word, 0, bound)
        if place < 0:
            return None
        last = last if number else place + len(word)
        bound = place if number == len(words) - 1 else max(place - 1, 0)
    return bound, last


def _dated(line: str) -> bool:
    found = _DATE.search(line)
    return found is not None and line.rfind("wrote") > found.end()
