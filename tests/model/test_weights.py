from __future__ import annotations

import hashlib
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import LeavenError
from leaven.model import weights
from leaven.model.config import ModelConfig
from leaven.model.init import init
from leaven.model.weights import CODES, encode, load_params, save_params, stream, write_arrays

CONFIG = ModelConfig(width=8, layers=2, heads=2, ffn=12, vocab=20, sequence=8)


def filled(dtype: str, shape: list[int], seed: int) -> np.ndarray:
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    return np.random.default_rng(seed).integers(0, 2, shape).astype(kind)


ARRAYS = st.dictionaries(
    st.text('ab.cé"\\[:,]', min_size=1, max_size=6),
    st.builds(
        filled, st.sampled_from([*CODES, ">f4", ">i8"]), st.lists(st.integers(0, 3), max_size=3), st.integers(0, 99)
    ),
    max_size=6,
)


def test_what_is_saved_is_loaded_and_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    params = init(CONFIG, 0)
    save_params(tmp_path / "a", params)
    again = load_params(tmp_path / "a")
    jax.tree.map(np.testing.assert_array_equal, again, params)
    save_params(tmp_path / "b", again)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_torn_file_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    save_params(tmp_path / "a", init(CONFIG, 0))
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-1])
    with pytest.raises(LeavenError, match="cannot read weights from a"):
        load_params(tmp_path / "a")
    with pytest.raises(LeavenError):
        load_params(tmp_path / "b")


@given(ARRAYS)
def test_the_stream_is_what_the_library_writes_at_once(arrays: dict[str, np.ndarray]) -> None:
    assert encode(arrays) == safetensors.numpy.save(arrays)


def test_arrays_of_any_kind_and_order_give_the_bytes_of_their_values() -> None:
    whole = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "n": np.int32(3), "j": jnp.arange(4.0)}
    plain = {"j": np.arange(4, dtype=np.float32), "n": np.array(3, np.int32), "a": np.ascontiguousarray(whole["a"])}
    assert encode(whole) == safetensors.numpy.save(plain)
    with pytest.raises(LeavenError, match="cannot save x: no safetensors type for complex128"):
        encode({"x": np.zeros(2, np.complex128)})


def test_an_array_is_fetched_when_its_turn_comes_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[int, ...]] = []
    on_host = weights.on_host

    def fetch(value: jax.Array) -> np.ndarray:
        fetched.append(value.shape)
        return on_host(value)

    monkeypatch.setattr(weights, "on_host", fetch)
    parts = stream({"a": jnp.zeros(1), "b": jnp.zeros(2), "c": jnp.zeros(3)})
    seen = []
    for part in parts:
        seen.append(len(fetched))
        assert len(part) == 4 * len(fetched) or not fetched
    assert seen == [0, 1, 2, 3]


def test_the_hash_is_that_of_the_file_and_a_failed_write_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    sha256 = write_arrays(path, {"a": np.arange(5)})
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    with pytest.raises(LeavenError):
        write_arrays(path, {"a": np.zeros(2, np.complex128)})
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert list(tmp_path.iterdir()) == [path]
