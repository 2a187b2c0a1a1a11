"""Exported folders in the hands of `transformers`: it needs no code of ours and asks no network.

A small model is trained on the standard library's own text, so that what is compared has learnt something: its logits
are not flat and its continuations are words.
"""

from __future__ import annotations

import inspect
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.document import Document, write_documents
from leaven.corpus.shards import write_shards
from leaven.corpus.tokenizer import END_OF_TEXT, Tokenizer, train_tokenizer
from leaven.ground.errors import BadInput
from leaven.model.config import ModelConfig
from leaven.model.decode import generate
from leaven.model.huggingface import export_folder, import_folder
from leaven.model.init import Params, init
from leaven.model.transformer import hidden, logits
from leaven.model.weights import load_params
from leaven.train.stage import StagePlan, run_stage

pytestmark = pytest.mark.peer

torch = pytest.importorskip("torch", reason="the peer environment holds torch: make test-peers")
transformers = pytest.importorskip("transformers", reason="the peer environment holds transformers: make test-peers")

LIBRARY = Path(inspect.getfile(inspect)).parent
CONFIG = ModelConfig(
    width=64, layers=3, heads=4, kv_heads=2, ffn=160, vocab=512, sequence=64, rope_theta=5000.0, logit_scale=0.25
)
RANDOM = {
    "plain": ModelConfig(width=64, layers=3, heads=4, ffn=96, vocab=211, sequence=70),
    "grouped keys": ModelConfig(width=96, layers=2, heads=6, kv_heads=2, ffn=80, vocab=130, sequence=45),
    "one key head, another base, scaled": ModelConfig(
        width=32, layers=2, heads=2, kv_heads=1, ffn=48, vocab=67, sequence=33, rope_theta=8e6, logit_scale=0.0625
    ),
}
PROMPTS = (
    "d",
    "import os",
    "def walk(top, down=True):\n    ",
    '"""A class for the names of files, which are read line by line.\n\n    ' * 3,
    "    for name in sorted(names):\n        if name.startswith('_'):\n            continue\n" * 4,
)
"""From one token to more tokens than the sequence that the model was trained on."""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus step's folder, its tokenizer and its shards."""
    folder = tmp_path_factory.mktemp("text")
    for side, pattern in (("train", "[a-c]*.py"), ("heldout", "d*.py")):
        (folder / side).mkdir()
        texts = [path.read_text(encoding="utf-8") for path in sorted(LIBRARY.glob(pattern))]
        documents = [Document(str(n), text, "p", str(n)) for n, text in enumerate(texts)]
        write_documents(folder / side / "text.parquet", documents)
    for name in ("tokenizer", "shards"):
        (folder / name).mkdir()
    train_tokenizer(folder, folder / "tokenizer", vocab=CONFIG.vocab, sample_bytes=200_000)
    write_shards(folder, "text", folder / "tokenizer", folder / "shards")
    return folder


