"""Components against a plain union-find, however the documents are cut into parts."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.dedup.components import components
from leaven.corpus.dedup.keepers import Cluster, clusters, keep
from leaven.corpus.dedup.minhash import band_keys, signatures
from leaven.corpus.dedup.near import preset
from leaven.ground.errors import LeavenError


def plain(keys: np.ndarray, alike) -> list[int]:
    """Union of every pair that shares a key other than 0 in some band and is alike, by repeated relabelling."""
    labels = list(range(keys.shape[0]))
    for band in keys.T:
        for i, one in enumerate(band):
            for j in range(i):
                if one and one == band[j] and alike(i, j):
                    low, high = sorted((labels[i], labels[j]))
                    labels = [low if label == high else label for label in labels]
    return labels


def written(folder: Path, arrays: list[np.ndarray], name: str) -> list[Path]:
    paths = [folder / f"{name}{n}.npy" for n in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        np.save(path, array)
    return paths


def split(array: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    places = [0, *sorted(cut % (len(array) + 1) for cut in cuts), len(array)]
    return [array[first:last] for first, last in pairwise(places)]


documents = st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), max_size=25)


@given(documents, st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=100, deadline=None)
def test_candidates_are_connected(rows, cuts):
    keys = np.array(rows, np.uint64).reshape(-1, 3)
    with tempfile.TemporaryDirectory() as folder:
        parts = written(Path(folder), [np.ascontiguousarray(part.T) for part in split(keys, cuts)], "bands")
        assert components(parts).tolist() == plain(keys, lambda i, j: True)


@given(st.lists(st.lists(st.integers(0, 1), min_size=6, max_size=6), max_size=12), st.lists(st.integers(0, 30)))
@settings(max_examples=100, deadline=None)
def test_verified_pairs_are_connected(rows, cuts):
    """With buckets of less than nine members every pair of a bucket is tried until each has a leader or is one."""
    signed = np.array(rows, np.uint32).reshape(-1, 6)
    keys = np.concatenate((signed[:, :2] @ [1, 2] + 1, signed[:, 2:4] @ [1, 2] + 1)).reshape(2, -1).T.astype(np.uint64)
    with tempfile.TemporaryDirectory() as folder:
        parts = written(Path(folder), [np.ascontiguousarray(part.T) for part in split(keys, cuts)], "bands")
        signs = written(Path(folder), split(signed, cuts), "signatures")
        found = components(parts, signatures=signs, threshold=0.9)
    assert found.tolist() == plain(keys, lambda i, j: (signed[i] == signed[j]).mean() >= 0.9)


def test_long_chains():
    count = 5000
    keys = np.zeros((2, count), np.uint64)
    keys[0, 0::2] = keys[0, 1::2] = np.arange(1, count // 2 + 1)
    keys[1, 1:-1:2] = keys[1, 2::2] = np.arange(1, count // 2)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = written(Path(folder), [keys], "bands")
        assert (components([path]) == 0).all()


def test_a_false_candidate_is_not_joined(tmp_path):
    near = preset("starcoder1")
    words = [f"word{n}" for n in range(400)]
    copy = [*words[:-12], *(f"other{n}" for n in range(12))]
    half = [*words[:300], *(f"third{n}" for n in range(100))]
    signed = signatures([" ".join(t) for t in (words, copy, half)], near)
    keys = band_keys(signed, near)
    keys[2, 4] = keys[0, 4]
    bands = written(tmp_path, [np.ascontiguousarray(keys.T)], "bands")
    signs = written(tmp_path, [signed], "signatures")
    assert components(bands).tolist() == [0, 0, 0]
    assert components(bands, signatures=signs, threshold=near.threshold).tolist() == [0, 0, 2]


def test_parts_of_different_settings_are_refused(tmp_path):
    parts = written(tmp_path, [np.ones((2, 3), np.uint64), np.ones((4, 1), np.uint64)], "bands")
    with pytest.raises(LeavenError, match="2, 4"):
        components(parts)


def test_nothing(tmp_path):
    assert components([]).tolist() == []
    assert components(written(tmp_path, [np.zeros((3, 0), np.uint64)], "bands")).tolist() == []


def test_one_of_each_component_is_kept():
    labels = np.array([0, 0, 2, 0, 2, 5])
    source = np.array([1, 0, 0, 0, 0, 3])
    stars = np.array([9, 5, 1, 7, 1, 0])
    assert np.flatnonzero(keep(labels)).tolist() == [0, 2, 5]
    assert np.flatnonzero(keep(labels, (source, -stars))).tolist() == [2, 3, 5]
    assert keep(np.zeros(0, np.int64)).tolist() == []


def test_clusters_are_shown_largest_first():
    labels = np.array([0, 0, 2, 0, 2, 5])
    stars = np.array([9, 5, 1, 12, 1, 0])
    assert clusters(labels, (-stars,), shown=2) == [Cluster(3, 3, (3, 0)), Cluster(2, 2, (2, 4))]
    assert clusters(labels, top=1) == [Cluster(3, 0, (0, 1, 3))]
    assert clusters(np.arange(4)) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3))))
def test_the_keeper_is_the_smallest(rows):
    labels, first, second = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    best = {label: min((a, b, i) for i, (other, a, b) in enumerate(rows) if other == label)[2] for label, _, _ in rows}
    assert np.flatnonzero(keep(labels, (first, second))).tolist() == sorted(best.values())
