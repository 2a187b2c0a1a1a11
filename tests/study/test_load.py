"""Every mistake in a study file is named by file, line and field."""

from __future__ import annotations

import pytest

from leaven.ground.errors import BadInput
from leaven.study.load import built_in, load

GOOD = """\
study: mine
question: Does it?
corpus: workstation
seeds: 2
mixtures:
  code: {web_code: 0.8, markup: 0.2}
  mostly_text: {text: 0.9, code: 0.1}
training:
  cooldown: {schedule: linear, peak: parent, final: 1e-6}
variants:
  text-only: [pretrain 4M text, cooldown 400K text]
  code→text:
    - pretrain 2M code
    - continue 2M mostly_text
    - cooldown 400K text
baseline: text-only
evaluate: pocket
"""


def write(tmp_path, text, name="study.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_built_ins_load():
    assert "pocket" in built_in()
    for name in built_in():
        assert load(name).study.study == name


def test_good_file(tmp_path):
    study = load(write(tmp_path, GOOD)).study
    assert study.seeds == [1, 2]
    assert [stage.words() for stage in study.variants["code→text"]] == [
        "pretrain 2M code",
        "continue 2M mostly_text",
        "cooldown 400K text",
    ]
    assert study.training.cooldown.final == 1e-6


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "continue 2M mostly_text",
            "continue 2M mostly-text",
            'study.yaml:14: variants.code→text[1]: unknown mixture "mostly-text"; did you mean "mostly_text"?',
        ),
        ("seeds: 2", "seedz: 2", 'study.yaml:4: seedz: unknown field "seedz"; did you mean "seeds"?'),
        ("seeds: 2", "seeds: 0", "study.yaml:4: seeds: a study needs at least one seed"),
        ("seeds: 2", "seeds: [1, 1]", "study.yaml:4: seeds: seeds must differ"),
        ("baseline: text-only", "baseline: txt-only", 'study.yaml:16: baseline: unknown variant "txt-only"'),
        (
            "continue 2M mostly_text",
            "contine 2M mostly_text",
            'study.yaml:14: variants.code→text[1].kind: "contine" is not one of',
        ),
        (
            "continue 2M mostly_text",
            "continue 2Q mostly_text",
            'study.yaml:14: variants.code→text[1].tokens: "2Q" is not an amount',
        ),
        (
            "continue 2M mostly_text",
            "continue mostly_text",
            "study.yaml:14: variants.code→text[1]: .* is not",
        ),
        ("continue 2M mostly_text", "pretrain 2M mostly_text", "study.yaml:14: .*pretrain cannot be stage 2"),
        ("pretrain 4M text", "pretrain 100 text", "study.yaml:11: .*less than one batch of 16 × 128 = 2048"),
        ("markup: 0.2", "markup: -0.2", "study.yaml:6: mixtures.code.markup: weight -0.2 is negative"),
        ("markup: 0.2", "markup: lots", "study.yaml:6: mixtures.code.markup: "),
        ("final: 1e-6", "finale: 1e-6", 'study.yaml:9: .*unknown field "finale"; did you mean "final"'),
        ("question: Does it?\n", "", "question: the field is missing"),
        (
            "corpus: workstation",
            "corpus: worksation",
            'study.yaml:3: corpus: unknown corpus "worksation"; did you mean "workstation"',
        ),
        ("seeds: 2", "seeds: 2\nseeds: 3", "study.yaml:5: seeds: the field is given twice"),
        ("seeds: 2", "seeds: [2", "study.yaml:5: not valid YAML"),
        (
            "evaluate: pocket",
            "evaluate: pocket\njudge: {kind: endpoint}",
            "study.yaml:18: judge: an endpoint judge needs",
        ),
    ],
)
def test_mistakes(tmp_path, old, new, says):
    assert old in GOOD
    with pytest.raises(BadInput, match=says.replace("[", r"\[").replace("?", r"\?").replace("(", r"\(")):
        load(write(tmp_path, GOOD.replace(old, new, 1)))


def test_a_line_of_a_built_in_part_names_the_part(tmp_path):
    corpus = write(tmp_path, "corpus: c\nsources:\n  text: {kind: txt}\n", "mine.yaml")
    with pytest.raises(BadInput, match=r"mine\.yaml:3: corpus\.sources\.text\.kind"):
        load(write(tmp_path, GOOD.replace("corpus: workstation", f"corpus: {corpus}")))


def test_not_a_study(tmp_path):
    with pytest.raises(BadInput, match="did you mean"):
        load("pockt")
    with pytest.raises(BadInput, match="No such file"):
        load("nowhere.yaml")
    with pytest.raises(BadInput, match="not a mapping"):
        load(write(tmp_path, "- a\n- b\n"))
    (tmp_path / "latin.yaml").write_bytes(b"study: caf\xe9\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        load(str(tmp_path / "latin.yaml"))


def test_settings_change_fields_and_are_named_in_errors(tmp_path):
    path = write(tmp_path, GOOD)
    assert load(path, settings=["mixtures.code.markup=0.4"]).study.mixtures["code"]["markup"] == 0.4
    assert load(path, settings=["variants.text-only.0=pretrain 1M text"]).study.variants["text-only"][0].tokens == 10**6
    assert load(path, seeds=5, size="1m").study.seeds == [1, 2, 3, 4, 5]
    assert load("pocket").study.mixtures["code"]["markup"] != 0.4
    with pytest.raises(BadInput, match='command line: trainnig: unknown field "trainnig"; did you mean "training"'):
        load(path, settings=["trainnig=1"])
    with pytest.raises(BadInput, match="is not FIELD=VALUE"):
        load(path, settings=["seeds"])


def test_sources_can_be_the_users_own(tmp_path):
    (tmp_path / "books").mkdir()
    study = load(write(tmp_path, GOOD), sources=[f"text={tmp_path / 'books'}"]).study
    assert study.corpus.sources["text"].path == str(tmp_path / "books")
    with pytest.raises(BadInput, match="does not exist"):
        load(write(tmp_path, GOOD), sources=["text=nowhere"])
    with pytest.raises(BadInput, match='unknown source "texd"; did you mean "text"'):
        load(write(tmp_path, GOOD), sources=[f"texd={tmp_path}"])