@pytest.fixture(scope="module")
def trained(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Params:
    out, work = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("work")
    plan = StagePlan(
        model=CONFIG,
        seed=1,
        kind="pretrain",
        mixture={"text": 1.0},
        shards={"text": text / "shards"},
        steps=300,
        batch=8,
        sequence=CONFIG.sequence,
        schedule={"kind": "cosine", "peak": 1e-2, "final": 1e-3, "warmup": 20},
    )
    run_stage(plan, out, work)
    return load_params(out / "model.safetensors")


@pytest.fixture(scope="module")
def folder(trained: Params, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "model"
    export_folder(trained, CONFIG, text / "tokenizer" / "tokenizer.json", out)
    return out


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def theirs(folder: Path, **options: Any) -> Any:
    """The model as anyone loads it."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False, **options).eval()
    assert type(model) is transformers.CohereForCausalLM
    return model


def their_words(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def their_logits(model: Any, tokens: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = model(torch.from_numpy(tokens)).logits.float().numpy()
    return found


def our_logits(config: ModelConfig, params: Params, tokens: np.ndarray) -> np.ndarray:
    return np.asarray(jax.jit(lambda p, t: logits(p, config, hidden(p, config, t)))(params, tokens))


def test_logits_of_a_trained_checkpoint(folder: Path, trained: Params, text: Path) -> None:
    tokens = np.fromfile(text / "shards" / "heldout.bin", "<u2")[: 8 * CONFIG.sequence].astype(np.int64)
    tokens = tokens.reshape(8, CONFIG.sequence)
    model = theirs(folder)
    assert model.dtype == torch.float32
    expected = their_logits(model, tokens)
    scores = torch.log_softmax(torch.from_numpy(expected[:, :-1]), -1).numpy()
    loss = -np.take_along_axis(scores, tokens[:, 1:, None], -1).mean()
    assert loss < 0.75 * np.log(CONFIG.vocab)  # it has learnt something
    np.testing.assert_allclose(our_logits(CONFIG, trained, tokens), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", RANDOM)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_logits_of_random_weights(shape: str, attention: str, tmp_path: Path) -> None:
    config = RANDOM[shape]
    params = jax.tree.map(lambda w: 2 * w, init(config, 3))
    export_folder(params, config, None, tmp_path / "model", shard_bytes=30_000)
    assert len(list((tmp_path / "model").glob("*.safetensors"))) > 1
    tokens = np.random.default_rng(2).integers(0, config.vocab, (3, config.sequence))
    expected = their_logits(theirs(tmp_path / "model", attn_implementation=attention), tokens)
    assert expected.std() > 0.1
    np.testing.assert_allclose(our_logits(config, params, tokens), expected, atol=1e-4, rtol=0)


def continued(model: Any, prompt: list[int], new: int, eos: int | None = None) -> list[int]:
    """Their greedy continuation of one prompt."""
    model.generation_config.eos_token_id = eos
    ids = torch.tensor([prompt])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=new, pad_token_id=0)
    found: list[int] = out[0, len(prompt) :].tolist()
    return found


NEVER = -1
"""A stop token that no model chooses: continuations run to their full length."""


def test_greedy_continuations_token_for_token(folder: Path, trained: Params) -> None:
    words, model = their_words(folder), theirs(folder)
    prompts = [words(prompt)["input_ids"] for prompt in PROMPTS]
    assert len(prompts[0]) == 1
    assert len(prompts[-1]) > CONFIG.sequence
    ours = generate(trained, CONFIG, prompts, 80, stop=NEVER)
    assert [len(tokens) for tokens in ours] == [80] * len(PROMPTS)
    assert len({tuple(tokens) for tokens in ours}) > 1
    assert ours == [continued(model, prompt, 80) for prompt in prompts]


def test_greedy_continuations_of_random_weights(tmp_path: Path) -> None:
    config = RANDOM["grouped keys"]
    params = jax.tree.map(lambda w: 2 * w, init(config, 3))
    export_folder(params, config, None, tmp_path / "model")
    draw = np.random.default_rng(7)
    prompts = [draw.integers(0, config.vocab, length).tolist() for length in (1, 2, 17, 40)]
    model = theirs(tmp_path / "model")
    ours = generate(params, config, prompts, 64, stop=NEVER)
    assert ours == [continued(model, prompt, 64) for prompt in prompts]


def test_greedy_continuations_end_at_the_same_token(folder: Path, trained: Params) -> None:
    words, model = their_words(folder), theirs(folder)
    prompt = words(PROMPTS[2])["input_ids"]
    free = generate(trained, CONFIG, [prompt], 64, stop=NEVER)[0]
    stop = next(token for token in free if free.index(token) > 5)
    [ours] = generate(trained, CONFIG, [prompt], 64, stop=stop)
    assert 5 < len(ours) < 64
    assert [*ours, stop] == continued(model, prompt, 64, eos=stop)


def test_a_padded_batch_of_theirs(folder: Path, trained: Params) -> None:
    """As their users generate: a batch of texts, padded by the tokenizer, ended by the model's own end token."""
    words, model = their_words(folder), theirs(folder)
    batch = words(list(PROMPTS), return_tensors="pt", padding=True)
    out = model.generate(**batch, do_sample=False, max_new_tokens=60)
    found = [row[batch["input_ids"].shape[1] :].tolist() for row in out]
    ours = generate(trained, CONFIG, [words(prompt)["input_ids"] for prompt in PROMPTS], 60, stop=words.eos_token_id)
    assert ours == [tokens[: len(mine)] for tokens, mine in zip(found, ours, strict=True)]
    assert all(len(mine) == 60 or tokens[len(mine)] == 0 for tokens, mine in zip(found, ours, strict=True))


def test_the_tokenizer_is_the_same(folder: Path, text: Path) -> None:
    words, ours = their_words(folder), Tokenizer.load(text / "tokenizer" / "tokenizer.json")
    assert (len(words), words.model_max_length) == (ours.size, CONFIG.sequence)
    assert words.eos_token == words.bos_token == words.pad_token == END_OF_TEXT
    assert words.eos_token_id == words.bos_token_id == words.pad_token_id == ours.eot
    for path in sorted(LIBRARY.glob("[e-f]*.py")):
        source = path.read_text(encoding="utf-8")
        ids = words(source, verbose=False)["input_ids"]
        assert ids == ours.encode(source)
        assert words.decode(ids) == source


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(max_size=20)
        | st.sampled_from([END_OF_TEXT, " ,", " 's", "  \n\t", "\r\n", " n't", "1234567", "é", "\u0301"])
    ).map("".join)
)
def test_the_tokenizer_is_the_same_on_odd_text(folder: Path, text: Path, odd: str) -> None:
    words, ours = _both(folder, text)
    ids = words(odd)["input_ids"]
    assert ids == ours.encode(odd)
    assert ours.eot not in ids
    assert words.decode(ids) == odd


