"""Notebooks as scripts: code cells as code, text as comments, in the language of the kernel.

Close to jupytext's light form without its header and its marks of cells, which say nothing of the notebook. In
Python, lines that only IPython understands (`%magic`, `!command`, `name?`) become comments, and a cell that begins
with `%%` does as a whole; a cell that Python parses holds no such line. Without metadata the language is Python if
all code parses as Python (published: what a classifier holds for likelier than not), else the notebook is dropped.

Sources: bigcode-dataset preprocessing/jupyter-scripts, StarCoder 2 (arXiv 2402.19173) §2.4.1.
"""

from __future__ import annotations

import functools
import re

from leaven.corpus.adjacent.notebook_cells import Notebook, read
from leaven.corpus.adjacent.thresholds import languages, table
from leaven.corpus.docstrings import NotPython, parse
from leaven.corpus.document import Dropped

VERSION = "notebook-scripts/1"
_INDENT = re.compile(r"^([ \t]*)")
_MAGIC = re.compile(r"(?m)^[ \t]*+(?:[%!?]|[\w.]++\?\??[ \t]*+$|[\w., \t]++=[ \t]*+[%!])")


def script(text: str) -> tuple[str, str]:
    """(script, language) of a notebook's JSON. Raises Dropped: broken, of format 1, without code, of an unknown
    language, or with too little left."""
    notebook = read(text)
    code = [cell.source for cell in notebook.cells if cell.kind == "code"]
    if not code:
        raise Dropped("notebook without code")
    language = language_of(notebook) or ("python" if _is_python("\n".join(map(plain_python, code))) else "")
    if not language:
        raise Dropped("notebook of an unknown language")
    document = as_script(notebook, language)
    if len(document) < table()["notebook"]["min_characters"]:
        raise Dropped("too short")
    return document, language


def as_script(notebook: Notebook, language: str) -> str:
    """The script of a notebook in a language of the table, ending in a line end."""
    mark = str(languages()[language]["comment"])
    parts = []
    for cell in notebook.cells:
        if cell.kind == "markdown":
            parts.append(commented(cell.source, mark))
        else:
            parts.append(plain_python(cell.source) if language == "python" else cell.source)
    return "\n\n".join(parts) + "\n"


def language_of(notebook: Notebook) -> str:
    """The language that a notebook's metadata name, by the table; "" for none or one without an entry."""
    return _kernels().get(notebook.language.rstrip("0123456789.-_ ") or notebook.language, "")


def plain_python(code: str) -> str:
    """A cell's code with what only IPython understands as comments."""
    if code.lstrip().startswith("%%"):
        return commented(code, "#")
    if _MAGIC.search(code) is None or _is_python(code):
        return code
    lines = code.split("\n")
    return "\n".join(_INDENT.sub(r"\1# ", line, count=1) if _MAGIC.match(line) else line for line in lines)


def commented(text: str, mark: str) -> str:
    """Every line as a comment."""
    return "\n".join(f"{mark} {line}".rstrip() for line in text.split("\n"))


def _is_python(code: str) -> bool:
    try:
        parse(code)
    except NotPython:
        return False
    return True


@functools.cache
def _kernels() -> dict[str, str]:
    named = {name: language for language, entry in languages().items() for name in entry["kernels"]}
    return {name.lower(): name for name in languages()} | named
