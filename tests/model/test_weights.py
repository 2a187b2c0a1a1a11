from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from leaven.ground.errors import LeavenError
from leaven.model.config import ModelConfig
from leaven.model.init import init
from leaven.model.weights import load_params, save_params

CONFIG = ModelConfig(width=8, layers=2, heads=2, ffn=12, vocab=20, sequence=8)


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
