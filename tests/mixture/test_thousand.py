"""A thousand sources with shares from 0.0001 to 0.9: exact at every stage boundary, near at every prefix."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.mixture.shard import Shard
from leaven.mixture.stream import StageStream

from .thousand import NAMES, WEIGHTS, shards

T = 4
TEN_THOUSANDTHS = {name: round(weight * 10_000) for name, weight in WEIGHTS.items()}

few = settings(max_examples=15, deadline=None)
sizes = st.one_of(st.integers(0, 2000), st.integers(9_000, 40_000))


@pytest.fixture(scope="module")
def sources() -> dict[str, Shard]:
    return shards(T)


def largest_remainder(parts: dict[str, int], total: int) -> dict[str, int]:
    """The apportionment in whole numbers: parts of their sum, ties to the name that sorts first."""
    whole = sum(parts.values())
    counts = {name: part * total // whole for name, part in parts.items()}
    by_remainder = sorted(parts, key=lambda name: (-(parts[name] * total % whole), name))
    for name in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def rows(stage: StageStream, stop: int | None = None) -> dict[str, int]:
    return {name: entry["rows"] for name, entry in stage.ledger(stop).items()}


def test_ten_thousand_samples_are_the_weights_themselves(sources):
    stage = StageStream(sources, WEIGHTS, 10_000, T, 1)
    assert rows(stage) == TEN_THOUSANDTHS
    assert (min(TEN_THOUSANDTHS.values()), max(TEN_THOUSANDTHS.values()), len(TEN_THOUSANDTHS)) == (1, 9000, 1000)


@few
@given(st.lists(sizes, min_size=1, max_size=4), st.integers(0, 2**32))
def test_every_stage_of_a_chain_is_exact_and_goes_on_where_the_last_one_stopped(sources, lengths, seed):
    """Whatever the boundaries: what was drawn is what was apportioned, and the cursor is the sum of it."""
    total = dict.fromkeys(NAMES, 0)
    for samples in lengths:
        stage = StageStream(sources, WEIGHTS, samples, T, seed, total)
        expected = largest_remainder(TEN_THOUSANDTHS, samples)
        stage.audit()
        assert rows(stage) == expected
        total = {name: total[name] + expected[name] for name in NAMES}
        assert stage.cursor_after() == total


@few
@given(st.integers(0, 2**32), sizes, st.lists(st.floats(0, 1), max_size=6))
def test_any_weights_between_are_exact_and_every_prefix_is_near_its_share(sources, seed, samples, places):
    """Prefix p holds of source s, with quota n of N: p n / N within 1/2 + S n / 2N, here in whole numbers."""
    rng = random.Random(seed)
    millionths = {name: round(10 ** rng.uniform(2, 5.954)) for name in NAMES}
    stage = StageStream(sources, {name: part / 10**6 for name, part in millionths.items()}, samples, T, 1)
    stage.audit()
    n_S = np.array(list(rows(stage).values()))
    assert rows(stage) == largest_remainder(millionths, samples)
    drawn_sources = int((n_S > 0).sum())
    source, _, _ = stage.positions(0, samples)
    names = [name for name, quota in stage.quotas.items() if quota]
    for p in (int(place * samples) for place in places):
        ledger = rows(stage, p)
        counted = np.bincount(source[:p], minlength=len(names))
        assert ledger == dict.fromkeys(NAMES, 0) | dict(zip(names, counted.tolist(), strict=True))
        off_S = np.abs(2 * samples * np.array(list(ledger.values())) - 2 * p * n_S)
        assert (off_S <= samples + drawn_sources * n_S).all()


@few
@given(st.lists(st.integers(1, 20_000), min_size=2, max_size=3), st.sampled_from([0, 1, 2, 500, 999]))
def test_a_source_goes_through_a_chain_as_if_it_were_alone(sources, lengths, which):
    """Its rows and epochs over all stages are those of one stage of it only: nothing skipped, nothing twice."""
    name, total, seen = NAMES[which], dict[str, int](), []
    for samples in lengths:
        stage = StageStream(sources, WEIGHTS, samples, T, 9, total)
        source, epoch, row = stage.positions(0, samples)
        drawn = [n for n, quota in stage.quotas.items() if quota]
        mine = source == drawn.index(name) if name in drawn else np.zeros(samples, bool)
        seen += list(zip(epoch[mine].tolist(), row[mine].tolist(), strict=True))
        total = stage.cursor_after()
    alone = StageStream(sources, {name: 1}, len(seen), T, 9)
    _, epoch, row = alone.positions(0, len(seen))
    assert seen == list(zip(epoch.tolist(), row.tolist(), strict=True))
    has = sources[name].rows(T)
    for a, b in pairwise(range(0, len(seen) + 1, has)):
        assert {row for _, row in seen[a:b]} == set(range(has))
