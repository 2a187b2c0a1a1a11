"""Which languages are a kind of source's business."""

from __future__ import annotations

from leaven.corpus.language.names import PAPER_MARKUP, section

PROSE_LANGUAGES = frozenset({"text", "markdown", "restructuredtext", "html", "python"})
"""What documentation is written in; Python holds it in docstrings."""
NOTEBOOK = "jupyter notebook"


def is_of_kind(kind: str, language: str) -> bool:
    """Whether a file in a language (its canonical name, "" unknown) may be a document of a source of this kind."""
    if kind == "web_code":
        return bool(language) and section(language) == "code"
    if kind == "markup":
        return language in PAPER_MARKUP
    if kind == "text":
        return language in PROSE_LANGUAGES
    return kind != "adjacent" or language == NOTEBOOK