_LOADED: dict[Path, tuple[Any, Tokenizer]] = {}


def _both(folder: Path, text: Path) -> tuple[Any, Tokenizer]:
    if folder not in _LOADED:
        _LOADED[folder] = their_words(folder), Tokenizer.load(text / "tokenizer" / "tokenizer.json")
    return _LOADED[folder]


def test_bfloat16_weights_are_ours_rounded(trained: Params, tmp_path: Path) -> None:
    export_folder(trained, CONFIG, None, tmp_path / "model", dtype="bfloat16")
    model = theirs(tmp_path / "model", dtype="auto")
    assert model.dtype == torch.bfloat16
    rounded = jax.tree.map(lambda w: w.astype(jnp.bfloat16).astype(jnp.float32), trained)
    found = model.model.embed_tokens.weight.detach().float().numpy()
    np.testing.assert_array_equal(found, rounded["embedding"])
    tokens = np.arange(CONFIG.sequence)[None]
    full = theirs(tmp_path / "model", dtype=torch.float32)
    np.testing.assert_allclose(our_logits(CONFIG, rounded, tokens), their_logits(full, tokens), atol=1e-4, rtol=0)


def test_there_and_back_through_their_library(folder: Path, trained: Params, tmp_path: Path) -> None:
    theirs(folder).save_pretrained(tmp_path / "again")
    their_words(folder).save_pretrained(tmp_path / "again")
    for place in (folder, tmp_path / "again"):
        config, params, words = import_folder(place)
        assert config == CONFIG
        jax.tree.map(np.testing.assert_array_equal, params, trained)
        assert words == place / "tokenizer.json"
    export_folder(params, config, words, tmp_path / "third")
    source = (LIBRARY / "heapq.py").read_text(encoding="utf-8")
    ids = [their_words(place)(source, verbose=False)["input_ids"] for place in (folder, tmp_path / "third")]
    assert ids[0] == ids[1]
    assert (tmp_path / "third/model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def their_own(**fields: Any) -> Any:
    """A model that was never ours, with their own initial weights."""
    torch.manual_seed(0)
    shape = {
        "vocab_size": 90,
        "hidden_size": 48,
        "intermediate_size": 72,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 40,
        "initializer_range": 0.2,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    return transformers.CohereForCausalLM(transformers.CohereConfig(**{**shape, **fields})).eval()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("shard", ["5GB", "30KB"])
def test_a_model_of_theirs_is_read(dtype: str, shard: str, tmp_path: Path) -> None:
    model = their_own().to(getattr(torch, dtype))
    model.save_pretrained(tmp_path, max_shard_size=shard)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (shard != "5GB")
    config, params, words = import_folder(tmp_path)
    assert words is None
    expected = ModelConfig(
        width=48, layers=3, heads=4, kv_heads=2, ffn=72, vocab=90, sequence=40, rope_theta=5e5, logit_scale=0.0625
    )
    assert config == replace(expected, rope_theta=model.config.rope_parameters["rope_theta"])
    tokens = np.random.default_rng(3).integers(0, 90, (2, 40))
    full = their_logits(theirs(tmp_path, dtype=torch.float32), tokens)
    assert full.std() > 0.05
    np.testing.assert_allclose(our_logits(config, params, tokens), full, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"use_qk_norm": True}, "use_qk_norm"),
        ({"attention_bias": True}, "attention_bias"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "rope_parameters"),
        ({"head_dim": 16}, "head_dim"),
        ({"hidden_act": "gelu"}, "hidden_act"),
    ],
)
def test_a_model_of_theirs_that_is_not_ours_is_refused(fields: dict[str, Any], says: str, tmp_path: Path) -> None:
    their_own(**fields).save_pretrained(tmp_path)
    with pytest.raises(BadInput, match=says):
        import_folder(tmp_path)


def test_other_families_are_refused_by_name(tmp_path: Path) -> None:
    shape = {"vocab_size": 32, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    two = transformers.Cohere2ForCausalLM(
        transformers.Cohere2Config(**shape, num_key_value_heads=1, intermediate_size=16, pad_token_id=0)
    )
    two.save_pretrained(tmp_path / "two")
    gpt = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=32, n_embd=16, n_head=2, n_layer=1))
    gpt.save_pretrained(tmp_path / "gpt")
    for name, says in (("two", "Cohere2ForCausalLM"), ("gpt", "GPT2LMHeadModel")):
        with pytest.raises(BadInput, match=f"this is {says}.* not CohereForCausalLM"):
            import_folder(tmp_path / name)


def test_a_pickle_of_theirs_is_not_read(folder: Path, tmp_path: Path) -> None:
    model = their_own()
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(BadInput, match="pickled"):
        import_folder(tmp_path)
