"""The published settings, and the bands that err least."""

from __future__ import annotations

import json

import pytest

from leaven.corpus.dedup.near import Near, optimal_bands, preset, presets
from leaven.ground.errors import BadInput


def test_published_settings():
    rows = {name: (n.tokens, n.ngram, n.permutations, n.threshold, n.bands, n.rows) for name, n in presets().items()}
    assert rows == {
        "starcoder1": ("starcoder1", 5, 256, 0.7, 25, 10),
        "stack2": ("stack2", 5, 250, 0.7, 25, 10),
        "slimpajama": ("slimpajama", 13, 128, 0.8, 9, 13),
        "datatrove": ("words", 5, 112, 0.72, 14, 8),
    }
    assert all(near.short == "keep" for near in presets().values())


@pytest.mark.parametrize(
    ("threshold", "permutations", "expected"),
    [(0.7, 256, (25, 10)), (0.7, 250, (25, 10)), (0.8, 128, (9, 13)), (0.85, 256, (13, 19)), (0.5, 128, (25, 5))],
)
def test_optimal_bands_are_those_of_datasketch(threshold, permutations, expected):
    """Figures of datasketch's integration by scipy's quad."""
    assert optimal_bands(threshold, permutations) == expected


def test_a_changed_threshold_finds_its_bands():
    changed = preset("starcoder1", threshold=0.6)
    assert (changed.bands, changed.rows) == (32, 8)
    assert preset("starcoder1", threshold=0.6, bands=20, rows=10).bands == 20
    assert preset("starcoder1", short="faithful").rows == 10


def test_the_curve():
    near = preset("starcoder1")
    assert near.caught(0.5) < 0.03
    assert 0.5 < near.caught(0.7) < 0.6
    assert near.caught(0.9) > 0.999


def test_identity_is_plain_data_and_tells_settings_apart():
    one, other = preset("starcoder1").identity(), preset("starcoder1", seed=1).identity()
    assert json.loads(json.dumps(one)) == one
    assert one != other
    assert one["version"] == "minhash/1"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bands": 30, "rows": 10}, "permutations"),
        ({"tokens": "chars"}, "tokens"),
        ({"ngram": 9, "min_tokens": 5}, "min_tokens"),
        ({"threshold": 0.0, "bands": 1, "rows": 1}, "threshold"),
        ({"short": "drop"}, "short"),
        ({"rows": 0}, "rows"),
        ({"band": 3}, "band"),
    ],
)
def test_what_cannot_be_is_refused(changes, field):
    with pytest.raises(BadInput) as caught:
        preset("starcoder1", **changes)
    assert caught.value.field == field


def test_longer_ngrams_need_longer_documents():
    assert preset("starcoder1", ngram=9).min_tokens == 9
    assert preset("starcoder1", ngram=3).min_tokens == preset("starcoder1").min_tokens


def test_unknown_settings_are_named():
    with pytest.raises(BadInput, match="starcoder1"):
        preset("starcoder")
    assert Near("words", 1, 4, 2, 2, 0.5, 1).ngram == 1
