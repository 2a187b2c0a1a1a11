"""Every mistake in a study file is named by file, line and field."""

from __future__ import annotations

import json
import re

import pytest

from leaven.ground.errors import BadInput
from leaven.study.check import check
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
        (
            "markup: 0.2",
            "markup: yes",
            "study.yaml:6: mixtures.code.markup: a number or a name is wanted here, not true",
        ),
        ("markup: 0.2", "markup: .nan", "study.yaml:6: mixtures.code.markup: input should be a finite number"),
        ("peak: parent", "peak: .inf", 'study.yaml:9: training.cooldown.peak: "inf" is neither a learning rate'),
        ("peak: parent", "peak: high", 'study.yaml:9: training.cooldown.peak: "high" is neither'),
        ("peak: parent", "peak: -1", 'study.yaml:9: training.cooldown.peak: "-1" is neither'),
        ("seeds: 2", "seeds: [-1]", "study.yaml:4: seeds[0]: input should be greater than or equal to 0"),
        ("seeds: 2", "seeds: 5000", "study.yaml:4: seeds: 5000 seeds are more than"),
        ("study: mine", "study: store", 'study.yaml:1: study: "store" is where steps are kept'),
        ("study: mine", "study: ../mine", 'study.yaml:1: study: "../mine" cannot name a folder'),
        ("study: mine", "study: 2024-13-45", "study.yaml: a value cannot be read"),
        ("study: mine", "study: \x01", "study.yaml: not valid YAML"),
        ("question: Does it?", "question: &q [*q]", "study.yaml: .*nested too deeply, or hold themselves"),
        ("question: Does it?", "question: " + "[" * 3000, "study.yaml: .*nested too deeply"),
        ("text-only: [pretrain 4M", "1: [pretrain 4M", "study.yaml:10: variants: a name must be text"),
        ("text-only: [pretrain 4M", "a/b: [pretrain 4M", "study.yaml:11: variants.a/b: a name holds no slash"),
        ("text-only: [pretrain 4M", f"{'v' * 61}: [pretrain 4M", "study.yaml:11: .*: a name has 1 to 60 characters"),
        ("text-only: [pretrain 4M", '"a\\e[31m": [pretrain 4M', "study.yaml:11: .*no control character"),
        (
            "evaluate: pocket",
            "evaluate: pocket\njudge: {mixture: cod, tokens: 1M}",
            'study.yaml:18: judge.mixture: unknown mixture "cod"; did you mean "code"?',
        ),
    ],
)
def test_mistakes(tmp_path, old, new, says):
    assert old in GOOD
    with pytest.raises(BadInput, match=says.replace("[", r"\[").replace("?", r"\?").replace("(", r"\(")):
        load(write(tmp_path, GOOD.replace(old, new, 1)))


