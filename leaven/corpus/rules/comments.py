"""The share of comments in code: SantaCoder's measure (arXiv 2301.03988; bigcode-dataset, utils/text_extraction.py).

Python: docstrings of modules, classes and functions as `ast` cleans them, and comments without their `#`. Other
languages: what Pygments calls single-line or multi-line comments. Slow beside every other score, so computed only where
a rule asks.
"""

from __future__ import annotations

import ast
import io
import tokenize
from math import nan

from pygments import lex  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Comment  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from leaven.corpus.docstrings import NotPython, parse
from leaven.corpus.rules.reading import Reading

LONGEST = 200_000
"""Characters beyond which no lexer is let loose on a text: their patterns are not ours and not all linear."""


def comment_share(reading: Reading) -> float:
    """Characters of comments by all characters; nan for an empty or very long text and for a language
    that no lexer knows."""
    text = reading.text
    if not text or len(text) > LONGEST:
        return nan
    if reading.language == "python":
        return _python(text) / len(text)
    try:
        lexer = get_lexer_by_name({"c++": "cpp", "c-sharp": "csharp"}.get(reading.language, reading.language))
    except ClassNotFound:
        return nan
    kinds = (Comment.Single, Comment.Multiline)
    return sum(len(token) for kind, token in lex(text, lexer) if kind in kinds) / len(text)


def _python(text: str) -> int:
    """Docstrings, each on a line of its own, then the comments in a row; white space around it all is not counted."""
    return len("\n".join((*_docstrings(text), _comments(text))).strip())


def _docstrings(text: str) -> list[str]:
    try:
        tree = parse(text)
    except NotPython:
        return []
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, owners))
    return [docstring for docstring in found if docstring]


def _comments(text: str) -> str:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return ""
    return "".join(token.string for token in tokens if token.type == tokenize.COMMENT).replace("#", "")
