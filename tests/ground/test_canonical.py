"""Identity is a function of the data and of nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.canonical import IDENTITY_LENGTH, canonical, identity, key64

TEXT = st.text(st.characters(codec="utf-8"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
DATA = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(DATA)
def test_canonical_data_is_read_back(data):
    assert json.loads(canonical(data)) == data


@given(DATA, DATA)
def test_equal_bytes_mean_equal_data(one, other):
    assert (canonical(one) == canonical(other)) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(data):
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(part) for part in data] if isinstance(data, list) else data


@given(st.dictionaries(TEXT, DATA, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(data, random):
    keys = list(data)
    random.shuffle(keys)
    assert identity({key: data[key] for key in keys}) == identity(data)


def test_an_integer_is_not_a_float_and_no_truth_is_a_number():
    assert len({identity(value) for value in (1, 1.0, True, "1", [1], None)}) == 6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {1, 2}, object(), b"bytes"])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises((TypeError, ValueError)):
        canonical([value])


def test_identities_are_pinned():
    """Golden: every store in the world is addressed by these."""
    assert canonical({"b": [1, 2.5, None], "a→": "é"}) == '{"a→":"é","b":[1,2.5,null]}'.encode()
    assert identity({"kind": "tokenizer", "fields": {"vocabulary": 2048}}) == "706b3b9ddede6f2731f90b0df70a9a9f"
    assert key64("order/1", 0, "text", 0) == 17537396253870270743


@given(st.lists(DATA, max_size=4))
def test_keys_are_64_bits_and_tell_parts_apart(parts):
    assert 0 <= key64(*parts) < 2**64
    assert key64(*parts) != key64(parts)
    assert len(identity(parts)) == IDENTITY_LENGTH


def test_keys_do_not_depend_on_the_process():
    code = "from leaven.ground.canonical import key64; print(key64('a', {'y': 1, 'x': [2.5]}))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{key64('a', {'x': [2.5], 'y': 1})}\n"}
