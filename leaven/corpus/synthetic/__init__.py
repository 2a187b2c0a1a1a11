"""Verified Python problems: generated from families or written by an endpoint, executed before they are kept."""

from leaven.corpus.synthetic.generate import families, held_out, problems
from leaven.corpus.synthetic.problem import Problem, document, parse
from leaven.corpus.synthetic.source import documents
from leaven.corpus.synthetic.tiny import VERSION

__all__ = ["VERSION", "Problem", "document", "documents", "families", "held_out", "parse", "problems"]
