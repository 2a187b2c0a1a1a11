"""Suites by themselves, and benchmarks in a study."""

from __future__ import annotations

import pytest

from leaven.ground.errors import BadInput
from leaven.study.load import load
from leaven.study.load_suite import built_in_suites, load_suite

SUITE = """\
suite: mine
made: none
include: [tasks]
tasks:
  piqa: {category: reasoning, score: accuracy}
  own: {category: reasoning, score: acc_norm, task: own.yaml, limit: 100}
  mbpp: {category: code, score: pass@1, samples: 20, temperature: 0.8, k: [1, 10]}
averages:
  reason: [piqa, own]
  code: [mbpp]
  total: [reason, code]
measures:
  reasoning: {tasks: [piqa, own], statistic: accuracy, better: higher, effect: points, margin: 2.0, primary: true}
"""
STUDY = """\
study: mine
question: Does it?
corpus: workstation
seeds: 2
variants:
  text-only: [pretrain 4M text]
baseline: text-only
evaluate: suites/mine.yaml
data: bench
"""


def write(folder, text, name):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_every_built_in_suite_loads():
    assert "pocket" in built_in_suites()
    for name in built_in_suites():
        assert load_suite(name).suite.suite == name


def test_a_suite_file_and_what_the_command_line_changes(tmp_path):
    suite = load_suite(write(tmp_path, SUITE, "mine.yaml"), settings=["tasks.mbpp.samples=40"]).suite
    assert suite.tasks["mbpp"].samples == 40
    assert suite.tasks["own"].task == str(tmp_path / "own.yaml")
    assert suite.include == [str(tmp_path / "tasks")]
    assert suite.averages["total"] == ["reason", "code"]


def test_the_suite_of_a_study_and_where_its_benchmarks_are(tmp_path, monkeypatch):
    write(tmp_path / "suites", SUITE, "mine.yaml")
    study = write(tmp_path, STUDY, "study.yaml")
    monkeypatch.chdir("/")
    loaded = load(study)
    assert loaded.study.data == [str(tmp_path / "bench")]
    assert loaded.study.evaluate.tasks["own"].task == str(tmp_path / "suites" / "own.yaml")
    assert load(study, data=["there", "hub"]).study.data == ["there", "hub"]
    assert load_suite(study).suite == loaded.study.evaluate


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("score: accuracy}", "score: acuracy}", r"mine\.yaml:5: .*tasks\.piqa\.score: .*did you mean \"accuracy\""),
        ("score: accuracy}", "score: lm_eval/}", 'no score "lm_eval/"'),
        ("reason: [piqa, own]", "reason: [piqa, owl]", '"owl" is no benchmark of this suite'),
        ("total: [reason, code]", "total: [reason, know]", '"know" is no benchmark'),
        ("  code: [mbpp]", "  mbpp: [mbpp]", '"mbpp" is a benchmark and an average'),
        ("k: [1, 10]", "k: [1, 100]", "pass@100 needs 100 samples, not 20"),
        ("temperature: 0.8, ", "", "give a temperature"),
        ("made: none", "made: some", r"mine\.yaml:2"),
        ("limit: 100", "limit: 0", r"mine\.yaml:6"),
    ],
)
def test_mistakes(tmp_path, old, new, says):
    assert old in SUITE
    with pytest.raises(BadInput, match=says):
        load_suite(write(tmp_path, SUITE.replace(old, new), "mine.yaml"))


def test_unknown_suites(tmp_path):
    with pytest.raises(BadInput, match='no suite "pokcet"; did you mean "pocket"'):
        load_suite("pokcet")


def test_a_study_needs_measures_and_a_place_of_benchmarks(tmp_path):
    write(tmp_path / "suites", SUITE, "mine.yaml")
    with pytest.raises(BadInput, match="does not say where they are"):
        load(write(tmp_path, STUDY.replace("data: bench\n", ""), "study.yaml"))
    write(tmp_path / "suites", SUITE[: SUITE.index("measures:")], "mine.yaml")
    with pytest.raises(BadInput, match="suite mine has no measures"):
        load(write(tmp_path, STUDY, "study.yaml"))


def test_averages_that_say_nothing(tmp_path):
    mixed = SUITE.replace("score: acc_norm", "score: gold_bpb")
    with pytest.raises(BadInput, match="average reason mixes gold_bpb and shares of right answers"):
        load_suite(write(tmp_path, mixed, "mine.yaml"))
    with pytest.raises(BadInput, match="average code has no member"):
        load_suite(write(tmp_path, SUITE.replace("code: [mbpp]", "code: []"), "mine.yaml"))


@pytest.mark.parametrize("name", ["../../x", "..", "a/b", "x" * 300])
def test_the_name_of_a_suite_is_a_file_name(tmp_path, name):
    with pytest.raises(BadInput, match="suite"):
        load_suite(write(tmp_path, SUITE.replace("suite: mine", f"suite: {name}"), "mine.yaml"))


def test_the_suite_of_a_study_brings_the_place_of_its_data(tmp_path):
    write(tmp_path / "suites", SUITE, "mine.yaml")
    study = write(tmp_path, STUDY, "study.yaml")
    assert load_suite(study).data == (str(tmp_path / "bench"),)
    assert load_suite(study, data=["there"]).data == ("there",)
    bare = write(tmp_path, STUDY.replace("data: bench\n", ""), "bare.yaml")
    assert load_suite(bare, data=["there"]).data == ("there",)
