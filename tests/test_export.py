"""`leaven export`: a stage of a study, or of a folder, becomes a folder that can be read back."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from leaven import cli
from leaven.exchange import export_stage, export_step
from leaven.ground.errors import BadInput
from leaven.ground.files import write_json
from leaven.lab import Study, load
from leaven.model.config import ModelConfig, count_parameters
from leaven.model.huggingface import END_OF_TEXT, import_folder
from leaven.model.init import Params, init
from leaven.model.weights import save_params

STUDY = """\
study: tiny
question: Is it exported?
corpus:
  corpus: tiny
  sources:
    text: {kind: text, path: words, max: 100KB}
  heldout: 0.2
  tokenizer: {vocabulary: 300, sample: 10KB}
model: {size: 0.3m, sequence: 32}
seeds: 1
mixtures:
  prose: {text: 1.0}
training:
  batch: 2
  pretrain: {schedule: constant, peak: 0.01}
  cooldown: {schedule: linear, peak: parent, final: 1e-6}
variants:
  short: [pretrain 640 prose]
  long: [pretrain 640 prose, cooldown 640 prose]
baseline: short
evaluate:
  suite: tiny
  items: {continue_text: 8}
  passage_bytes: 4KB
  prompts: 2
  measures:
    prose bits-per-byte:
      {tasks: [bpb_text], statistic: bits_per_byte, better: lower, effect: relative, margin: 1.0, primary: true}
judge: {kind: reference-likelihood, mixture: prose, tokens: 640, completion: 8}
"""
STAGE = "long/seed-1/cooldown"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose last stage and tokenizer are in the store; nothing was trained for it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "words").mkdir()
    for key in range(20):
        (folder / "words" / f"{key}.txt").write_text(f"The {key}th of the quiet rivers runs under the old house. " * 9)
    (folder / "tiny.yaml").write_text(STUDY.replace("words", str(folder / "words")))
    study = Study(load(str(folder / "tiny.yaml")).loaded, folder / "runs")
    study.store.prepare()
    graph = study.prepare().graph
    stage = graph.find(STAGE)
    tokenizer = graph.steps[stage.inputs["tokenizer"]]
    config = ModelConfig(**stage.fields["model"])

    def write_stage(out: Path) -> None:
        save_params(out / "model.safetensors", init(config, 6))
        write_json(out / "stage.json", {"model": asdict(config)})

    def write_tokenizer(out: Path) -> None:
        words = {"model": {"vocab": {END_OF_TEXT: 0, "a": 1}}, "added_tokens": [{"content": END_OF_TEXT, "id": 0}]}
        write_json(out / "tokenizer.json", words)

    for step, write in ((stage, write_stage), (tokenizer, write_tokenizer)):
        out, _ = study.store.begin(step.identity)
        write(out)
        study.store.publish(step, {"finished": "today", "seconds": 1.0})
    return folder


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Study:
    """A copy of it in the test's own folder."""
    shutil.copytree(made / "runs", tmp_path / "runs")
    shutil.copy(made / "tiny.yaml", tmp_path)
    return Study(load(str(tmp_path / "tiny.yaml")).loaded, tmp_path / "runs")


