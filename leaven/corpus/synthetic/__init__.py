"""Verified Python problems: generated from families or written by an endpoint, executed before they are kept."""

from leaven.corpus.synthetic.problem import Problem, document, parse
from leaven.corpus.synthetic.tiny import FAMILIES, VERSION, problems
from leaven.corpus.synthetic.verify import Verified, verify

__all__ = ["FAMILIES", "VERSION", "Problem", "Verified", "document", "parse", "problems", "verify"]
