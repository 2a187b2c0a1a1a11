"""Markup files as documents: Markdown, reStructuredText, HTML, style sheets, YAML, TOML and JSON as they are
written.

JSON and YAML keep StarCoder's size bounds, HTML its share of visible text; thresholds in `data/rules.toml`.
"""

from __future__ import annotations

import re
from html import unescape

from leaven.corpus.code import Dropped
from leaven.corpus.tables import rules

_INVISIBLE = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->")
_TAG = re.compile(r"(?s)<[^>]*>")
_LETTER = re.compile(r"[^\W\d_]")


def extract(text: str, language: str) -> str:
    """The document made of a markup file. Raises Dropped."""
    limits = rules()["markup"]
    if len(text) < limits["min_characters"]:
        raise Dropped("too short")
    data = language in limits["data_languages"]
    if len(text) > limits["data_max_characters" if data else "max_characters"]:
        raise Dropped("too long")
    if language in limits["line_languages"] and max(map(len, text.split("\n"))) > limits["max_line"]:
        raise Dropped("long line")
    if len(_LETTER.findall(text)) < limits["min_alphabetic"] * len(text):
        raise Dropped("alphabetic")
    if language == "html":
        shown = len(visible_text(text))
        if shown <= limits["html_min_text"] or shown <= limits["html_min_share"] * len(text):
            raise Dropped("html: little visible text")
    return text


def visible_text(html: str) -> str:
    """What a reader of a page would see, tags and white space collapsed."""
    return " ".join(unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", html))).split())
