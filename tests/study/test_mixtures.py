from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.study.mixtures import flatten, without

SOURCES = ["text", "web_code", "markup"]
PAPER = {"code": {"web_code": 0.8, "markup": 0.2}, "mostly_text": {"text": 0.9, "code": 0.1}}


def test_nested_mixture_of_the_paper():
    assert flatten("mostly_text", PAPER, SOURCES) == {"markup": 0.02, "text": 0.9, "web_code": 0.08}
    assert flatten("text", PAPER, SOURCES) == {"text": 1.0}


@given(st.dictionaries(st.sampled_from(SOURCES), st.floats(0, 1e6), min_size=1).filter(lambda w: sum(w.values()) > 0))
def test_flat_weights_sum_to_one_and_keep_ratios(weights):
    flat = flatten("m", {"m": weights}, SOURCES)
    assert sum(flat.values()) == pytest.approx(1)
    total = sum(weights.values())
    assert all(flat[name] == pytest.approx(weights[name] / total) for name in flat)


@given(st.floats(0.01, 100))
def test_scale_of_weights_does_not_matter(factor):
    scaled = {"m": {name: weight * factor for name, weight in PAPER["code"].items()}}
    flat = flatten("m", scaled, SOURCES)
    assert flat == pytest.approx(flatten("code", PAPER, SOURCES))


@pytest.mark.parametrize(
    ("mixtures", "says"),
    [
        ({"m": {"n": 1.0}, "n": {"m": 1.0}}, "circle: m → n → m"),
        ({"m": {"m": 1.0}}, "circle: m → m"),
        ({"m": {"text": -0.1, "markup": 1.0}}, "negative"),
        ({"m": {"text": 0.0}}, "sum to zero"),
        ({"m": {"txt": 1.0}}, 'did you mean "text"'),
        ({"text": {"markup": 1.0}}, "a source and a mixture"),
    ],
)
def test_bad_mixtures_are_named(mixtures, says):
    with pytest.raises(BadInput, match=says):
        flatten(next(iter(mixtures)), mixtures, SOURCES)


def test_absent_sources_give_their_share_to_the_others():
    flat = flatten("mostly_text", PAPER, SOURCES)
    assert without(flat, {"markup"}) == pytest.approx({"text": 0.9 / 0.98, "web_code": 0.08 / 0.98})
    assert without(flat, set()) == flat
    assert without({"text": 1.0}, {"text"}) == {}