@pytest.fixture
def leaven(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, study: Study) -> Iterator[Callable[..., Any]]:
    """The command line in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def call(*words: str) -> tuple[Any, str, str]:
        monkeypatch.setattr("sys.argv", ["leaven", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


def stage_folder(study: Study) -> Path:
    return study.store.folder(study.prepare().graph.find(STAGE).identity)


def expect(folder: Path, weights: Params | None = None) -> ModelConfig:
    config, params, words = import_folder(folder)
    assert words is not None
    jax.tree.map(np.testing.assert_array_equal, params, weights or init(config, 6))
    return config


def test_a_step_by_name_and_by_identity(leaven: Callable[..., Any], study: Study, tmp_path: Path) -> None:
    code, said, _ = leaven("export", "tiny.yaml", STAGE, "out")
    assert code == 0
    config = expect(tmp_path / "out")
    assert (config.vocab, config.sequence, config.width) == (300, 32, 64)
    assert said.splitlines()[0] == f"exported  {STAGE} ({count_parameters(config):,} parameters, float32)"
    assert "AutoModelForCausalLM and AutoTokenizer.from_pretrained('out')" in said
    identity = study.prepare().graph.find(STAGE).identity
    code, said, _ = leaven("export", "tiny.yaml", identity[:12], "again", "--json")
    assert code == 0
    told = json.loads(said)
    assert (told["exported"], told["dtype"], told["tokenizer"]) == (STAGE, "float32", True)
    assert told["files"] == sorted(path.name for path in (tmp_path / "out").iterdir())
    for name in told["files"]:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_stages_folder_finds_its_tokenizer_in_the_store(
    leaven: Callable[..., Any], study: Study, tmp_path: Path
) -> None:
    assert leaven("export", str(stage_folder(study)), "out")[0] == 0
    expect(tmp_path / "out")
    export_step(study, f"tiny/{STAGE}", tmp_path / "step")
    assert (tmp_path / "out/model.safetensors").read_bytes() == (tmp_path / "step/model.safetensors").read_bytes()


def test_a_stages_folder_elsewhere(leaven: Callable[..., Any], study: Study, tmp_path: Path) -> None:
    for name in ("stage.json", "model.safetensors"):
        (tmp_path / "alone").mkdir(exist_ok=True)
        shutil.copy(stage_folder(study) / name, tmp_path / "alone")
    code, said, _ = leaven("export", "alone", "weights", "--dtype", "bfloat16")
    assert (code, "there was no tokenizer" in said, "bfloat16)" in said) == (0, True, True)
    assert not (tmp_path / "weights" / "tokenizer.json").exists()
    words = next((tmp_path / "runs/store/steps").glob("*/tokenizer.json"))
    for number, given in enumerate((words, words.parent)):
        assert leaven("export", "alone", f"with{number}", "--tokenizer", str(given))[0] == 0
        expect(tmp_path / f"with{number}")
    shutil.copy(words, tmp_path / "alone")
    made = export_stage(tmp_path / "alone", tmp_path / "beside")
    assert made.tokenizer == tmp_path / "alone" / "tokenizer.json"
    expect(tmp_path / "beside")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tiny.yaml"], "1 words, where two or three are needed"),
        (["tiny.yaml", STAGE, "out", "more"], "4 words"),
        (["tiny.yaml", "long/seed-1/cooldwon", "out"], 'did you mean "long/seed-1/cooldown"?'),
        (["tiny.yaml", "short/seed-1/pretrain", "out"], "short/seed-1/pretrain has not been run"),
        (["tiny.yaml", "tokenizer", "out"], "is a tokenizer step; only a stage has weights"),
        (["tiny.yaml", STAGE, "runs"], "runs: there is something already"),
        (["tiny.yaml", STAGE, "out", "--dtype", "int8"], '"int8" is not one of float32, bfloat16'),
        (["tiny.yaml", STAGE, "out", "--tokenizer", "runs"], "the study's own tokenizer"),
        (["tiny.yaml", STAGE, "out", "--set", "model.sequence=16"], "has not been run"),
        (["nowhere", "out"], "nowhere: this is no folder of a stage"),
        (["no.yaml", STAGE, "out"], "no.yaml"),
    ],
)
def test_mistakes(leaven: Callable[..., Any], tmp_path: Path, words: list[str], says: str) -> None:
    code, said, complained = leaven("export", *words)
    assert (code, said) == (2, "")
    assert complained.startswith("leaven: ")
    assert says in complained
    assert not (tmp_path / "out").exists()


def test_damage_is_found_before_anything_is_written(study: Study, tmp_path: Path) -> None:
    path = stage_folder(study) / "model.safetensors"
    for number, text in enumerate(("{}", "[", '{"added_tokens": 3}')):
        (tmp_path / f"{number}.json").write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match="this is not a tokenizer"):
            export_stage(path.parent, tmp_path / "out", tokenizer=tmp_path / f"{number}.json")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"damaged: model.safetensors was changed"):
        export_step(study, STAGE, tmp_path / "out")
    path.write_bytes(data[:100])
    with pytest.raises(BadInput, match="these weights cannot be read"):
        export_stage(path.parent, tmp_path / "out")
    write_json(path.parent / "stage.json", {"model": {"width": 8}})
    with pytest.raises(BadInput, match="its model's shape cannot be read"):
        export_stage(path.parent, tmp_path / "out")
    with pytest.raises(BadInput, match="there is no such tokenizer"):
        export_stage(path.parent, tmp_path / "out", tokenizer=tmp_path / "none.json")
    assert not (tmp_path / "out").exists()
