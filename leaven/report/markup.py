"""HTML from plain functions, escaped unless it was made here.

Every string that is not `Html` is escaped where it enters the page, so text from models, files or studies is shown as
text whatever it holds. `Html` is made by the functions of this file and, for drawings and the style sheet, by name.

Invariant: no function here turns a plain string into `Html` without escaping it, except `Html` itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

VOID = frozenset({"meta", "br", "hr", "img", "input", "link", "wbr"})

UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What a reader could not see: control characters, which HTML forbids, halves of characters, changes of direction,
which would let a completion reorder the page around it, separators and spaces of no width. The joiners U+200C and
U+200D are left alone: several scripts, and many emoji, are written with them."""


class Html(str):
    """A string that is already HTML."""

    __slots__ = ()


Node = str | int | float | None | Iterable[Any]


def text(value: object) -> Html:
    """`value` as text: escaped, and what a reader could not see shown as a visible `\\u{..}`."""
    return Html(escape(seen(str(value)), quote=True))


def seen(value: str) -> str:
    """`value` with every UNSEEN character as `\\u{..}`."""
    return UNSEEN.sub(lambda match: f"\\u{{{ord(match.group()):x}}}", value)


def join(nodes: Node) -> Html:
    """Nodes one after another; None is nothing, a plain string is escaped, an iterable is joined."""
    if nodes is None:
        return Html("")
    if isinstance(nodes, Html):
        return nodes
    if isinstance(nodes, str | int | float):
        return text(nodes)
    return Html("".join(join(node) for node in nodes))


def tag(name: str, /, *children: Node, **attributes: object) -> Html:
    """One element. `class_` is written `class`, `data_x` as `data-x`; a None or False attribute is left out."""
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        word = key.rstrip("_").replace("_", "-")
        written.append(f" {word}" if value is True else f' {word}="{text(value)}"')
    head = f"<{name}{''.join(written)}>"
    return Html(head if name in VOID else f"{head}{join(children)}</{name}>")


def table(
    head: Sequence[Node], rows: Iterable[Sequence[Node]], *, caption: str = "", numbers: Iterable[int] = ()
) -> Html:
    """A table that scrolls sideways in itself on a narrow screen. `numbers`: columns set flush right."""
    flush = frozenset(numbers)

    def cells(row: Sequence[Node]) -> Html:
        made = []
        for index, cell in enumerate(row):
            kind = "n" if index in flush else None
            made.append(tag("th", cell, scope="row", class_=kind) if index == 0 else tag("td", cell, class_=kind))
        return tag("tr", made)

    columns = [tag("th", cell, scope="col", class_="n" if index in flush else None) for index, cell in enumerate(head)]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption) if caption else None,
            tag("thead", tag("tr", columns)),
            tag("tbody", [cells(row) for row in rows]),
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption or "table",
    )


def details(summary: Node, *body: Node, class_: str | None = None, open_: bool = False) -> Html:
    return tag("details", tag("summary", summary), *body, class_=class_, open=open_)


def paragraph(*children: Node, class_: str | None = None) -> Html:
    return tag("p", *children, class_=class_)


def bullets(items: Iterable[Node], class_: str | None = None) -> Html:
    return tag("ul", [tag("li", item) for item in items], class_=class_)


def pairs(values: Mapping[str, Node]) -> Html:
    """Names and values as a definition list."""
    return tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in values.items()])


def anchor(words: str) -> str:
    """A fragment name for `words`: lower-case letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "part"
