"""Thresholds over columns of scores: which documents are kept, and which rule refuses the others.

Works on whole columns, a million documents in seconds, so that moving a threshold never reads a text again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan, nan

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leaven.corpus.rules.limits import limits
from leaven.corpus.rules.tables import ROW_SCORES, Rule, Ruleset, chosen, language_key
from leaven.ground.errors import BadInput, LeavenError, did_you_mean

Mask = NDArray[np.bool_]
Column = NDArray[np.float32]
Words = NDArray[np.object_]

_COMPARE = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


def reasons(
    scores: Mapping[str, Column],
    language: Words,
    extension: Words,
    rulesets: Sequence[str],
    overrides: Mapping[str, float] | None = None,
) -> Words:
    """Why each document is dropped: the first rule that refuses it, as `starcoder1: long line`; "" where it is kept.

    Args:
        scores: column name → float32 [documents], of `columns(rulesets)`.
        language: [documents] by any of their names.
        extension: [documents] by `extension_of` their paths.
        rulesets: names, in the order in which their rules are asked.
        overrides: threshold → number in place of the table's.

    Raises BadInput for an unknown ruleset or threshold, LeavenError where a column is missing.
    """
    court = _Court(scores, language, extension, rulesets, limits(rulesets, overrides), overrides or {})
    verdict = np.zeros(len(language), np.int16)
    for number in range(len(court.rules), 0, -1):
        verdict[court.refused(court.rules[number - 1])] = number
    return np.array(["", *(rule.reason for rule in court.rules)], object)[verdict]


def all_reasons(
    scores: Mapping[str, Column],
    language: Words,
    extension: Words,
    rulesets: Sequence[str],
    overrides: Mapping[str, float] | None = None,
) -> dict[str, Mask]:
    """Reason → bool [documents]: every rule that would drop a document, not only the first. Arguments as `reasons`."""
    court = _Court(scores, language, extension, rulesets, limits(rulesets, overrides), overrides or {})
    masks: dict[str, Mask] = {}
    for rule in court.rules:
        refused = court.refused(rule)
        masks[rule.reason] = masks[rule.reason] | refused if rule.reason in masks else refused
    return masks


def sweep(
    scores: Mapping[str, Column],
    language: Words,
    extension: Words,
    rulesets: Sequence[str],
    key: str,
    values: Iterable[float],
    overrides: Mapping[str, float] | None = None,
) -> dict[float, int]:
    """Value → documents kept if threshold `key` had it, everything else as it is. Arguments as of `reasons`."""
    before = limits(rulesets, overrides)
    if key not in before:
        raise BadInput(f'unknown threshold "{key}"{did_you_mean(key, before)}', fix=f"Thresholds: {', '.join(before)}.")
    kept: dict[float, int] = {}
    others: Mask | None = None
    for value in values:
        changed = {**(overrides or {}), key: value}
        court = _Court(scores, language, extension, rulesets, limits(rulesets, changed), changed)
        if others is None:
            others = court.refused_by(rule for rule in court.rules if key not in _keys(rule))
        moved = court.refused_by(rule for rule in court.rules if key in _keys(rule))
        kept[value] = int(len(others) - np.count_nonzero(others | moved))
    return kept


def _keys(rule: Rule) -> set[str]:
    names = {condition.threshold for condition in rule.conditions} | ({rule.when} if rule.when else set())
    return {f"{rule.ruleset}.{name}" for name in names}


class _Court:
    """Documents before the rules of some rulesets: columns, languages as numbers, limits by row where a table has
    them."""

    def __init__(
        self,
        scores: Mapping[str, Column],
        language: Words,
        extension: Words,
        rulesets: Sequence[str],
        values: Mapping[str, float],
        overrides: Mapping[str, float],
    ) -> None:
        sets = chosen(rulesets)
        self.scores, self.values = scores, values
        self.rules = [rule for each in sets for rule in each.rules]
        self.documents = len(language)
        self.language, names = _encode(language)
        self.keys = [language_key(name) for name in names]
        self.rows: dict[str, dict[str, Column]] = {}
        for each in sets:
            if each.rows:
                self.rows[each.name] = self._rows(each, extension, overrides)

    def refused(self, rule: Rule) -> Mask:
        """Which documents a rule drops."""
        mask = np.ones(self.documents, bool)
        if rule.when and not self.values[f"{rule.ruleset}.{rule.when}"]:
            return ~mask
        if rule.only or rule.spared:
            meant = [(not rule.only or key in rule.only) and key not in rule.spared for key in self.keys]
            mask = np.array(meant, bool)[self.language]
        for condition in rule.conditions:
            limit = self._limit(rule.ruleset, condition.threshold)
            mask = mask & _COMPARE[condition.sign](self._score(rule.ruleset, condition.score), limit)
        return mask

    def refused_by(self, rules: Iterable[Rule]) -> Mask:
        """Which documents any of the rules drops."""
        mask = np.zeros(self.documents, bool)
        for rule in rules:
            mask |= self.refused(rule)
        return mask

    def _score(self, ruleset: str, name: str) -> Column:
        if name in ROW_SCORES:
            return self.rows[ruleset][name]
        if name not in self.scores:
            fix = "Build the source with this ruleset among its rules."
            raise LeavenError(f'documents carry no score "{name}", which ruleset {ruleset} needs. {fix}')
        return np.asarray(self.scores[name], np.float32)

    def _limit(self, ruleset: str, name: str) -> Column | np.float32:
        return self.rows.get(ruleset, {}).get(f"limit {name}", np.float32(self.values[f"{ruleset}.{name}"]))

    def _rows(self, ruleset: Ruleset, extension: Words, overrides: Mapping[str, float]) -> dict[str, Column]:
        """Row scores and limits of every document, looked up once for each distinct (language, extension) pair."""
        extensions, names = _encode(extension)
        pairs, which = np.unique(self.language.astype(np.int64) * max(len(names), 1) + extensions, return_inverse=True)
        found = [ruleset.rows.get((self.keys[pair // len(names)], names[pair % len(names)])) for pair in pairs]
        table = {
            "listed": [float(row is not None) for row in found],
            "included": [nan if row is None else float(row.included) for row in found],
        }
        for name, column in ruleset.by_row.items():
            key = f"{ruleset.name}.{name}"
            limit = [_unlisted(name, self.values[key]) if row is None else getattr(row, column) for row in found]
            if key in overrides:
                limit = [value if isnan(value) else self.values[key] for value in limit]
            table[f"limit {name}"] = limit
        return {name: np.array(values, np.float32)[which] for name, values in table.items()}


def _unlisted(name: str, default: float) -> float:
    """The limit of a pair no table names: StarCoder's `basic` rules, which say nothing of letters alone."""
    return nan if name == "min_alphabetic" else default


def _encode(words: Words) -> tuple[NDArray[np.int32], list[str]]:
    """Strings as numbers into a list of the distinct ones."""
    coded = pa.array(words, pa.string()).dictionary_encode()
    return coded.indices.to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()
