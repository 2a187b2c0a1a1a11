"""Code-adjacent documents: commits, issues, notebooks and threads of questions and answers."""

from leaven.corpus.adjacent.notebooks import extract

__all__ = ["extract"]
