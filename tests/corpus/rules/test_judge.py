"""Judging columns gives what judging each document by its rules one after another gives."""

from __future__ import annotations

import time
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus import rules
from leaven.corpus.rules.limits import limits
from leaven.corpus.rules.tables import RULESETS, chosen, language_key
from leaven.ground.errors import BadInput, LeavenError

CODE = ("starcoder1", "stack2", "paper", "santacoder", "floor")
LANGUAGES = ("Python", "C", "HTML", "JSON", "YAML", "XSLT", "Swift", "Text", "GLSL", "cpp", "TeX", "WebAssembly", "")
EXTENSIONS = ("py", "c", "html", "json", "yml", "xsl", "swift", "txt", "fsh", "cpp", "tex", "toc", "w", "")
VALUES = (
    np.nan,
    0.0,
    0.2,
    0.25,
    0.5,
    1.0,
    2.0,
    24.0,
    50.0,
    99.0,
    100.0,
    101.0,
    400.0,
    500.0,
    501.0,
    1000.0,
    1001.0,
    1e5,
    2e7,
)


def plainly(scores: dict[str, float], language: str, extension: str, names, overrides) -> list[str]:
    """Every rule that refuses one document, by the words of the tables."""
    values = limits(names, overrides)
    key = language_key(language)
    refusing = []
    for ruleset in chosen(names):
        row = ruleset.rows.get((key, extension))
        own = dict(scores)
        if ruleset.rows:
            own["listed"] = float(row is not None)
            own["included"] = np.nan if row is None else float(row.included)
        for rule in ruleset.rules:
            if (rule.only and key not in rule.only) or key in rule.spared:
                continue
            if rule.when and values[f"{ruleset.name}.{rule.when}"] == 0:
                continue
            refused = True
            for condition in rule.conditions:
                name = f"{ruleset.name}.{condition.threshold}"
                limit = values[name]
                if condition.threshold in ruleset.by_row:
                    if row is not None:
                        of_row = getattr(row, ruleset.by_row[condition.threshold])
                        limit = limit if name in overrides and not isnan(of_row) else of_row
                    elif condition.threshold == "min_alphabetic":
                        limit = np.nan
                score, limit = np.float32(own[condition.score]), np.float32(limit)
                sign = condition.sign
                holds = score < limit if sign[0] == "<" else score > limit
                refused = refused and bool(holds or (len(sign) == 2 and score == limit))
            if refused:
                refusing.append(rule.reason)
    return refusing


@st.composite
def cases(draw: st.DrawFn):
    names = draw(st.lists(st.sampled_from((*CODE, "gopher", "c4", "slimpajama")), min_size=1, max_size=3, unique=True))
    columns = rules.columns(names)
    count = draw(st.integers(1, 12))
    value = st.sampled_from(VALUES)
    table = {name: np.array([draw(value) for _ in range(count)], np.float32) for name in columns}
    languages = np.array([draw(st.sampled_from(LANGUAGES)) for _ in range(count)], object)
    extensions = np.array([draw(st.sampled_from(EXTENSIONS)) for _ in range(count)], object)
    keys = draw(st.lists(st.sampled_from(sorted(limits(names))), max_size=3, unique=True))
    overrides = {key: draw(st.sampled_from(VALUES[1:])) for key in keys}
    return table, languages, extensions, tuple(names), overrides


@settings(max_examples=150, deadline=None)
@given(cases())
def test_columns_as_documents(case) -> None:
    table, languages, extensions, names, overrides = case
    found = rules.reasons(table, languages, extensions, names, overrides)
    every = rules.all_reasons(table, languages, extensions, names, overrides)
    for place in range(len(languages)):
        scores = {name: float(column[place]) for name, column in table.items()}
        plain = plainly(scores, languages[place], extensions[place], names, overrides)
        assert found[place] == (plain[0] if plain else "")
        assert {reason for reason, mask in every.items() if mask[place]} == set(plain)
    key = sorted(limits(names))[len(languages) % len(limits(names))]
    kept = rules.sweep(table, languages, extensions, names, key, (0.0, 1.0, 100.0), overrides)
    for value, number in kept.items():
        again = rules.reasons(table, languages, extensions, names, {**overrides, key: value})
        assert number == int(np.sum(again == ""))


def words(*values: str):
    return np.array(values, object)


def test_nothing_given_nothing_dropped() -> None:
    empty = {name: np.array([], np.float32) for name in rules.columns(("paper",))}
    assert rules.reasons(empty, words(), words(), ("paper",), {}).tolist() == []
    assert rules.reasons({}, words("Python", "C"), words("py", "c"), (), {}).tolist() == ["", ""]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"paper.max_float": 3}, 'unknown threshold "paper.max_float"; did you mean "paper.max_floats"'),
        ({"stack2.max_bytes": 3}, "unknown threshold"),
        ({"paper.max_floats": float("nan")}, "nan is not a number"),
        ({"paper.max_floats": "3"}, "'3' is not a number"),
        ({"paper.max_floats": True}, "True is not a number"),
    ],
)
def test_bad_overrides(overrides, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        rules.reasons({}, words(), words(), ("paper",), overrides)
    assert caught.value.field.startswith("thresholds")


def test_every_threshold_is_named_where_one_is_not_known() -> None:
    with pytest.raises(BadInput) as caught:
        rules.thresholds(("paper",), {"nonsense": 1})
    assert all(f"{name}.{key}" in caught.value.fix for name in ("starcoder1", "paper") for key in RULESETS[name].limits)


def test_a_missing_column_is_said() -> None:
    with pytest.raises(LeavenError, match="no score .*, which ruleset starcoder1 needs"):
        rules.reasons({}, words("Python"), words("py"), ("starcoder1",), {})


def test_thresholds_to_read() -> None:
    shown = rules.thresholds(("paper",))
    assert shown["starcoder1.max_line"] == "1000 (235 extensions), 500 (1 extensions), none (30)"
    assert shown["starcoder1.drop_unlisted"] == 0
    assert shown["paper.max_floats"] == 1000
    assert rules.thresholds(("paper",), {"starcoder1.max_line": 80})["starcoder1.max_line"] == 80


def test_two_hundred_thousand_documents_at_once() -> None:
    count = 200_000
    table = {name: np.linspace(0, 2000, count, dtype=np.float32) for name in rules.columns(("paper", "stack2"))}
    languages = np.array(LANGUAGES * (count // len(LANGUAGES) + 1), object)[:count]
    extensions = np.array(EXTENSIONS * (count // len(EXTENSIONS) + 1), object)[:count]
    begin = time.process_time()
    rules.reasons(table, languages, extensions, ("paper", "stack2"), {})
    assert time.process_time() - begin < 20