TRAINED = GOOD.replace("  cooldown: {", "  batch: 16\n  cooldown: {") + "model: {size: 0.3m, sequence: 128}\n"
"""`GOOD` with every number that a budget is counted in."""
FROM = "{kind: pretrain, tokens: 2M, mixture: code, start: mine"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("pretrain 4M text", "pretrain 100 text", "12: .*less than one batch of 16 × 128 = 2048"),
        (
            "evaluate: pocket",
            "evaluate: pocket\njudge: {mixture: code, tokens: 100}",
            "19: judge.tokens: 100 tokens are less than one batch of 16 × 128 = 2048",
        ),
        ("  batch: 16", "  batch: 16\n  pretrain: {warmup: 2000}", "13: .*warm-up of 2000 steps does not fit the 1953"),
        ("peak: parent, final: 1e-6", "peak: 0.1, final: 0.2", "12: .*`final` 0.2 is above .* from, 0.1"),
        ("peak: parent, final: 1e-6", "peak: parent, final: 0.2", "12: .*`final` 0.2 is above .* from, 0.01"),
        ("peak: parent, final: 1e-6", "peak: parent", "12: .*a linear schedule needs `final`"),
        (
            "  batch: 16",
            "  batch: 16\n  pretrain: {schedule: wsd, final: 0}",
            "13: variants.text-only[1]: its parent ends with a learning rate of 0",
        ),
        (
            "  batch: 16",
            "  batch: 16\n  pretrain: {peak: parent}",
            "13: variants.text-only[0]: pretrain has no parent to take its learning rate from",
        ),
        ("  batch: 16", "  batch: 0", "9: training.batch: "),
        ("  batch: 16", "  precision: float16", '9: training.precision: "float16" is not one of: float32, bfloat16'),
        ("  batch: 16", "  z_loss: -1", "9: training.z_loss: "),
        ("  batch: 16", "  document_mask: sometimes", "9: training.document_mask: "),
        ("  batch: 16", "  spike: {sigma: 0}", "9: training.spike.sigma: "),
        ("  batch: 16", "  spike: {policy: skp}", '9: training.spike.policy: "skp" is not one of: .*mean "skip"'),
        ("  batch: 16", "  spike: {windows: 3}", '9: .*unknown field "windows"; did you mean "window"'),
        ("  batch: 16", "  spike: {window: 1}", "9: training.spike.window: "),
        ("size: 0.3m", "size: 0.3m, depth: 3", '19: model.depth: unknown field "depth"'),
        ("size: 0.3m", "size: 0.3m, heads: 0", "19: model.heads: "),
        (
            "continue 2M mostly_text",
            "{kind: continue, tokens: 2M, mixture: mostly_text, start: mine}",
            "15: variants.code→text[1].start: stage 2 of a variant begins with the weights of stage 1",
        ),
        (
            "pretrain 2M code",
            f"{FROM}, schedule: {{peak: parent}}}}",
            "14: variants.code→text[0]: weights trained elsewhere bring no learning rate",
        ),
        (
            "pretrain 2M code",
            f"{FROM}, schedule: {{carry: weights+optimizer}}}}",
            "14: variants.code→text[0].schedule.carry: weights trained elsewhere bring no state of an optimizer",
        ),
        (
            "corpus: workstation",
            "corpus: {corpus: c, sources: {text: {kind: text}}, tokenizer: {path: t.json, vocabulary: 500}}",
            "3: corpus.tokenizer: `vocabulary` would have no effect on a tokenizer that is given",
        ),
    ],
)
def test_mistakes_in_training(tmp_path, old, new, says):
    assert old in TRAINED
    with pytest.raises(BadInput) as caught:
        load(write(tmp_path, TRAINED.replace(old, new, 1)))
    assert re.match("study.yaml:" + re.sub(r"([\[?(+])", r"\\\1", says), str(caught.value)), str(caught.value)


def test_what_hangs_on_the_size_is_checked_once_the_study_is_settled(tmp_path):
    loaded = load(write(tmp_path, GOOD.replace("pretrain 4M text", "pretrain 100 text")))
    assert not loaded.study.is_settled
    with pytest.raises(ValueError, match="settled"):
        _ = loaded.study.batch
    settled = loaded.study.settled(sequence=64, batch=2, precision="bfloat16")
    assert settled.is_settled
    assert (settled.sequence, settled.batch, settled.training.precision) == (64, 2, "bfloat16")
    with pytest.raises(BadInput, match=r"study.yaml:11: variants.text-only\[0\]: 100 tokens .* of 2 × 64 = 128"):
        check(settled, loaded.where)


def test_the_studys_own_numbers_come_before_those_of_the_size(tmp_path):
    text = TRAINED.replace("  batch: 16", "  batch: 16\n  precision: float32")
    study = load(write(tmp_path, text)).study
    assert study.is_settled
    assert study.settled(sequence=8192, batch=512, precision="bfloat16") == study


def test_the_fields_of_training_and_their_defaults(tmp_path):
    training = load(write(tmp_path, GOOD)).study.training
    assert (training.batch, training.precision, training.z_loss, training.document_mask) == (None, None, 0.0, False)
    assert training.spike.model_dump() == {"window": 128, "sigma": 6.0, "policy": "record", "patience": 10}
    spike = "  spike: {window: 64, sigma: 4, policy: skip, patience: 3}"
    given = load(write(tmp_path, TRAINED.replace("  batch: 16", f"  z_loss: 1e-4\n  document_mask: true\n{spike}")))
    assert given.study.training.z_loss == 1e-4
    assert given.study.training.document_mask is True
    assert given.study.training.spike.model_dump() == {"window": 64, "sigma": 4.0, "policy": "skip", "patience": 3}


