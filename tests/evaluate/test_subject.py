"""A subject comes back from the folders of a stage and of a tokenizer."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from leaven.corpus.tokenizer import train_tokenizer
from leaven.evaluate.subject import Subject
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file, write_json
from leaven.model.huggingface import export_folder
from leaven.model.init import init
from leaven.model.weights import save_params


@pytest.fixture(scope="module")
def folders(corpus, subject, tmp_path_factory):
    tokenizer, stage = tmp_path_factory.mktemp("tokenizer"), tmp_path_factory.mktemp("stage")
    train_tokenizer(corpus, tokenizer, vocab=300)
    config = replace(subject.config, vocab=300)
    save_params(stage / "model.safetensors", init(config, 0))
    write_json(stage / "stage.json", {"model": {**asdict(config), "a later field": 1}, "seed": 0})
    return stage, tokenizer, config


def test_round_trip(folders):
    stage, tokenizer, config = folders
    found = Subject.load(stage, tokenizer)
    assert found.config == config
    assert np.array_equal(found.params["embedding"], init(config, 0)["embedding"])
    assert found.tokenizer.decode(found.tokenizer.encode("bad ben")) == "bad ben"


def test_the_hashes_are_of_the_files(folders):
    stage, tokenizer, config = folders
    found = Subject.load(stage, tokenizer)
    assert found.fingerprint() == {
        "weights": sha256_file(stage / "model.safetensors"),
        "tokenizer": sha256_file(tokenizer / "tokenizer.json"),
    }
    # in memory the weights have the hash of the file they would be
    assert Subject(found.params, config, found.tokenizer).fingerprint()["weights"] == found.weights_sha256


def test_a_hugging_face_folder_is_the_model_it_was(folders, tmp_path):
    stage, tokenizer, config = folders
    native = Subject.load(stage, tokenizer)
    export_folder(native.params, config, tokenizer / "tokenizer.json", tmp_path / "exported")
    found = Subject.imported(tmp_path / "exported")
    assert found.config == config
    assert found.fingerprint() == native.fingerprint()
    (tmp_path / "exported" / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match="no tokenizer"):
        Subject.imported(tmp_path / "exported")


def test_a_folder_that_is_no_stage(folders, tmp_path):
    with pytest.raises(BadInput, match="file not found"):
        Subject.load(tmp_path, folders[1])


def test_a_tokenizer_of_another_study(folders, tmp_path):
    _, tokenizer, config = folders
    save_params(tmp_path / "model.safetensors", init(replace(config, vocab=256), 0))
    write_json(tmp_path / "stage.json", {"model": asdict(replace(config, vocab=256))})
    with pytest.raises(BadInput, match="the model only 256"):
        Subject.load(tmp_path, tokenizer)
