"""Notebooks as structured text: text, code and output in turn, with StarCoder's marks between them.

`<jupyter_start>`, then groups of neighbouring cells of one kind, a leading group of code and a trailing group of text
left out; of each code group, what the first output of its last cell printed, cut. StarCoder took Markdown's marks and
line ends out of the text (`markdown="removed"`), StarCoder 2 keeps them; only what is printed counts as output as
published, and a value shown as plain text where `shown` is set.

Sources: bigcode-dataset preprocessing/jupyter-structured, StarCoder 2 (arXiv 2402.19173) §2.4.1 and §5.4.
"""

from __future__ import annotations

from itertools import groupby
from typing import Literal

from leaven.corpus.adjacent.notebook_cells import Cell, Notebook, read
from leaven.corpus.adjacent.notebook_scripts import script
from leaven.corpus.adjacent.thresholds import table
from leaven.corpus.document import Dropped

VERSION = "notebooks/1"
START, TEXT, CODE, OUTPUT, EMPTY = (
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<empty_output>",
)
Markdown = Literal["kept", "removed"]


def extract(text: str, markdown: Markdown = "kept", shown: bool = True) -> str:
    """The document made of a notebook's JSON.

    Args:
        text: the file.
        markdown: whether marks and line ends of Markdown stay.
        shown: whether a value that the first output shows counts where it printed nothing.

    Raises:
        Dropped: broken, of format 1, not in Python, or with too little left.
    """
    notebook = read(text)
    if "py" not in (notebook.language + notebook.metadata).lower():
        raise Dropped("notebook not in Python")
    document = structured(notebook, markdown, shown)
    if len(document) < table()["notebook"]["min_characters"]:
        raise Dropped("too short")
    return document


def rendered(text: str, form: str) -> tuple[str, str]:
    """(document, language) of a notebook's JSON in form "notebooks" or "scripts". Raises Dropped."""
    return script(text) if form == "scripts" else (extract(text), "python")


def structured(notebook: Notebook, markdown: Markdown, shown: bool) -> str:
    """The text of a notebook's groups, whatever its language and length."""
    groups = [(kind, list(cells)) for kind, cells in groupby(notebook.cells, key=lambda cell: cell.kind)]
    if groups and groups[0][0] == "code":
        groups = groups[1:]
    if groups and groups[-1][0] == "markdown":
        groups = groups[:-1]
    parts = [START]
    for kind, cells in groups:
        if kind == "code":
            code = "\n".join(cell.source for cell in cells).strip()
            parts.append(CODE + code + OUTPUT + _output(cells[-1], shown))
        elif markdown == "kept":
            parts.append(TEXT + "\n\n".join(cell.source for cell in cells).strip())
        else:
            parts.append(TEXT + " ".join(_plain(cell.source) for cell in cells).strip())
    return "".join(parts)


def _output(cell: Cell, shown: bool) -> str:
    text = cell.printed or (cell.shown if shown else "")
    limit = table()["notebook"]["max_output"]
    if len(text) > limit:
        text = text[:limit] + "[...]"
    return text.strip() or EMPTY


def _plain(markdown: str) -> str:
    """Markdown without tags (from a `<` to the next `>` of its line), line ends and `#`."""
    return "".join(map(_without_tags, markdown.split("\n"))).replace("#", "")


def _without_tags(line: str) -> str:
    kept, place = [], 0
    while (opening := line.find("<", place)) >= 0 and (closing := line.find(">", opening)) >= 0:
        kept.append(line[place:opening])
        place = closing + 1
    return "".join(kept) + line[place:]
