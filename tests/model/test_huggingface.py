"""Hugging Face folders without their libraries: golden files, equal bytes, there and back, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.model import tensors
from leaven.model.cohere import Place
from leaven.model.config import ModelConfig
from leaven.model.huggingface import END_OF_TEXT, export_folder, import_folder
from leaven.model.init import Params, flatten, init, nest
from leaven.model.weights import save_params

CONFIG = ModelConfig(width=8, layers=2, heads=4, kv_heads=2, ffn=12, vocab=20, sequence=16, logit_scale=0.5)
WORDS = ["config.json", "generation_config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture(scope="module")
def params() -> Params:
    return init(CONFIG, 4)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    path = tmp_path / "words" / "tokenizer.json"
    path.parent.mkdir()
    vocabulary = {END_OF_TEXT: 3, **{chr(97 + i): i + 4 for i in range(16)}}
    write_json(
        path, {"model": {"type": "BPE", "vocab": vocabulary}, "added_tokens": [{"content": END_OF_TEXT, "id": 3}]}
    )
    return path


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def equal(a: Params, b: Params) -> None:
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_files_and_what_they_say(params: Params, tokenizer: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "model"
    export_folder(params, CONFIG, tokenizer, out)
    assert sorted(path.name for path in out.iterdir()) == sorted([*WORDS, "model.safetensors"])
    assert read_json(out / "generation_config.json") == {"bos_token_id": 3, "eos_token_id": 3, "pad_token_id": 3}
    config = read_json(out / "config.json")
    assert (config["eos_token_id"], config["dtype"], config["max_position_embeddings"]) == (3, "float32", 16)
    named = {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT, "pad_token": END_OF_TEXT}
    assert read_json(out / "special_tokens_map.json") == named
    assert read_json(out / "tokenizer_config.json") == {
        **named,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 16,
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,
        "padding_side": "left",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    assert (out / "tokenizer.json").read_bytes() == tokenizer.read_bytes()
    with safetensors.safe_open(out / "model.safetensors", framework="numpy") as file:
        assert file.metadata() == {"format": "pt"}
        assert len(list(file.keys())) == 18
        up = file.get_tensor("model.layers.1.mlp.up_proj.weight")
    np.testing.assert_array_equal(up, np.asarray(params["layers"]["up"][1]).T)
    assert sorted(path.name for path in out.parent.iterdir()) == ["model"]


def test_without_a_tokenizer_there_are_no_words(params: Params, tmp_path: Path) -> None:
    export_folder(params, CONFIG, None, tmp_path / "a")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [*WORDS[:2], "model.safetensors"]
    assert read_json(tmp_path / "a" / "config.json")["eos_token_id"] is None
    assert import_folder(tmp_path / "a")[2] is None


def test_equal_models_give_equal_bytes_however_they_are_held(params: Params, tokenizer: Path, tmp_path: Path) -> None:
    save_params(tmp_path / "ours", params)
    export_folder(params, CONFIG, tokenizer, tmp_path / "a")
    export_folder(jax.tree.map(np.asarray, params), CONFIG, tokenizer, tmp_path / "b")
    with tensors.mapped(tmp_path / "ours") as held:
        export_folder(held, CONFIG, tokenizer, tmp_path / "c")
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b") == hashes(tmp_path / "c")


@pytest.mark.parametrize("shard_bytes", [1, 700, 10**9])
def test_it_comes_back_bit_for_bit(params: Params, tokenizer: Path, tmp_path: Path, shard_bytes: int) -> None:
    export_folder(params, CONFIG, tokenizer, tmp_path / "a", shard_bytes=shard_bytes)
    config, again, words = import_folder(tmp_path / "a")
    assert config == CONFIG
    assert words == tmp_path / "a" / "tokenizer.json"
    equal(again, params)
    assert {leaf.dtype for leaf in jax.tree.leaves(again)} == {jnp.dtype("float32")}
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(again))
    export_folder(again, config, words, tmp_path / "b", shard_bytes=shard_bytes)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_bfloat16_is_rounded_once(params: Params, tmp_path: Path) -> None:
    export_folder(params, CONFIG, None, tmp_path / "a", dtype="bfloat16")
    config, again, _ = import_folder(tmp_path / "a")
    equal(again, jax.tree.map(lambda w: w.astype(jnp.bfloat16).astype(jnp.float32), params))
    assert not np.array_equal(again["embedding"], params["embedding"])
    export_folder(again, config, None, tmp_path / "b", dtype="bfloat16")
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_large_models_are_cut_into_files_with_an_index(params: Params, tmp_path: Path) -> None:
    out = tmp_path / "a"
    export_folder(params, CONFIG, None, out, shard_bytes=1200)
    index = read_json(out / "model.safetensors.index.json")
    files = sorted(path.name for path in out.glob("*.safetensors"))
    assert files == [f"model-{n:05d}-of-{len(files):05d}.safetensors" for n in range(1, len(files) + 1)]
    assert len(files) > 2
    found = {}
    for name in files:
        for tensor, value in safetensors.numpy.load_file(out / name).items():
            found[tensor] = (name, value.nbytes)
    assert index["weight_map"] == {tensor: name for tensor, (name, _) in found.items()}
    assert index["metadata"]["total_size"] == sum(size for _, size in found.values())
    assert not (out / "model.safetensors").exists()


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 120))
def test_files_hold_every_tensor_in_order_and_no_more_than_allowed(sizes: list[int], most: int) -> None:
    wanted = [Place(str(n), (size,), "norm", None) for n, size in enumerate(sizes)]
    files = tensors._cut(wanted, 4, most)
    assert [place for file in files for place in file] == wanted
    totals = [sum(4 * place.shape[0] for place in file) for file in files]
    assert all(total <= most or len(file) == 1 for total, file in zip(totals, files, strict=True))
    for total, after in zip(totals, files[1:], strict=False):
        assert total + 4 * after[0].shape[0] > most  # no file ends sooner than it must


class OneAtATime:
    """A stack of weights that is never given whole."""

    def __init__(self, stack: Any) -> None:
        self.stack, self.shape = np.asarray(stack), stack.shape

    def __getitem__(self, at: int) -> Any:
        assert isinstance(at, int)
        return self.stack[at]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise AssertionError("the whole stack was asked for")


def test_layers_are_taken_one_at_a_time(params: Params, tmp_path: Path) -> None:
    lazily = {**params, "layers": {name: OneAtATime(stack) for name, stack in params["layers"].items()}}
    export_folder(lazily, CONFIG, None, tmp_path / "a")
    equal(import_folder(tmp_path / "a")[1], params)


def test_what_is_there_is_never_overwritten(params: Params, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("")
    for name in ("full", "file"):
        with pytest.raises(BadInput, match="there is something already"):
            export_folder(params, CONFIG, None, tmp_path / name)
    with pytest.raises(BadInput, match="cannot be made"):
        export_folder(params, CONFIG, None, tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    export_folder(params, CONFIG, None, tmp_path / "empty")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "full"]


def test_a_failure_half_way_leaves_nothing(params: Params, tmp_path: Path) -> None:
    class Broken(OneAtATime):
        def __getitem__(self, at: int) -> Any:
            raise OSError(28, "No space left on device")

    broken = {**params, "layers": {**params["layers"], "down": Broken(params["layers"]["down"])}}
    with pytest.raises(OSError, match="No space"):
        export_folder(broken, CONFIG, None, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_weights_of_another_shape_are_refused(params: Params, tmp_path: Path) -> None:
    wider = ModelConfig(width=8, layers=2, heads=4, kv_heads=2, ffn=13, vocab=20, sequence=16)
    with pytest.raises(BadInput, match=r"layers.down: has shape \(2, 12, 8\), not \(2, 13, 8\)"):
        export_folder(params, wider, None, tmp_path / "a")
    with pytest.raises(BadInput, match="embedding: has shape None"):
        export_folder({key: params[key] for key in ("layers", "norm")}, CONFIG, None, tmp_path / "a")
    with pytest.raises(BadInput, match='"float8" is not one of float32, bfloat16'):
        export_folder(params, CONFIG, None, tmp_path / "a", dtype="float8")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("{", "this is not JSON"),
        ([], "not a tokenizer with the token"),
        ({"model": {"vocab": {"a": 0}}, "added_tokens": []}, "not a tokenizer with the token"),
        ({"model": {"vocab": {"a": 20}}, "added_tokens": [{"content": END_OF_TEXT, "id": 0}]}, "has 21 tokens"),
        ({"model": {"vocab": {"a": 1}}, "added_tokens": [{"content": END_OF_TEXT, "id": 20}]}, "has 21 tokens"),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_refused(params: Params, tmp_path: Path, data: Any, says: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    with pytest.raises(BadInput, match=says):
        export_folder(params, CONFIG, path, tmp_path / "a")
    with pytest.raises(BadInput, match="No such file"):
        export_folder(params, CONFIG, tmp_path / "none.json", tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.fixture
def folder(params: Params, tmp_path: Path) -> Path:
    """An exported model in one file, to be spoiled."""
    export_folder(params, CONFIG, None, tmp_path / "theirs")
    return tmp_path / "theirs"


def change(folder: Path, make: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path = folder / "model.safetensors"
    safetensors.numpy.save_file(make(safetensors.numpy.load_file(path)), path)


def test_half_precision_becomes_float32_exactly(folder: Path, params: Params) -> None:
    change(folder, lambda found: {name: value.astype(np.float16) for name, value in found.items()})
    equal(import_folder(folder)[1], jax.tree.map(lambda w: w.astype(jnp.float16).astype(jnp.float32), params))


def test_a_head_is_read_if_it_is_the_embedding(folder: Path, params: Params) -> None:
    change(folder, lambda found: {**found, "lm_head.weight": found["model.embed_tokens.weight"].copy()})
    equal(import_folder(folder)[1], params)
    change(folder, lambda found: {**found, "lm_head.weight": found["lm_head.weight"] * 2})
    with pytest.raises(BadInput, match=r"lm_head.weight: the output head is not the embedding"):
        import_folder(folder)


NORM = "model.norm.weight"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda w: {k: v for k, v in w.items() if k != NORM}, "17 weights, where 2 layers make 18; missing: " + NORM),
        (lambda w: {**w, "model.extra": np.ones(2)}, "19 weights, .*; unexpected: model.extra"),
        (lambda w: {("model.nrom.weight" if k == NORM else k): v for k, v in w.items()}, "missing: .*unexpected: "),
        (lambda w: {**w, NORM: np.ones(9, np.float32)}, r"model.norm.weight: has shape \(9,\), not \(8,\)"),
        (lambda w: {**w, NORM: np.ones(8, np.int32)}, "model.norm.weight: I32 is not one of F32, BF16, F16"),
        (lambda w: {**w, NORM: np.ones(8, np.float64)}, "F64 is not one of"),
        (lambda w: {**w, "model.norm.bias": np.ones(8, np.float32)}, "model.norm.bias: the model has biases"),
        (lambda w: {**w, "model.layers.0.self_attn.q_norm.weight": np.ones((4, 2))}, "queries and keys are normed"),
    ],
)
def test_weights_that_are_not_those_of_the_shape_are_refused(folder: Path, make: Any, says: str) -> None:
    change(folder, make)
    with pytest.raises(BadInput, match=says):
        import_folder(folder)


def test_a_claim_of_many_layers_costs_nothing(folder: Path) -> None:
    write_json(folder / "config.json", {**read_json(folder / "config.json"), "num_hidden_layers": 10**15})
    with pytest.raises(BadInput, match="18 weights, where 1000000000000000 layers make"):
        import_folder(folder)


def test_a_claim_of_a_large_vocabulary_costs_nothing(folder: Path) -> None:
    write_json(folder / "config.json", {**read_json(folder / "config.json"), "vocab_size": 10**15})
    with pytest.raises(BadInput, match=r"model.embed_tokens.weight: has shape \(20, 8\)"):
        import_folder(folder)


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_torn_file_is_refused(folder: Path, length: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BadInput, match="these weights cannot be read"):
        import_folder(folder)


def test_no_pickle_is_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BadInput, match="pickled .*any program"):
        import_folder(folder)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(BadInput, match=r"there is neither model.safetensors nor"):
        import_folder(folder)


@pytest.mark.parametrize(
    "name",
    [
        "../theirs.safetensors",
        "/etc/passwd",
        "/tmp/x.safetensors",
        "sub/model.safetensors",
        "..",
        "",
        "pytorch_model.bin",
        5,
        None,
    ],
)
def test_an_index_names_files_of_its_own_folder_only(folder: Path, name: Any) -> None:
    shutil.copyfile(folder / "model.safetensors", folder.parent / "theirs.safetensors")
    (folder / "model.safetensors").unlink()
    write_json(folder / "model.safetensors.index.json", {"weight_map": {NORM: name}})
    with pytest.raises(BadInput, match="is not a safetensors file of this folder"):
        import_folder(folder)


@pytest.mark.parametrize("index", [[], {}, {"weight_map": []}, {"weight_map": {}}])
def test_an_index_that_is_none(folder: Path, index: Any) -> None:
    (folder / "model.safetensors").unlink()
    write_json(folder / "model.safetensors.index.json", index)
    with pytest.raises(BadInput, match="no weight_map"):
        import_folder(folder)


def test_shards_that_are_missing_or_overlap_are_refused(params: Params, tmp_path: Path) -> None:
    out = tmp_path / "a"
    export_folder(params, CONFIG, None, out, shard_bytes=1200)
    first, second = sorted(out.glob("*.safetensors"))[:2]
    kept = first.read_bytes()
    shutil.copyfile(second, first)
    with pytest.raises(BadInput, match="the weight is in two files"):
        import_folder(out)
    first.unlink()
    with pytest.raises(BadInput, match="these weights cannot be read"):
        import_folder(out)
    first.write_bytes(kept)
    equal(import_folder(out)[1], params)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such folder"):
        import_folder(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"config.json: No such file"):
        import_folder(tmp_path)
    (tmp_path / "config.json").write_text("not { json")
    with pytest.raises(BadInput, match="this is not JSON"):
        import_folder(tmp_path)


def test_mapped_weights_are_the_weights(params: Params, tmp_path: Path) -> None:
    save_params(tmp_path / "ours", params)
    with tensors.mapped(tmp_path / "ours") as held:
        assert {name: leaf.shape for name, leaf in flatten(held).items()} == {
            name: leaf.shape for name, leaf in flatten(params).items()
        }
        equal(nest({name: np.asarray(leaf) for name, leaf in flatten(held).items()}), params)
    (tmp_path / "ours").write_bytes(b"no")
    with pytest.raises(BadInput, match="cannot be read"), tensors.mapped(tmp_path / "ours"):
        pass
