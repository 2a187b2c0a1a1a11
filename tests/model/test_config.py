from __future__ import annotations

import jax
import pytest

from leaven.ground.errors import BadInput
from leaven.model.config import SIZES, ModelConfig, count_parameters, flops_per_token, from_size
from leaven.model.init import init, shapes


def test_the_count_is_exact() -> None:
    for config in (
        ModelConfig(width=24, layers=2, heads=2, ffn=40, vocab=50, sequence=16),
        ModelConfig(width=32, layers=3, heads=4, kv_heads=2, ffn=24, vocab=77, sequence=16),
    ):
        assert count_parameters(config) == sum(x.size for x in jax.tree.leaves(init(config, 0)))


@pytest.mark.parametrize(
    ("name", "millions", "within"),
    [("0.3m", 0.28, 0.01), ("1m", 1.0, 0.1), ("3m", 3.0, 0.1), ("7m", 7.0, 0.1), ("470m", 467.7, 0.05)],
)
def test_the_named_sizes_have_the_parameters_they_are_named_for(name: str, millions: float, within: float) -> None:
    config = from_size(name, SIZES[name]["vocab"], 128)
    assert count_parameters(config) / 1e6 == pytest.approx(millions, abs=within)


def test_flops_follow_the_stated_formula() -> None:
    config = ModelConfig(width=8, layers=2, heads=2, ffn=16, vocab=10, sequence=4)
    multiplied = 10 * 8 + 2 * (4 * 8 * 8 + 3 * 8 * 16)
    assert flops_per_token(config) == 6 * multiplied + 6 * 2 * 8 * 4


def test_an_unknown_size_suggests_the_near_one() -> None:
    with pytest.raises(BadInput, match='did you mean "470m"'):
        from_size("470M", 100, 16)


@pytest.mark.parametrize("fields", [{"heads": 3}, {"heads": 8}, {"kv_heads": 3}, {"layers": 0}])
def test_impossible_shapes_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        ModelConfig(**{"width": 8, "layers": 1, "heads": 2, "ffn": 8, "vocab": 9, "sequence": 4, **fields})


def test_every_shape_is_named_once() -> None:
    assert len(shapes(from_size("0.3m", 2048, 128))) == 10
