"""Rules for documents: a rule scores, a threshold keeps, and what is dropped is counted by the rule's name."""

from leaven.corpus.rules.judge import all_reasons, reasons, sweep
from leaven.corpus.rules.limits import scoring, thresholds, version
from leaven.corpus.rules.prefix import prefix
from leaven.corpus.rules.score import GIVEN, columns, score
from leaven.corpus.rules.sizes import fertility
from leaven.corpus.rules.tables import RULESETS, Ruleset, extension_of, language_key

__all__ = [
    "GIVEN",
    "RULESETS",
    "Ruleset",
    "all_reasons",
    "columns",
    "extension_of",
    "fertility",
    "language_key",
    "prefix",
    "reasons",
    "score",
    "scoring",
    "sweep",
    "thresholds",
    "version",
]
