"""`--size` with a proxy block: budgets by one rule, sizes in proportion, the block's parts in place of the study's."""

from __future__ import annotations

import pytest

from leaven.ground.errors import BadInput
from leaven.study.check import check
from leaven.study.load import load
from leaven.study.scaling import at_least, further_sizes

TABLE = {"0.3m": 300_000, "1m": 1_100_000, "3m": 3_000_000, "7m": 7_000_000, "470m": 467_000_000, "2.8b": 2_800_000_000}
FEWER = {"7m": 2_000_000, "470m": 440_000_000, "2.8b": 2_000_000_000}
"""Parameters that a smaller vocabulary takes off them."""
STUDY = """\
study: mine
question: Does it?
corpus: {corpus: large, sources: {text: {kind: text, hub: {dataset: a/b}}, web_code: {kind: web_code, path: there}}}
model: 470m
seeds: 5
sizes: {2.8b: {variants: [text, code], cooldown: false, rate: 0.5, seeds: 2}}
mixtures: {prose: {text: 1}, code: {web_code: 1}, half: {prose: 0.5, code: 0.5}}
training:
  batch: 512
  pretrain: {schedule: cosine, peak: 4e-4, final: 4e-5, warmup: 1325}
  cooldown: {schedule: linear, peak: parent, final: 1e-6}
variants:
  text: [pretrain 400B prose, cooldown 40B prose]
  code: [pretrain 200B code, continue 200B half, cooldown 1B prose]
baseline: text
evaluate: paper
data: hub
judge: {kind: reference-likelihood, mixture: code, tokens: 1B}
proxy: small.yaml
"""
BLOCK = """\
proxy: small
tokens_per_parameter: 3
of: 400B
corpus: corpora/mine.yaml
evaluate: pocket
data: []
judge: {kind: reference-likelihood, mixture: half, tokens: 200B}
seeds: 2
model: {sequence: 64}
training:
  batch: 8
  pretrain: {schedule: constant, peak: 0.01, warmup: 10}
mixtures: {prose: {text: 0.9, facts: 0.1}}
"""
CORPUS = """\
corpus: mine
sources:
  text: {kind: text, path: books}
  web_code: {kind: web_code, path: code}
  facts: {kind: facts, count: 8, restatements: 4}
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "blocks/corpora").mkdir(parents=True)
    (tmp_path / "mine.yaml").write_text(STUDY.replace("small.yaml", "blocks/small.yaml"), encoding="utf-8")
    (tmp_path / "blocks/small.yaml").write_text(BLOCK, encoding="utf-8")
    (tmp_path / "blocks/corpora/mine.yaml").write_text(CORPUS, encoding="utf-8")
    return tmp_path / "mine.yaml"


def scaled(path, size="0.3m", **more):
    return load(str(path), size=size, parameters=table, **more)


def table(vocabulary):
    """With each size's own vocabulary, and with a smaller one that is given."""
    return TABLE if vocabulary is None else {name: count - FEWER.get(name, 0) for name, count in TABLE.items()}


def test_what_stands_for_the_whole_gets_so_many_tokens_for_each_parameter(path):
    study = scaled(path).study
    assert [stage.tokens for stage in study.variants["text"]] == [900_000, 90_000]
    assert [stage.words() for stage in study.variants["code"][:2]] == ["pretrain 450K code", "continue 450K half"]
    assert study.judge.tokens == 450_000
    assert [stage.tokens for stage in scaled(path, "3m").study.variants["text"]] == [9_000_000, 900_000]
    more = scaled(path, settings=["proxy.tokens_per_parameter=20"]).study
    assert [stage.tokens for stage in more.variants["text"]] == [6_000_000, 600_000]


def test_the_rule_is_told_in_one_sentence(path):
    assert scaled(path).scaling == (
        "0.3m stands for 470m: 900K tokens for 400B, 3 for each of its 300K parameters; 1m stands for 2.8b"
    )
    assert "no size stands for 2.8b" in scaled(path, "2.8b").scaling
    assert (scaled(path).left_out, scaled(path, "2.8b").left_out) == (
        (),
        ("size 2.8b: beside 2.8b no size is left to stand for it",),
    )


def test_parameters_are_those_of_the_models_that_are_trained(path):
    loaded = scaled(path, "7m")
    assert loaded.study.variants["text"][0].tokens == 3 * 5_000_000
    assert "15M tokens for 400B, 3 for each of its 5M parameters; 470m stands for 2.8b" in loaded.scaling
    (path.parent / "mine.json").write_text("{}", encoding="utf-8")
    given = scaled(path, "7m", settings=["corpus.tokenizer={path: mine.json}"])
    assert "3 for each of its 7M parameters, counted with that size's own vocabulary" in given.scaling


