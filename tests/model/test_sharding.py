from __future__ import annotations

import jax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import AbstractMesh, NamedSharding
from jax.sharding import PartitionSpec as P

from leaven.model.config import ModelConfig, from_size
from leaven.model.init import shapes
from leaven.model.sharding import spec_of


def mesh(data: int, model: int) -> AbstractMesh:
    return AbstractMesh((data, model), ("data", "model"))


def test_every_weight_of_the_papers_models_is_spread_over_all_devices() -> None:
    for size in ("470m", "2.8b"):
        for name, shape in shapes(from_size(size, 256_000, 8192)).items():
            local = NamedSharding(mesh(64, 4), spec_of(name, shape, mesh(64, 4))).shard_shape(shape)
            if not name.endswith("norm"):
                assert jax.numpy.prod(jax.numpy.array(local)) * 256 == jax.numpy.prod(jax.numpy.array(shape)), name


def test_heads_channels_and_vocabulary_lie_over_model_and_the_other_axis_over_data() -> None:
    at = {name: spec_of(name, shape, mesh(4, 2)) for name, shape in shapes(from_size("1m", 2048, 32)).items()}
    assert at["embedding"] == P(("model", "data"), None)
    assert {at[f"layers.{name}"] for name in ("query", "key", "value", "gate", "up")} == {P(None, "data", "model")}
    assert {at[f"layers.{name}"] for name in ("output", "down")} == {P(None, "model", "data")}
    assert at["norm"] == at["layers.norm"] == P()


def test_an_axis_that_does_not_divide_stays_whole_and_data_takes_another() -> None:
    assert spec_of("embedding", (50, 16), mesh(4, 2)) == P("model", "data")
    assert spec_of("embedding", (51, 16), mesh(4, 2)) == P(None, "data")
    assert spec_of("embedding", (50, 15), mesh(4, 2)) == P("model", None)
    assert spec_of("layers.gate", (3, 15, 16), mesh(4, 2)) == P(None, None, ("model", "data"))
    assert spec_of("layers.down", (3, 16, 15), mesh(4, 2)) == P(None, ("model", "data"), None)
    assert spec_of("layers.key", (3, 16, 9), mesh(4, 2)) == P(None, "data", None)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.sampled_from([(1, 1), (3, 2), (8, 1), (2, 4)]))
def test_every_shape_has_a_placement(vocab: int, heads: int, ffn: int, parts: tuple[int, int]) -> None:
    config = ModelConfig(width=2 * heads, layers=3, heads=heads, ffn=ffn, vocab=vocab, sequence=8)
    for name, shape in shapes(config).items():
        # Raises where an axis does not divide.
        local = NamedSharding(mesh(*parts), spec_of(name, shape, mesh(*parts))).shard_shape(shape)
        assert len(local) == len(shape)
        assert name == "embedding" or local[0] == shape[0]


def test_an_unknown_weight_is_not_placed() -> None:
    with pytest.raises(KeyError):
        spec_of("layers.gait", (3, 4, 4), mesh(2, 1))
