"""A corpus's part of the graph: what is read again, and what is only decided again."""

from __future__ import annotations

import pytest

from leaven.ground.errors import BadInput
from leaven.study.corpus_graph import TOKENIZER, Survey, add_corpus
from leaven.study.load_corpus import built_in_corpora, load_corpus
from leaven.study.step import Graph

CONTROL = "sources.lines={kind: control, of: web_code, transform: lines}"


def steps(*settings, tables="t", missing=("adjacent",), name="workstation"):
    corpus = load_corpus(name, settings=settings).corpus
    surveys = {source: Survey(f"print-{source}", 0 if source in missing else 3, 100) for source in corpus.sources}
    graph = Graph()
    add_corpus(graph, corpus, surveys, tables)
    return {step.name: step for step in graph.steps.values()}


def changed(before, after):
    return {name for name in before if before[name].identity != after[name].identity}


@pytest.mark.parametrize(
    "setting",
    [
        "sources.web_code.thresholds={starcoder1.max_line: 500}",
        "sources.web_code.licences=permissive",
        "sources.web_code.languages={top: 5}",
    ],
)
def test_a_threshold_a_licence_or_a_language_reads_nothing_again(setting):
    moved = changed(steps(), steps(setting))
    assert "source/web_code" in moved
    assert not {name for name in moved if name.startswith("read/")}
    assert "source/text" not in moved


def test_how_duplicates_are_found_is_the_corpus_steps_business():
    moved = changed(steps(), steps("deduplicate={near: none}"))
    assert {"corpus", "tokenizer", "shards/text"} <= moved
    assert not {name for name in moved if name.startswith(("read/", "source/"))}


def test_a_control_is_other_shards_of_the_same_documents():
    before, after = steps(), steps(CONTROL)
    assert not changed(before, after)
    assert set(after) - set(before) == {"shards/lines"}
    expected = {"source": "lines", "of": "web_code", "transform": "lines", "tables": "t"}
    assert dict(after["shards/lines"].fields) == expected
    assert "control/lines/2" in after["shards/lines"].describe()["versions"]
    assert "shards/lines" not in steps(CONTROL, "sources.web_code.optional=true", missing=("adjacent", "web_code"))


def test_other_data_tables_are_another_result_for_what_is_found():
    moved = changed(steps(), steps(tables="u"))
    assert {"read/text", "source/web_code"} <= moved
    assert not {"read/synthetic", "read/facts"} & moved


def test_a_path_is_not_part_of_identity_but_a_rule_is(tmp_path):
    here = f"sources.text.path={tmp_path}"
    there = "sources.text.path=/elsewhere"
    assert not changed(steps(here), steps(there))
    assert "read/text" in changed(steps(here), steps(here, "sources.text.rules=[gopher]"))


def test_a_given_tokenizer_is_what_it_is_whatever_the_corpus_holds():
    setting = "tokenizer={path: t/tokenizer.json}"

    def given(*settings, mark="print"):
        corpus = load_corpus("workstation", settings=[setting, *settings]).corpus
        surveys = {source: Survey(f"print-{source}", 3, 100) for source in corpus.sources}
        graph = Graph()
        add_corpus(graph, corpus, surveys | {TOKENIZER: Survey(mark, 1, 9, vocabulary=500)}, "t")
        return {step.name: step for step in graph.steps.values()}

    step = given()["tokenizer"]
    assert (dict(step.fields), dict(step.inputs)) == ({"kind": "given", "fingerprint": "print"}, {})
    assert step.execution == {"path": "t/tokenizer.json"}
    assert "given/1" in step.describe()["versions"]
    assert changed(given(), given("heldout=0.1")).isdisjoint({"tokenizer", "read/text"})
    assert {"tokenizer", "shards/text"} <= changed(given(), given(mark="another"))
    assert "corpus" not in changed(given(), given(mark="another"))


def test_every_built_in_corpus_expands():
    assert "workstation" in built_in_corpora()
    for name in built_in_corpora():
        assert "tokenizer" in steps(name=name)


def test_a_corpus_is_named_by_file_or_by_study(tmp_path):
    (tmp_path / "mine.yaml").write_text("corpus: mine\nsources:\n  text: {kind: text, path: books}\n")
    loaded = load_corpus(str(tmp_path / "mine.yaml"))
    assert loaded.corpus.sources["text"].path == str(tmp_path / "books")
    assert load_corpus("pocket").corpus == load_corpus("workstation").corpus
    with pytest.raises(BadInput, match='no corpus "workstaton"; did you mean "workstation"'):
        load_corpus("workstaton")
    (tmp_path / "bad.yaml").write_text("corpus: mine\nsources:\n  text:\n    kind: test\n")
    with pytest.raises(BadInput, match=r'bad.yaml:4: corpus.sources.text.kind: "test" is not one of'):
        load_corpus(str(tmp_path / "bad.yaml"))
