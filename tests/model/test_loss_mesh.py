from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jax.sharding import AbstractMesh

from leaven.ground.errors import BadInput
from leaven.model.execution import Execution
from leaven.model.vocabulary import Part

PROGRAM = Path(__file__).with_name("loss_mesh_work.py")
MESHES = ("8x1", "4x2", "2x4")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the program measured in a process with eight devices."""
    devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, PROGRAM], env={**os.environ, **devices}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


@pytest.mark.parametrize("mesh", MESHES)
def test_values_and_gradients_are_those_of_one_device(found: dict[str, Any], mesh: str) -> None:
    for case, result in found[mesh].items():
        assert result["difference"] < (0.01 if case == "bfloat16" else 1e-5), case
        assert result["scores"] < 1e-5, case


@pytest.mark.parametrize("mesh", MESHES)
def test_no_device_holds_the_logits_of_its_tokens_and_gradients_are_born_where_they_are_kept(
    found: dict[str, Any], mesh: str
) -> None:
    for case in {*found[mesh]} - {"model"}:
        assert found[mesh][case]["largest"] < found[mesh][case]["logits"], case
        assert found[mesh][case]["placed"], case


def test_where_data_divides_the_embedding_its_gradient_is_summed_in_pieces(found: dict[str, Any]) -> None:
    spread = [*(found[mesh]["vocabulary"] for mesh in MESHES), found["4x2"]["width"]]
    for result in spread:
        assert result["scatters"]
        assert result["reduced"] < result["table"]
    assert not found["4x2"]["neither"]["scatters"]
    assert found["4x2"]["neither"]["reduced"] == found["4x2"]["neither"]["table"]


def test_what_does_not_divide_is_refused() -> None:
    how = Execution(mesh=AbstractMesh((4, 2), ("data", "model")))
    with pytest.raises(BadInput, match="30 tokens"):
        Part.of(how, 30, (64, 8))
    with pytest.raises(BadInput, match="vocabulary of 63"):
        Part.of(how, 32, (63, 8))
