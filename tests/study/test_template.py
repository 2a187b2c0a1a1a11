"""Identities put together from text that was written once are those of the whole."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.canonical import identity
from leaven.ground.canonical import text as text_of
from leaven.study import mixtures, step
from leaven.study.corpus_graph import Survey
from leaven.study.expand import expand
from leaven.study.load import load
from leaven.study.step import Graph, describe
from leaven.study.template import Template, written

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=6), st.data())
def test_a_filled_template_is_the_mapping_and_its_canonical_text(whole, data):
    opened = data.draw(st.lists(st.text(), min_size=1, max_size=3, unique=True))
    held = {key: value for key, value in whole.items() if key not in opened}
    values = [data.draw(VALUES) for _ in opened]
    filled = Template(held, *opened).filled(*values)
    assert filled.held == {**held, **dict(zip(opened, values, strict=True))}
    assert filled.text == text_of(filled.held)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=5), st.booleans())
def test_the_identity_of_a_step_is_that_of_its_description(fields, beforehand):
    fields = {key: value for key, value in fields.items() if key not in ("kind", "transform")}
    graph = Graph()
    parent = graph.add("read", "read/a", {"source": "a"}, {})
    inputs = {"read": parent, "né": parent}
    given_fields, given_inputs = (written(fields), written(inputs)) if beforehand else (fields, inputs)
    step_id = graph.add("source", "source/a", given_fields, given_inputs)
    assert step_id == identity(describe("source", fields, inputs)) == identity(graph.steps[step_id].describe())


def test_kinds_of_a_kind_of_step_have_their_own_versions():
    graph = Graph()
    for fields in ({"kind": "given", "fingerprint": "a"}, {"vocabulary": 400}, {"kind": "given", "fingerprint": "b"}):
        assert graph.add("tokenizer", "t", fields, {}) == identity(describe("tokenizer", fields, {}))


def test_what_is_open_is_not_held():
    with pytest.raises(ValueError, match="open"):
        Template({"seed": 1}, "seed")


def test_inputs_stand_in_the_graph_before_what_reads_them():
    with pytest.raises(ValueError, match="input read is not in the graph"):
        Graph().add("source", "source/a", {}, {"read": "0" * 32})


def work(variants, seeds):
    """Steps of a study, and how often identities, mixtures and whole mappings were worked out for them."""
    study = load("pocket").study.settled(sequence=128, batch=16, precision="float32")
    first, second, last = study.variants["balanced→text"]
    chains = {f"v{i}": [first, second.model_copy(update={"tokens": 600_000 + 2048 * i}), last] for i in range(variants)}
    changed = {"variants": chains, "baseline": "v0", "seeds": list(range(1, seeds + 1))}
    study = study.model_copy(update=changed)
    surveys = {name: Survey(name, 1, 1) for name in study.corpus.sources}
    with (
        mock.patch.object(step, "identity_of", wraps=step.identity_of) as hashed,
        mock.patch.object(mixtures, "_flatten", wraps=mixtures._flatten) as flattened,
        mock.patch.object(step, "written", wraps=step.written) as wrote,
    ):
        graph = expand(study, surveys, {"width": 64})
    return len(graph.steps), hashed.call_count, flattened.call_count, wrote.call_count


def test_the_work_of_an_expansion_grows_with_its_steps_and_no_faster():
    few, many = work(33, 5), work(33, 100)
    assert many[0] > 19_000
    # An identity for each step and each time it is met again; everything else once, whatever the number of seeds.
    assert many[1] - 40 < 20 * (few[1] - 20)
    assert many[1] < 1.3 * many[0]
    assert (many[2], many[3]) == (few[2], few[3])
