"""Every rule of a source as it judges one document: the score beside its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from leaven.corpus.rules.judge import _COMPARE, _Court
from leaven.corpus.rules.limits import limits
from leaven.corpus.rules.tables import language_key
from leaven.corpus.select import Selection


@dataclass(frozen=True)
class Condition:
    """A document is refused by a rule where the rule speaks of its language and all its conditions hold.

    Attributes:
        reason: the rule's, as counted.
        score, value: what is compared; the value is nan where it does not apply to the document.
        sign: how it is compared with the threshold.
        threshold, limit: what it is compared with; the limit is nan where the document has none.
        holds: whether it does.
        speaks: whether the rule is of the document's language at all.
        refused: whether the rule refuses the document.
    """

    reason: str
    score: str
    value: float
    sign: str
    threshold: str
    limit: float
    holds: bool
    speaks: bool
    refused: bool


def conditions(scores: Mapping[str, float], language: str, extension: str, selection: Selection) -> list[Condition]:
    """All conditions of the source's rules for a document, in the order in which rules are asked.

    Args:
        scores: column → its value for the document.
        extension: of its path, as the source step sees it.
    """
    court = _Court(
        {name: np.array([value], np.float32) for name, value in scores.items()},
        np.array([language], object),
        np.array([extension], object),
        selection.rules,
        limits(selection.rules, selection.thresholds),
        selection.thresholds,
    )
    key = language_key(language)
    found = []
    for rule in court.rules:
        speaks = (not rule.only or key in rule.only) and key not in rule.spared
        refused = bool(court.refused(rule)[0])
        for condition in rule.conditions:
            value = court._score(rule.ruleset, condition.score)[0]
            limit = np.broadcast_to(court._limit(rule.ruleset, condition.threshold), 1)[0]
            found.append(
                Condition(
                    rule.reason,
                    condition.score,
                    float(value),
                    condition.sign,
                    f"{rule.ruleset}.{condition.threshold}",
                    float(limit),
                    bool(_COMPARE[condition.sign](value, limit)),
                    speaks,
                    refused,
                )
            )
    return found
