"""The HTML of an answer as text: paragraphs, lists and quotations as plain lines, code in fences and back quotes.

Bodies of a dump are the little HTML that its sites let people write. They are read in one pass by their tags, so that
no nesting and no tag that is never closed costs more than its length. Links leave their words, pictures nothing.
"""

from __future__ import annotations

import re
from html import unescape

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")
_SPACE = re.compile(r"[ \t\n]+")
_BLANK = re.compile(r"\n{3,}")
_BLOCKS = frozenset({"p", "div", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "dl"})
_LINES = frozenset({"br", "hr", "tr", "dt", "dd"})


def text_of_html(html: str) -> str:
    """The text of a body; code blocks keep every character between their fences."""
    blocks: list[str] = []
    parts: list[str] = []
    place, fenced = 0, False
    for match in _TAG.finditer(html):
        closing, name = match[1] == "/", match[2].lower()
        if fenced and name not in ("pre", "code"):
            continue
        piece = html[place : match.start()]
        place = match.end()
        parts.append(piece if fenced else _SPACE.sub(" ", piece))
        if name == "pre":
            blocks.append(_block(parts, fenced))
            parts, fenced = [], not closing
        elif name == "code":
            parts.append("" if fenced else "`")
        elif name in _BLOCKS:
            parts.append("\n\n")
        elif name == "li":
            parts.append("" if closing else "\n- ")
        elif name in _LINES:
            parts.append("\n")
    parts.append(html[place:] if fenced else _SPACE.sub(" ", html[place:]))
    blocks.append(_block(parts, fenced))
    return "\n\n".join(block for block in blocks if block)


def _block(parts: list[str], fenced: bool) -> str:
    """Code between fences, or prose without space at the ends of lines and without two blank lines; "" for neither."""
    text = unescape("".join(parts)).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if fenced:
        return "```\n" + text.strip("\n") + "\n```" if text.strip() else ""
    return _BLANK.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()
