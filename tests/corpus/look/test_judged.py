"""Documents before their rules: the same verdicts as the source step's, and sweeps that need no text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus import rules
from leaven.corpus.look.conditions import conditions
from leaven.corpus.look.draw import draw
from leaven.corpus.look.judged import Judged, drops
from leaven.corpus.look.removed import CAP
from leaven.corpus.look.steps import Steps
from leaven.corpus.look.sweep import sweep
from leaven.corpus.select import Selection, select_documents
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json


def test_reasons_are_the_source_steps(steps: Steps, judged: Judged) -> None:
    told = read_json(steps.source / "report.json")  # type: ignore[operator]
    assert int((judged.reason == "").sum()) == told["documents"]
    dropped = {row["reason"]: row["documents"] for row in drops(judged)}
    assert dropped == {reason: many for reason, many in told["dropped"].items() if reason != "little prose"}


def test_the_cap_is_a_reason(steps: Steps, tmp_path: Path) -> None:
    chosen = Selection("code", "web_code", 20_000, rules=("floor", "paper"))
    (tmp_path / "kept").mkdir()
    select_documents(steps.read, tmp_path / "kept", chosen)  # type: ignore[arg-type]
    found = Judged.of(Steps("code", chosen, steps.read, tmp_path / "kept"))
    told = read_json(tmp_path / "kept" / "report.json")
    assert int((found.reason == CAP).sum()) == told["beyond_cap"] > 0
    assert int((found.reason == "").sum()) == told["documents"]


def test_each_drop_has_an_example_that_it_drops(judged: Judged) -> None:
    ids = judged.ids(np.arange(len(judged.reason)))
    for row in drops(judged):
        assert judged.reason[ids.index(row["example"])] == row["reason"]
    assert json.dumps(drops(judged)) == json.dumps(drops(judged))


def test_rows_of_a_reason(judged: Judged) -> None:
    assert judged.ids(judged.of_reason("starcoder1: long line")) == ["q/long.py"]
    assert len(judged.of_reason("starcoder1: xml")) == 0
    with pytest.raises(BadInput, match='did you mean "starcoder1: long line"'):
        judged.of_reason("starcoder1: long lines")


def test_twins_have_the_names_of_the_corpus(judged: Judged) -> None:
    rows = [row for row, name in enumerate(judged.ids(np.arange(len(judged.reason)))) if name == "q/twin.py"]
    assert [judged.named(row) for row in rows] == ["q/twin.py", "q/twin.py~2"]


@pytest.mark.parametrize("changes", [{}, {"starcoder1.max_line": 40.0}, {"starcoder1.drop_unlisted": 1.0}])
def test_conditions_agree_with_the_rules(judged: Judged, changes: dict[str, float]) -> None:
    chosen = Selection("code", "web_code", 10**9, rules=("floor", "paper"), thresholds=changes)
    facts = judged.facts
    language, extension = facts.strings("language"), facts.extensions()
    expected = rules.all_reasons(facts.scores, language, extension, chosen.rules, changes)
    for row in range(len(language)):
        scores = {name: float(values[row]) for name, values in facts.scores.items()}
        found = conditions(scores, language[row], extension[row], chosen)
        refused = {condition.reason for condition in found if condition.refused}
        assert refused == {reason for reason, mask in expected.items() if mask[row]}
        for reason in refused:
            of_rule = [c for c in found if c.reason == reason and c.refused]
            assert all(c.holds and c.speaks for c in of_rule)


def test_a_sweep_is_what_building_again_would_keep(steps: Steps, judged: Judged, tmp_path: Path) -> None:
    values = [20.0, 40.0, 1000.0, 5000.0]
    found = sweep(judged.facts, judged.chosen, "starcoder1.max_line", values)
    assert found[0]["documents"] == int((judged.reason == "").sum())
    for value, row in zip(values, found[1:], strict=True):
        out = tmp_path / str(value)
        out.mkdir()
        changed = Selection(
            "code", "web_code", 10**9, rules=("floor", "paper"), thresholds={"starcoder1.max_line": value}
        )
        select_documents(steps.read, out, changed)  # type: ignore[arg-type]
        told = read_json(out / "report.json")
        assert (row["documents"], row["bytes"]) == (told["documents"], told["bytes"])
    facts = judged.facts
    words = (facts.scores, facts.strings("language"), facts.extensions(), judged.chosen.rules)
    assert {row["value"]: row["documents"] for row in found[1:]} == rules.sweep(*words, "starcoder1.max_line", values)
    with pytest.raises(BadInput, match='did you mean "starcoder1.max_line"'):
        sweep(judged.facts, judged.chosen, "starcoder1.max_lin", values)


@given(st.integers(0, 30), st.integers(0, 40), st.integers())
def test_draws_are_different_candidates_and_the_same_again(count: int, n: int, seed: int) -> None:
    candidates = np.arange(count) * 3
    found = draw(candidates, n, seed, "a").tolist()
    assert len(found) == len(set(found)) == min(count, n)
    assert set(found) <= set(candidates.tolist())
    assert found == draw(candidates, n, seed, "a").tolist()
