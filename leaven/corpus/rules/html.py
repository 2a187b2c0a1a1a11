"""What a reader of an HTML page would see of it, in time linear in its length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from math import nan

from leaven.corpus.rules.reading import Reading

INVISIBLE = frozenset(("script", "style"))
_OPENING = re.compile(r"(?i)<(?:!--|([a-z]+)(?=[\s>/]))")
_TAG = re.compile(
    r"""<(?:(?:/?((?i:pre|textarea))(?=[\s>/])|[a-zA-Z/])(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>"""
    r"""|[!?][^>]*+>)|(?=<[a-zA-Z/!?])"""
)
_ANY_TAG = re.compile(r"<[^<>]*>")
_PLAIN_TAG = re.compile(r"<[a-zA-Z/!?][^>]*+>")


def html_text(reading: Reading) -> float:
    """Characters of visible text, white space as it stands; nan for other languages.

    The measure of StarCoder's rule for HTML, where BeautifulSoup takes the text of a page without scripts and styles.
    """
    return float(len(text_of(reading.text))) if reading.language == "html" else nan


def html_share(reading: Reading) -> float:
    """Visible text by all characters; nan for other languages, 0 for an empty page."""
    return html_text(reading) / max(len(reading.text), 1)


def text_of(html: str) -> str:
    """The text of a page as BeautifulSoup's `get_text` gives it once scripts and styles are out.

    Comments and declarations are no text; entities are resolved; white space stands as it is, but a stretch of nothing
    else between two tags, outside of `pre` and `textarea`, is one line end or one space.
    """
    return "".join(_nodes(without_elements(html, INVISIBLE, "<!>")))


def visible_text(html: str) -> str:
    """What a reader of a page would see, tags and white space collapsed."""
    shown = _ANY_TAG.sub(" ", without_elements(html, INVISIBLE))
    return " ".join(_unescape(shown).split())


def without_elements(html: str, names: frozenset[str], joint: str = " ") -> str:
    """`html` without comments and without the named elements and all in them, `joint` where something was, in one pass.

    What is opened and never closed takes the rest with it.
    """
    lower = html.lower() if html.isascii() else re.sub("[A-Z]", lambda letter: letter[0].lower(), html)
    kept: list[str] = []
    start = 0
    for match in _OPENING.finditer(html):
        name = (match[1] or "").lower()
        if match.start() < start or (name and name not in names):
            continue
        kept.append(html[start : match.start()])
        closing = f"</{name}" if name else "-->"
        end = lower.find(closing, match.end() if name else match.start() + 2)
        start = len(html) if end < 0 else end + len(closing)
        if name and end >= 0:
            start = (html.find(">", start) + 1) or len(html)
    kept.append(html[start:])
    return joint.join(kept)


def _nodes(html: str) -> Iterator[str]:
    """The stretches of text between tags.

    A tag ends at the first `>` outside of quoted values. Once one turns out never to end, quotes are no longer looked
    at: one failed scan to the end at most, so the whole is linear.
    """
    start, depth = 0, 0
    for match in _TAG.finditer(html):
        if match.start() > start:
            yield _node(html[start : match.start()], depth > 0)
        start = match.end()
        if start == match.start():
            end = html.rfind(">") + 1
            yield _node(_PLAIN_TAG.sub("", html[start:end]), depth > 0)
            start = max(start, end)
            break
        if match[1]:
            depth = depth + 1 if html[match.start() + 1] != "/" else max(0, depth - 1)
    yield _node(html[start:], depth > 0)


def _node(text: str, kept: bool) -> str:
    if "&" in text:
        text = _unescape(text)
    if text and not kept and not text.strip(" \n\t\f\r"):
        return "\n" if "\n" in text else " "
    return text


def _unescape(text: str) -> str:
    """Entities resolved. A number of more digits than Python reads is no character, and stays."""
    try:
        return unescape(text)
    except ValueError:
        return text