def test_sizes_on_the_command_line_are_those_that_they_name(path):
    loaded = scaled(path, settings=["sizes={1m: {}, 3m: {rate: 0.5}, 7m: {}}"])
    assert list(loaded.study.sizes) == ["1m", "3m", "7m"]
    assert loaded.study.sizes["3m"].rate == 0.5
    assert loaded.scaling.endswith("of its 300K parameters")
    # One more beside those of the file, which become sizes in their proportion.
    more = scaled(path, settings=["sizes.1m.rate=0.25", "sizes.2.8b.rate=0.75"])
    assert {name: size.rate for name, size in more.study.sizes.items()} == {"3m": 0.75, "1m": 0.25}
    with pytest.raises(BadInput, match='command line: sizes.2m: unknown model size "2m"'):
        scaled(path, settings=["sizes={2m: {}}"])


def test_beyond_the_largest_size_of_a_block_rates_must_be_answered_for(path):
    block = path.parent / "blocks/small.yaml"
    block.write_text(BLOCK.replace("of: 400B", "of: 400B\nlargest: 3m"), encoding="utf-8")
    assert scaled(path, "3m").study.sizes == {}
    assert scaled(path, "3m").left_out == ("size 2.8b: beside 3m no size up to 3m is left to stand for it",)
    with pytest.raises(BadInput) as caught:
        scaled(path, "7m")
    said = str(caught.value)
    assert said.startswith("command line: --size: the batches and learning rates of proxy small are meant for sizes up")
    assert "up to 3m, and 7m has 5M parameters" in said
    assert "--set proxy.largest=7m" in str(caught.value)
    with pytest.raises(BadInput, match="command line: sizes.7m: the batches and learning rates"):
        scaled(path, settings=["sizes={7m: {}}"])
    assert scaled(path, "7m", settings=["proxy.largest=7m"]).study.model.size == "7m"
    block.write_text(BLOCK.replace("of: 400B", "of: 400B\nlargest: 4m"), encoding="utf-8")
    with pytest.raises(BadInput, match='small.yaml:4: proxy.largest: unknown model size "4m"'):
        scaled(path)


@pytest.mark.parametrize("size", [None, "470m"])
@pytest.mark.parametrize("setting", ["proxy.tokens_per_parameter=20", "proxy=pocket"])
def test_a_change_of_a_block_that_is_not_used_is_refused(path, size, setting):
    with pytest.raises(BadInput) as caught:
        load(str(path), size=size, settings=[setting], parameters=table)
    assert str(caught.value).startswith(
        f"command line: --set {setting.partition('=')[0]}: has no effect without --size"
    )
    assert load(str(path), size=size, settings=["proxy=null"]).study.proxy is None


def test_budgets_on_the_command_line_are_those_of_the_study_as_it_is_written(path):
    study = scaled(path, settings=["variants.text.0=pretrain 200B prose"]).study
    assert study.variants["text"][0].tokens == 450_000
    with pytest.raises(BadInput) as caught:
        scaled(path, settings=["variants.text=[pretrain 900K prose]"])
    assert "a warm-up of 10 steps does not fit the 2 steps of the stage" in str(caught.value)
    assert "Budgets are scaled: 0.3m stands for 470m" in str(caught.value)
    assert "On the command line they are those of the study as it is written." in str(caught.value)


def test_a_stage_keeps_two_batches(path):
    loaded = scaled(path)
    assert loaded.study.variants["code"][2].tokens == 2250
    assert scaled(path, settings=["training.batch=32"]).study.variants["code"][2].tokens == 2 * 32 * 64
    # Where the batch is left to the size, they are kept as soon as it is known.
    free = scaled(path, settings=["training.batch=null"])
    settled = free.study.settled(sequence=64, batch=64, precision="float32")
    with pytest.raises(BadInput, match="less than one batch"):
        check(settled, free.where)
    assert at_least(settled).variants["code"][2].tokens == 2 * 64 * 64
    check(at_least(settled), free.where)


def test_the_parts_of_the_block_take_the_place_of_the_studys(path):
    study = scaled(path).study
    assert (study.corpus.corpus, study.evaluate.suite, study.data) == ("mine", "pocket", [])
    assert study.corpus.sources["text"].path == str(path.parent / "blocks/corpora/books")
    assert (study.seeds, study.sizes["1m"].seeds) == ([1, 2], None)
    assert (study.model.size, study.model.sequence, study.training.batch) == ("0.3m", 64, 8)
    pretrain, cooldown = study.training.pretrain, study.training.cooldown
    assert (pretrain.schedule, pretrain.peak, pretrain.warmup, pretrain.final) == ("constant", 0.01, 10, 4e-5)
    assert (cooldown.schedule, cooldown.final) == ("linear", 1e-6)
    assert study.mixtures == {
        "prose": {"text": 0.9, "facts": 0.1},
        "code": {"web_code": 1},
        "half": study.mixtures["half"],
    }