def test_a_model_may_differ_from_its_size(tmp_path):
    assert load(write(tmp_path, GOOD)).study.model.changed() == {}
    text = GOOD + "model: {size: 1m, sequence: 64, heads: 2, rope_theta: 8e6}\n"
    assert load(write(tmp_path, text)).study.model.changed() == {"heads": 2, "rope_theta": 8e6}


def test_paths_of_weights_and_tokenizers_start_from_the_file_that_names_them(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    corpus = "corpus: c\nsources:\n  text: {kind: text}\n  web_code: {kind: web_code}\n  markup: {kind: markup}\n"
    write(tmp_path / "deep", corpus + "tokenizer: {path: t/tokenizer.json}\n", "mine.yaml")
    text = GOOD.replace("pretrain 2M code", FROM + "}").replace("pretrain 4M text", FROM.replace("mine", "/abs") + "}")
    path = write(tmp_path, text.replace("corpus: workstation", "corpus: deep/mine.yaml"))
    monkeypatch.chdir("/")
    study = load(path).study
    assert study.variants["code→text"][0].start == str(tmp_path / "mine")
    assert study.variants["text-only"][0].start == "/abs"
    assert study.variants["code→text"][0].words() == "pretrain 2M code from mine"
    assert study.corpus.tokenizer.path == str(tmp_path / "deep/t/tokenizer.json")
    assert load(path, settings=["variants.code→text.0.start=here"]).study.variants["code→text"][0].start == "here"


def test_a_line_of_a_built_in_part_names_the_part(tmp_path):
    corpus = write(tmp_path, "corpus: c\nsources:\n  text: {kind: txt}\n", "mine.yaml")
    with pytest.raises(BadInput, match=r"mine\.yaml:3: corpus\.sources\.text\.kind"):
        load(write(tmp_path, GOOD.replace("corpus: workstation", f"corpus: {corpus}")))


def test_a_stage_changes_only_the_fields_it_gives(tmp_path):
    stage = "{kind: continue, tokens: 2M, mixture: mostly_text, schedule: {peak: 0.002}}"
    text = GOOD.replace("continue 2M mostly_text", stage)
    text = text.replace(
        "training:\n", "training:\n  continue: {schedule: cosine, peak: 0.01, final: 0.001, warmup: 3}\n"
    )
    study = load(write(tmp_path, text)).study
    schedule = study.schedule_of(study.variants["code→text"][1])
    assert (schedule.schedule, schedule.peak, schedule.final, schedule.warmup) == ("cosine", 0.002, 0.001, 3)


def test_relative_paths_start_from_the_file_that_names_them(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    corpus = "corpus: c\nsources:\n  text: {kind: text, path: books}\n  web_code: {kind: web_code}\n"
    write(tmp_path / "deep", corpus + "  markup: {kind: markup, path: /abs}\n", "mine.yaml")
    study = write(tmp_path, GOOD.replace("corpus: workstation", "corpus: deep/mine.yaml"))
    monkeypatch.chdir("/")
    sources = load(study).study.corpus.sources
    assert sources["text"].path == str(tmp_path / "deep" / "books")
    assert sources["markup"].path == "/abs"
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load(study, sources=["text=mine"]).study.corpus.sources["text"].path == "mine"


def test_generated_sources_are_not_read_from_files(tmp_path):
    with pytest.raises(BadInput, match="facts are generated, because the probes ask for them"):
        load("pocket", sources=[f"facts={tmp_path}"])
    with pytest.raises(BadInput, match="needs a `count`"):
        load("pocket", settings=["corpus.sources.synthetic.count=0"])
    assert load("pocket", sources=[f"synthetic={tmp_path}"]).study.corpus.sources["synthetic"].origin == "path"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("text={kind: text, path: books, hub: {dataset: a/b}}", "from one place, not from path and hub"),
        ("new={kind: instruct}", "give `path` or `hub`"),
        ("new={kind: control, of: web_code}", "a control needs `of` (a source) and `transform`"),
        ("new={kind: control, of: nothing, transform: lines}", 'a control of "nothing"'),
        ("text.transform=lines", "belong to kind control"),
        ("text.hub={dataset: noslash}", "dataset"),
        ("text.languages=some", "languages"),
        ("synthetic.redact=true", "`redact` would have no effect"),
        ("text.languages=[python]", "`languages` would have no effect"),
        ("x={kind: control, of: text, transform: lines, max: 5MB}", "`max` would have no effect"),
    ],
)
def test_what_a_source_cannot_be(change, message):
    with pytest.raises(BadInput) as caught:
        load("pocket", settings=[f"corpus.sources.{change}"])
    assert message in str(caught.value)


