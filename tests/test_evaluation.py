"""`leaven eval`: any model, any suite, from a folder of files to a table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from leaven import cli, evaluation
from leaven.corpus.document import Document, write_documents
from leaven.corpus.tokenizer import train_tokenizer
from leaven.exchange import export_stage
from leaven.ground.errors import BadInput
from leaven.ground.files import write_json
from leaven.model.config import ModelConfig
from leaven.model.init import init
from leaven.model.weights import save_params
from leaven.study.load_suite import load_suite
from leaven.subjects import find_model

SUITE = """\
suite: small
made: none
tasks:
  piqa:      {category: reasoning, score: accuracy}
  copa:      {category: reasoning, score: accuracy}
  nq_open:   {category: knowledge, score: exact_match, tokens: 4}
  humaneval: {category: code, score: pass@1, tokens: 8}
averages:
  reason: [piqa, copa]
  know: [nq_open]
  nl: [reason, know]
"""
MAPPING = """\
piqa: {file: piqa.jsonl}
nq_open: {file: nq.jsonl}
humaneval: {file: he.jsonl}
"""


def lines(path: Path, rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Two models of random weights, a suite, and benchmarks of a few items; COPA is missing."""
    place = tmp_path_factory.mktemp("place")
    text = "What is the house by the river? It is where the old boats and the water meet.\n"
    for side in ("train", "heldout"):
        (place / "corpus" / side).mkdir(parents=True)
        write_documents(place / "corpus" / side / "text.parquet", [Document(side, text * 40, "a.txt", side)])
    words = place / "words"
    words.mkdir()
    train_tokenizer(place / "corpus", words, vocab=290, sample_bytes=10_000)
    config = ModelConfig(width=16, layers=1, heads=2, ffn=32, vocab=290, sequence=64)
    for name, seed in (("one", 0), ("two", 1)):
        stage = place / name
        stage.mkdir()
        save_params(stage / "model.safetensors", init(config, seed))
        write_json(stage / "stage.json", {"model": asdict(config)})
        (stage / "tokenizer.json").write_bytes((words / "tokenizer.json").read_bytes())
    data = place / "data"
    data.mkdir()
    (data / "data.yaml").write_text(MAPPING)
    (place / "small.yaml").write_text(SUITE)
    lines(
        data / "piqa.jsonl",
        [
            {"goal": f"how to cross river {i}", "sol1": "take the boat", "sol2": f"drink it {i} times", "label": i % 2}
            for i in range(20)
        ],
    )
    lines(
        data / "nq.jsonl", [{"question": f"who lives in house {i}", "answer": ["nobody", "no one"]} for i in range(6)]
    )
    program = {"prompt": "def one():\n", "canonical_solution": "    return 1\n", "entry_point": "one"}
    lines(
        data / "he.jsonl",
        [
            {"task_id": f"HumanEval/{i}", **program, "test": "def check(candidate):\n    assert candidate() == 1\n"}
            for i in range(2)
        ],
    )
    return place


def asked(place: Path, models=("one",), **more):
    suite = load_suite(str(place / "small.yaml")).suite
    runs = more.pop("runs", place / "runs")
    return evaluation.evaluate(
        [str(place / model) for model in models],
        suite,
        data=[str(place / "data")],
        runs=runs,
        without_code=True,
        **more,
    )


def test_two_models_are_compared_on_the_same_items(place):
    found = asked(place, ("one", "two"))
    assert [model.label for model in found.models] == ["one", "two"]
    assert list(found.about["tasks"]) == ["piqa", "nq_open", "humaneval"]
    assert "copa" in found.about["left_out"]
    assert "copa" in found.categories.missing
    for model in found.models:
        details = pq.read_table(model.folder / "details.parquet").to_pydict()
        assert details["task"].count("piqa") == 20
        assert model.scores["piqa"]["accuracy"]["n"] == 20
        assert "left_out" in model.scores["humaneval"]
    nats = [pq.read_table(model.folder / "details.parquet").to_pydict()["nats"][0] for model in found.models]
    assert nats[0] != nats[1]
    assert set(found.categories.every["nl"]) == {"one", "two"}
    json.dumps(found.data())


def test_what_was_evaluated_is_read_and_a_changed_weight_is_another_model(place, tmp_path):
    first = asked(place, runs=tmp_path)
    again = asked(place, runs=tmp_path)
    assert [first.models[0].again, again.models[0].again] == [False, True]
    assert again.models[0].scores == first.models[0].scores
    other = asked(place, ("two",), runs=tmp_path)
    assert other.models[0].folder != first.models[0].folder
    assert not other.models[0].again


def test_kept_answers_give_the_same_bytes(place, tmp_path):
    first = asked(place, runs=tmp_path).models[0].folder
    kept = {path.name: path.read_bytes() for path in first.iterdir()}
    for path in first.iterdir():
        path.unlink()
    first.rmdir()
    second = asked(place, runs=tmp_path).models[0].folder
    assert {path.name: path.read_bytes() for path in second.iterdir()} == kept


