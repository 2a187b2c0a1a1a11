"""Code-adjacent documents: commits, issues, notebooks and threads of questions and answers."""

from leaven.corpus.adjacent.notebook_scripts import script
from leaven.corpus.adjacent.notebooks import extract

__all__ = ["extract", "script"]
