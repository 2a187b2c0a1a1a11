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


COUNTS = {
    "0.3m": 281_856,
    "1m": 1_065_600,
    "3m": 3_048_768,
    "7m": 6_949_120,
    "30m": 29_889_024,
    "100m": 99_787_776,
    "150m": 150_517_248,
    "470m": 467_682_304,
    "2.8b": 2_793_868_800,
}
LOOSE = {"0.3m": 0.07, "1m": 0.07, "3m": 0.02}
"""How far the smallest are from their names, which are older than the rule: stores hold results of these shapes."""


@pytest.mark.parametrize("name", SIZES)
def test_a_size_has_the_parameters_it_is_named_for(name: str) -> None:
    count = count_parameters(from_size(name))
    assert count == COUNTS[name]
    named = float(name[:-1]) * {"m": 1e6, "b": 1e9}[name[-1]]
    assert abs(count / named - 1) < LOOSE.get(name, 0.01)


@pytest.mark.parametrize("name", SIZES)
def test_a_size_says_how_it_is_trained(name: str) -> None:
    size = SIZES[name]
    assert size["precision"] == ("float32" if COUNTS[name] < 31e6 else "bfloat16")
    assert size["sequence"] >= 128
    assert size["batch"] >= 16
    assert from_size(name).sequence == size["sequence"]


@pytest.mark.parametrize("name", ["470m", "2.8b"])
def test_the_papers_sizes_are_the_papers_where_it_speaks(name: str) -> None:
    size, config = SIZES[name], from_size(name)
    assert (config.vocab, config.sequence, size["batch"]) == (256_000, 8192, 512)
    assert size["inferred"] is True
    assert config.head == 128
    assert config.logit_scale == 0.0625


def test_the_number_of_heads_is_not_part_of_the_count() -> None:
    assert count_parameters(from_size("470m", heads=16)) == COUNTS["470m"]
    assert {name for name, size in SIZES.items() if "inferred" in size} == {"470m", "2.8b"}


def test_a_field_of_a_size_can_be_changed() -> None:
    config = from_size("1m", vocab=500, sequence=64, heads=2, kv_heads=1, rope_theta=8e6)
    assert (config.vocab, config.sequence, config.head, config.kv_heads) == (500, 64, 64, 1)
    assert config.rope_theta == 8e6
    assert config.width == SIZES["1m"]["width"]
    with pytest.raises(BadInput, match=r"model\.heads"):
        from_size("1m", heads=3)


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
