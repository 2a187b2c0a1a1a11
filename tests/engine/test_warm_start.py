"""A first stage that starts from weights trained elsewhere, with their tokenizer: from the study file to the stage."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from leaven.engine.given import Hashes
from leaven.engine.kinds import execute
from leaven.engine.prepare import prepare
from leaven.engine.store import Store
from leaven.engine.task import Task
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, sha256_file
from leaven.ground.progress import silent
from leaven.model.config import from_size
from leaven.model.huggingface import export_folder
from leaven.model.init import flatten, init
from leaven.model.weights import load_params, save_params
from leaven.study.load import load
from leaven.train.warm_start import fingerprint, import_weights, tokenizer_of

VOCABULARY = 300
CONFIG = from_size("0.3m", vocab=VOCABULARY, sequence=32)


def tokenizer(path, texts=("the cat is in the house", "return the cat")):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([*texts, *(f"word{i} cat{i}" for i in range(200))], trainer)
    assert made.get_vocab_size() == VOCABULARY
    made.save(str(path))
    return path


@pytest.fixture
def given(tmp_path):
    """A folder `cohere` of Hugging Face's, a folder `stage` of leaven's, and `tokenizer/tokenizer.json` of both."""
    (tmp_path / "tokenizer").mkdir()
    words = tokenizer(tmp_path / "tokenizer/tokenizer.json")
    params = init(CONFIG, 7)
    export_folder(params, CONFIG, words, tmp_path / "cohere")
    stage = tmp_path / "stage"
    stage.mkdir()
    save_params(stage / "model.safetensors", params)
    (stage / "optimizer.safetensors").write_bytes(b"not looked at")
    (stage / "stage.json").write_text(json.dumps({"model": asdict(CONFIG), "learning_rate": {"last": 0.1}}))
    shutil.copy(words, stage / "tokenizer.json")
    return tmp_path


@pytest.mark.parametrize("kind", ["cohere", "stage"])
def test_weights_arrive_bit_for_bit_and_alone(given, kind):
    out = given / "out"
    out.mkdir()
    longer = replace(CONFIG, sequence=64)  # no weight depends on it
    import_weights(given / kind, longer, given / "tokenizer", out, expected=fingerprint(given / kind))
    for name, value in flatten(init(CONFIG, 7)).items():
        np.testing.assert_array_equal(flatten(load_params(out / "model.safetensors"))[name], value)
    about = read_json(out / "stage.json")
    assert about["model"] == asdict(longer)
    assert (about["cursor"], about["optimizer"], about["learning_rate"]) == ({}, None, None)
    assert sorted(path.name for path in out.iterdir()) == ["model.safetensors", "stage.json", "tokenizer.json"]
    assert sha256_file(out / "tokenizer.json") == sha256_file(given / "tokenizer/tokenizer.json")


def test_both_kinds_of_folder_give_the_same_bytes(given):
    made = []
    for kind in ("cohere", "stage"):
        (given / f"out-{kind}").mkdir()
        import_weights(given / kind, CONFIG, given / "tokenizer", given / f"out-{kind}")
        made.append({path.name: sha256_file(path) for path in (given / f"out-{kind}").iterdir()})
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"heads": 4}, r"heads 2 \(the study: 4\), kv_heads 2 \(the study: 4\)\n.*model: \{…, heads: 2, kv_heads: 2\}"),
        ({"width": 128}, r"width 64 \(the study: 128\)"),
        ({"vocab": 400}, r"vocab 300 \(the study: 400\)\n.*the tokenizer: give the study the one of the weights"),
        ({"rope_theta": 5e5}, r"rope_theta 10000.0 \(the study: 500000.0\)"),
        ({"logit_scale": 0.5}, r"logit_scale 1.0 \(the study: 0.5\)"),
    ],
)
@pytest.mark.parametrize("kind", ["cohere", "stage"])
def test_another_shape_is_refused_by_what_differs(given, kind, change, says):
    wanted = replace(CONFIG, **({"kv_heads": 0} if "heads" in change else {}) | change)
    with pytest.raises(BadInput, match=says):
        import_weights(given / kind, wanted, given / "tokenizer", given)


def test_another_tokenizer_is_refused(given):
    tokenizer(given / "tokenizer/tokenizer.json", texts=["zzzz yyyy zzzz yyyy"] * 9)
    with pytest.raises(BadInput, match=r"another tokenizer than the study's: .* tokens differ, the first.*\n.*path: "):
        import_weights(given / "cohere", CONFIG, given / "tokenizer", given)
    (given / "stage/tokenizer.json").unlink()
    with pytest.raises(BadInput, match="come without their tokenizer"):
        import_weights(given / "stage", CONFIG, given / "tokenizer", given)


def test_a_step_of_a_store_knows_its_tokenizer(given):
    shutil.move(given / "stage/tokenizer.json", given / "elsewhere.json")
    assert tokenizer_of(given / "stage") is None
    before = fingerprint(given / "stage")
    (given / "stage/manifest.json").write_text(json.dumps({"inputs": {"tokenizer": "tokenizer"}}))
    assert tokenizer_of(given / "stage") == given / "tokenizer/tokenizer.json"
    assert fingerprint(given / "stage") != before
    shutil.move(given / "elsewhere.json", given / "stage/tokenizer.json")
    assert tokenizer_of(given / "stage") == given / "stage/tokenizer.json"


def test_damage_is_named(given):
    weights = flatten(init(CONFIG, 7))
    del weights["norm"]
    save_params(given / "stage/model.safetensors", weights)
    with pytest.raises(BadInput, match=r"no norm of shape \(64,\) in float32"):
        import_weights(given / "stage", CONFIG, given / "tokenizer", given)
    with pytest.raises(BadInput, match="this is no model: there is neither stage.json"):
        import_weights(given / "tokenizer", CONFIG, given / "tokenizer", given)
    (given / "out").mkdir()
    with pytest.raises(LeavenError, match="has changed since the study was planned"):
        import_weights(given / "cohere", CONFIG, given / "tokenizer", given / "out", expected="0" * 32)


def test_a_fingerprint_is_of_content_and_not_of_place_or_optimizer(given):
    before = fingerprint(given / "stage")
    shutil.move(given / "stage", given / "moved")
    (given / "moved/optimizer.safetensors").unlink()
    assert fingerprint(given / "moved") == before
    save_params(given / "moved/model.safetensors", init(CONFIG, 8))
    assert fingerprint(given / "moved") != before


def test_hashes_are_kept_by_size_time_and_inode(tmp_path):
    file, cache = tmp_path / "weights", tmp_path / "cache/hashes.json"
    file.write_bytes(b"one")
    os.utime(file, (1e9, 1e9))
    assert Hashes.open(cache).digest(file) == sha256_file(file)
    known = json.loads(cache.read_text())
    assert list(known) == [str(file)]
    cache.write_text(json.dumps({key: [*row[:3], "known"] for key, row in known.items()}))
    assert Hashes.open(cache).digest(file) == "known"
    file.write_bytes(b"longer")
    assert Hashes.open(cache).digest(file) == sha256_file(file)
    cache.write_text("{")
    assert Hashes.open(cache).digest(file) == sha256_file(file)


@pytest.fixture
def study(given, study_text):
    """The micro study: code→text starts from weights, and the tokenizer is theirs."""
    data = yaml.safe_load(study_text)
    data["corpus"]["tokenizer"] = {"path": "tokenizer/tokenizer.json"}
    data["model"] = {"size": "0.3m", "sequence": 64}
    first = {"kind": "pretrain", "tokens": 5120, "mixture": "code", "start": "cohere"}
    data["variants"]["code→text"][0] = first
    path = given / "micro.yaml"

    def write(**changes):
        path.write_text(yaml.safe_dump({**data, **changes}, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return path

    return write


def line_of(path, word):
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if word in line)


def test_a_study_starts_from_weights_and_their_tokenizer(given, study):
    store = Store(given / "runs/store")
    store.prepare()
    prepared = prepare(load(str(study())), store, remember=True)
    graph = prepared.graph
    assert graph.find("code→text/seed-1/pretrain").fields["model"]["vocab"] == VOCABULARY
    assert set(prepared.surveys) <= set(prepared.study.corpus.sources)
    assert sorted(prepared.given) == [f"start/{given / 'cohere'}", "tokenizer/given"]
    # The same study again, now with known hashes, and from another place.
    assert list(prepare(load(str(study())), store).graph.steps) == list(graph.steps)

    def run(step, **inputs):
        out, state = store.begin(step.identity)
        execute(Task(step, inputs, out, state, store.cache, False, silent))
        return out

    words = run(graph.find("tokenizer"))
    assert sha256_file(words / "tokenizer.json") == sha256_file(given / "tokenizer/tokenizer.json")
    begin = run(graph.find("code→text/seed-1/start"), tokenizer=words)
    assert read_json(begin / "stage.json")["model"] == graph.find("code→text/seed-1/pretrain").fields["model"]


def test_weights_that_a_study_cannot_start_from_are_named_before_anything_runs(given, study):
    store = Store(given / "store")
    path = study(model={"size": "0.3m", "sequence": 64, "heads": 4})
    start = f"micro.yaml:{line_of(path, 'start:')}: variants.code→text[0].start: {given / 'cohere'}"
    with pytest.raises(BadInput) as caught:
        prepare(load(str(path)), store)
    assert str(caught.value).startswith(f"{start}: the weights are of another shape: heads 2 (the study: 4)")
    shutil.rmtree(given / "cohere")
    with pytest.raises(BadInput) as caught:
        prepare(load(str(path)), store)
    assert str(caught.value) == f"{start}: there is no such folder"
    (given / "tokenizer/tokenizer.json").write_text("{}")
    with pytest.raises(BadInput) as caught:
        prepare(load(str(path)), store)
    line = line_of(path, "path: tokenizer")
    assert str(caught.value).startswith(f"micro.yaml:{line}: corpus.tokenizer.path: {given / 'tokenizer'}")


def test_what_a_study_leaves_to_its_size_is_settled_and_checked(given, study):
    path = study(model="470m", training={"pretrain": {"schedule": "cosine", "peak": 3e-4, "final": 3e-5, "warmup": 9}})
    with pytest.raises(BadInput) as caught:
        prepare(load(str(path)), Store(given / "store"))
    line = line_of(path, "pretrain 5120 prose")
    said = "5120 tokens are less than one batch of 512 × 8192 = 4194304 tokens"
    assert str(caught.value).startswith(f"micro.yaml:{line}: variants.text-only[0]: {said}")
    variants = {"text-only": ["pretrain 80M prose"], "b": ["pretrain 42M prose", "cooldown 42M prose"]}
    path = study(model="470m", variants=variants, training={"batch": 4}, judge={"kind": "none"})
    prepared = prepare(load(str(path)), Store(given / "store"))
    fields = prepared.graph.find("b/seed-1/cooldown").fields
    assert (fields["steps"], fields["batch"], fields["sequence"], fields["precision"]) == (1281, 4, 8192, "bfloat16")
    assert prepared.study.is_settled