def test_a_near_duplicate_setting_by_name():
    def near(*settings):
        return load("pocket", settings=settings).study.corpus.deduplicate.near

    assert near().tokens == "starcoder1"
    assert near("corpus.deduplicate={near: slimpajama}").tokens == "slimpajama"
    assert near("corpus.deduplicate={near: none}") is None


@pytest.mark.parametrize("name", ["a/b", "../x", "a b", ".hidden", "a\tb"])
def test_a_source_name_is_a_file_name(name):
    data = "{kind: synthetic, count: 3}"
    corpus = {"corpus": "c", "sources": {name: {"kind": "synthetic", "count": 3}}}
    with pytest.raises(BadInput, match="name of a source|a name holds|a name has"):
        load("pocket", settings=["corpus=" + json.dumps(corpus)])
    assert load("pocket", settings=[f"corpus.sources.größe={data}"]).study.corpus.sources["größe"].count == 3


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("variants.text-only.²=x", 'no entry "²"; the list has entries 0 to'),
        ("variants.text-only.0.tokens=1M", 'no field "tokens" in'),
        ("question=2024-13-45", None),
        ("corpus=nowhere", 'command line: corpus: unknown corpus "nowhere"'),
        ("corpus=workstation", None),
        ("evaluate=pocket", None),
    ],
)
def test_odd_settings(setting, says):
    if says is None:
        load("pocket", settings=[setting])
    else:
        with pytest.raises(BadInput, match=says):
            load("pocket", settings=[setting])


def test_names_that_no_disk_takes():
    with pytest.raises(BadInput, match="no study"):
        load("a" * 5000)
    with pytest.raises(BadInput, match="cannot be read: .*too long"):
        load("pocket", sources=["text=" + "a" * 5000])


def test_sources_that_are_no_mapping(tmp_path):
    text = GOOD.replace("corpus: workstation", "corpus: {corpus: c, sources: [text]}")
    with pytest.raises(BadInput, match='unknown source "text"'):
        load(write(tmp_path, text), sources=[f"text={tmp_path}"])


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


@pytest.mark.parametrize("value", ["true", "false"])
def test_truths_can_be_set_both_ways(value):
    source = load("pocket", settings=[f"corpus.sources.text.near={value}"]).study.corpus.sources["text"]
    assert source.is_near is (value == "true")


@pytest.mark.parametrize("name", ["../../escaped", "a/b", ".hidden", ""])
def test_the_name_of_a_corpus_is_a_file_name(name):
    with pytest.raises(BadInput, match="corpus.corpus"):
        load("pocket", settings=[f"corpus.corpus={json.dumps(name)}"])


def test_a_name_with_dots_is_written_as_it_is():
    a, b = (f"{{kind: pretrain, tokens: {tokens}, mixture: text}}" for tokens in ("1M", "2M"))
    chains = f"variants={{text-only: [{a}], v1.0: [{a}], v1: [{b}]}}"
    study = load("pocket", settings=[chains, "variants.v1.0.0.tokens=3M"]).study
    assert (study.variants["v1.0"][0].tokens, study.variants["v1"][0].tokens) == (3 * 10**6, 2 * 10**6)
    study = load("pocket", settings=[chains, "variants.v1.0=[pretrain 4M text]"]).study
    assert (study.variants["v1.0"][0].tokens, study.variants["v1"][0].tokens) == (4 * 10**6, 2 * 10**6)
    study = load("scale", settings=["sizes.2.8b.rate=1"]).study
    assert study.sizes["2.8b"].rate == 1