def test_a_study_that_judges_nothing_judges_nothing_at_any_size(path):
    judge = "judge: {kind: reference-likelihood, mixture: code, tokens: 1B}"
    text = path.read_text(encoding="utf-8")
    for silent in ("judge: {kind: none}", ""):
        path.write_text(text.replace(judge, silent), encoding="utf-8")
        assert scaled(path).study.judge.kind == "none"


def test_further_sizes_keep_what_they_say(path):
    size = scaled(path).study.sizes["1m"]
    assert (size.variants, size.cooldown, size.rate) == (["text", "code"], False, 0.5)


def test_the_command_line_has_the_last_word(path):
    settings = ["training.batch=4", "mixtures.prose.facts=0.3", "evaluate=proxy"]
    study = scaled(path, settings=settings, seeds=3, data=["here"]).study
    assert study.evaluate.suite == "proxy"
    assert (study.training.batch, study.mixtures["prose"]["facts"]) == (4, 0.3)
    assert (study.seeds, study.data) == ([1, 2, 3], ["here"])


def test_at_its_own_size_a_study_is_what_is_written(path):
    text = path.read_text(encoding="utf-8").replace("corpus: {corpus: large, ", "corpus: {corpus: large, note: x, ")
    path.write_text(text, encoding="utf-8")
    own = load(str(path), size="470m")
    assert own.scaling == ""
    assert own.study == load(str(path)).study
    assert own.study.variants["text"][0].tokens == 400 * 10**9


def test_without_a_block_a_size_changes_the_size_alone():
    loaded = load("pocket", size="1m", parameters=table)
    assert (loaded.scaling, loaded.study.model.size) == ("", "1m")
    assert loaded.study.variants == load("pocket").study.variants


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("small", "batch: 8", "batch: 0", "small.yaml:11: training.batch: "),
        ("small", "warmup: 10", "warmpu: 1", 'small.yaml:12: training.pretrain.warmpu: unknown field "warmpu"'),
        ("small", "facts: 0.1}", "fcts: 0.1}", 'small.yaml:13: mixtures.prose.fcts: unknown mixture or source "fcts"'),
        ("small", "mixture: half", "mixture: hlf", 'small.yaml:7: judge.mixture: unknown mixture "hlf"'),
        ("small", "seeds: 2", "seeds: 0", "small.yaml:8: seeds: a study needs at least one seed"),
        ("small", "evaluate: pocket", "evaluate: pockt", 'small.yaml:5: evaluate: unknown evaluate "pockt"'),
        ("small", "of: 400B", "of: lots", 'small.yaml:3: proxy.of: "lots" is not an amount'),
        ("small", "seeds: 2", "sedes: 2", 'small.yaml:8: proxy.sedes: unknown field "sedes"; did you mean "seeds"'),
        ("corpora/mine", "kind: facts", "kind: fact", "mine.yaml:5: corpus.sources.facts.kind: "),
    ],
)
def test_what_is_wrong_in_the_block_is_said_of_its_file(path, file, old, new, says):
    part = path.parent / f"blocks/{file}.yaml"
    text = part.read_text(encoding="utf-8")
    assert old in text
    part.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        scaled(path)
    assert str(caught.value).startswith(says), str(caught.value)


def test_an_unknown_size_is_the_command_lines(path):
    with pytest.raises(BadInput, match='command line: --size: unknown model size "0.4m"; did you mean "0.3m"'):
        scaled(path, "0.4m")


def test_a_block_may_stand_in_the_study(path):
    block = BLOCK.replace("corpora/mine.yaml", "blocks/corpora/mine.yaml").replace("\n", "\n  ")
    text = path.read_text(encoding="utf-8").replace("proxy: blocks/small.yaml", f"proxy:\n  {block}")
    path.write_text(text, encoding="utf-8")
    study = scaled(path).study
    assert study.corpus.sources["text"].path == str(path.parent / "blocks/corpora/books")
    path.write_text(text.replace("batch: 8", "batch: 0"), encoding="utf-8")
    with pytest.raises(BadInput, match="mine.yaml:30: training.batch: "):
        scaled(path)


def test_sizes_keep_their_order_and_none_stands_for_two():
    def found(size, written, further):
        ratios = {name: TABLE[name] / TABLE[written] for name in further}
        return further_sizes(size, TABLE[size], ratios, TABLE)

    assert found("470m", "470m", ["2.8b", "7m"]) == {"2.8b": "2.8b", "7m": "7m"}
    assert found("0.3m", "470m", ["2.8b", "7m"]) == {"2.8b": "1m", "7m": None}
    assert found("0.3m", "0.3m", ["1m", "3m", "7m"]) == {"1m": "1m", "3m": "3m", "7m": "7m"}
    assert found("3m", "0.3m", ["1m", "3m"]) == {"1m": "7m", "3m": "470m"}