def test_a_folder_of_hugging_face_is_the_same_model(place, tmp_path):
    export_stage(place / "one", tmp_path / "hf")
    ours, theirs = find_model(str(place / "one")).load(), find_model(str(tmp_path / "hf")).load()
    found = asked(place, ("one",), runs=tmp_path / "runs")
    suite = load_suite(str(place / "small.yaml")).suite
    other = evaluation.evaluate(
        [str(tmp_path / "hf")], suite, data=[str(place / "data")], runs=tmp_path / "runs", without_code=True
    )
    assert other.models[0].scores == found.models[0].scores
    assert (theirs.longest, theirs.start) == (ours.longest, ours.start)


def test_fewer_items_and_tasks(place, tmp_path):
    found = asked(place, tasks=["reasoning"], limit=5, runs=tmp_path)
    assert list(found.about["tasks"]) == ["piqa"]
    assert found.about["tasks"]["piqa"]["n"] == 5
    assert list(found.categories.every) == ["reason"]
    assert list(asked(place, tasks=["nl"], runs=tmp_path).about["tasks"]) == ["piqa", "nq_open"]
    with pytest.raises(BadInput, match='no task "reson"; did you mean "reason"'):
        asked(place, tasks=["reson"], runs=tmp_path)


def test_programs_are_refused_where_nothing_isolates_them(place, tmp_path, monkeypatch):
    from leaven.sandbox import level

    monkeypatch.setattr(level, "probe", lambda: level.none("nothing works here"))
    suite = load_suite(str(place / "small.yaml")).suite
    with pytest.raises(BadInput, match=r"humaneval would execute .*nothing works here"):
        evaluation.evaluate([str(place / "one")], suite, data=[str(place / "data")], runs=tmp_path)
    assert not list(tmp_path.glob("evaluations/small*"))


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("nowhere", "no such model"),
        ("corpus", "neither stage.json"),
        ("bare", "has no tokenizer"),
        ("one:x", "no study"),
    ],
)
def test_what_is_no_model(place, word, says):
    bare = place / "bare"
    if not bare.exists():
        bare.mkdir()
        for name in ("stage.json", "model.safetensors"):
            (bare / name).write_bytes((place / "one" / name).read_bytes())
    with pytest.raises(BadInput, match=says):
        find_model(str(place / word) if ":" not in word else word)


def test_what_cannot_be_asked(place):
    with pytest.raises(BadInput, match="Export it first"):
        find_model(str(place / "one"), backend="torch")
    with pytest.raises(BadInput, match="--start"):
        find_model(str(place / "one"), start="own")
    with pytest.raises(BadInput, match="on torch"):
        find_model("owner/name", backend="jax", download=True)
    with pytest.raises(BadInput, match="--data"):
        evaluation.evaluate([str(place / "one")], load_suite(str(place / "small.yaml")).suite, data=[])
    with pytest.raises(BadInput, match="has no benchmarks"):
        evaluation.evaluate([str(place / "one")], load_suite("pocket").suite, data=["x"])


def test_the_command(place, capsys, monkeypatch):
    words = ["leaven", "eval", str(place / "one"), "--suite", str(place / "small.yaml"), "--data", str(place / "data")]
    words += ["--without", "code", "--runs", str(place / "runs")]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "left out  copa" in said
    assert "overlap   unknown" in said
    assert "at-chance rule" in said
    monkeypatch.setattr("sys.argv", [*words, "--json"])
    with pytest.raises(SystemExit):
        cli.main()
    assert json.loads(capsys.readouterr().out)["models"]["one"]["scores"]["piqa"]["accuracy"]["n"] == 20


def test_malformed_data_leaves_nothing_behind(place, tmp_path):
    (tmp_path / "data.yaml").write_text("piqa: {file: piqa.jsonl}\n")
    (tmp_path / "piqa.jsonl").write_text('{"goal": "x", "sol1": "a"}\n')
    suite = load_suite(str(place / "small.yaml")).suite
    with pytest.raises(BadInput, match=r"piqa\.jsonl:1"):
        evaluation.evaluate([str(place / "one")], suite, data=[str(tmp_path)], runs=tmp_path / "runs", tasks=["piqa"])
    assert [path for path in (tmp_path / "runs").rglob("*") if path.is_file()] == []


def test_a_path_that_is_not_there_is_no_name_on_the_hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BadInput, match="there is no folder runs/stage here"):
        find_model("runs/stage")


@pytest.mark.parametrize("written", ["{", "{}", '{"model": {}}', '{"model": 3}'])
def test_a_damaged_stage(place, tmp_path, written):
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes((place / "one" / name).read_bytes())
    (tmp_path / "stage.json").write_text(written)
    with pytest.raises(BadInput, match="shape cannot be read"):
        find_model(str(tmp_path)).load()


def test_places_from_the_environment(monkeypatch):
    from leaven.options import places_of

    monkeypatch.setenv("LEAVEN_DATA", "/a b:hub:")
    assert places_of(None) == ["/a b", "hub"]
    assert places_of(["c"]) == ["c"]
    monkeypatch.delenv("LEAVEN_DATA")
    assert places_of([]) == []
