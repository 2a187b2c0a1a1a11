"""Verified Python problems: generated from families or written by an endpoint, executed before they are kept."""

from leaven.corpus.synthetic.tiny import FAMILIES, VERSION, Problem, document, parse, problems, verify

__all__ = ["FAMILIES", "VERSION", "Problem", "document", "parse", "problems", "verify"]
