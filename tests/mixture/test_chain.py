"""A stage boundary is where the study puts it, to the sample.

In levanter#876 the second mixture of a curriculum began slightly before the step that was asked for; it was found by
comparing two runs that should have been identical up to there. This is that comparison.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaven.mixture import stream
from leaven.mixture.shard import Shard
from leaven.mixture.stream import StageStream

from .thousand import in_memory

T = 8
FIRST = {"text": 0.7, "code": 0.3}
MORE_CODE = {"text": 0.2, "code": 0.8}
CODE_FREE = {"text": 0.5, "books": 0.5}
OTHERS = {"books": 0.4, "markup": 0.6}

thorough = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
boundaries = st.integers(1, 90)


@pytest.fixture(params=[16, 1 << 14])
def shards(request, monkeypatch) -> dict[str, Shard]:
    """Sources without a token in common, read in blocks that end within the stages or beyond them."""
    monkeypatch.setattr(stream, "BLOCK", request.param)
    sizes = {"text": 50, "code": 20, "books": 30, "markup": 5}
    return {name: in_memory(name, rows * T + 1, 1000 * k) for k, (name, rows) in enumerate(sizes.items())}


def chain(shards: dict[str, Shard], *stages: tuple[dict[str, float], int]) -> list[StageStream]:
    """Stages of these mixtures and numbers of samples, each continuing where the one before it stopped."""
    made: list[StageStream] = []
    for weights, samples in stages:
        made.append(StageStream(shards, weights, samples, T, 1, made[-1].cursor_after() if made else {}))
    return made


def located(stages: list[StageStream]) -> list[tuple[str, int, int]]:
    return [stage.locate(i) for stage in stages for i in range(stage.samples)]


def tokens(stages: list[StageStream], call: int) -> np.ndarray:
    """All samples of the chain, read `call` at a time; the last call of a stage ends with it."""
    calls = [(s, i, min(s.samples, i + call)) for s in stages for i in range(0, s.samples, call)]
    return np.concatenate([stage.batch(start, stop) for stage, start, stop in calls])


@thorough
@given(boundary=boundaries, after=st.integers(1, 60), call=st.integers(1, 40))
def test_two_chains_are_one_up_to_the_stage_in_which_they_differ(shards, boundary, after, call):
    one = chain(shards, (FIRST, boundary), (MORE_CODE, after))
    two = chain(shards, (FIRST, boundary), (OTHERS, after))
    assert located(one)[:boundary] == located(two)[:boundary]
    same = (tokens(one, call) == tokens(two, call)).all(axis=1)
    assert same[:boundary].all()
    assert not same[boundary:].any(), "the mixtures have no source in common, so no sample after it can be the same"


@thorough
@given(boundary=boundaries, after=st.integers(1, 60))
def test_no_sample_of_a_mixture_comes_before_or_after_its_stage(shards, boundary, after):
    sources = [source for source, _, _ in located(chain(shards, (FIRST, boundary), (OTHERS, after)))]
    assert set(sources[:boundary]) <= set(FIRST)
    assert set(sources[boundary:]) <= set(OTHERS)


@thorough
@given(first=boundaries, second=st.integers(1, 60), third=st.integers(1, 60))
def test_what_follows_a_stage_changes_nothing_in_it(shards, first, second, third):
    """Chains of three stages that part at the second boundary, or only stop there, agree up to it."""
    short = located(chain(shards, (FIRST, first), (MORE_CODE, second)))
    one = located(chain(shards, (FIRST, first), (MORE_CODE, second), (CODE_FREE, third)))
    two = located(chain(shards, (FIRST, first), (MORE_CODE, second), (OTHERS, 2 * third)))
    assert one[: first + second] == two[: first + second] == short
    assert {source for source, _, _ in one[first + second :]} <= set(CODE_FREE)


@thorough
@given(boundary=boundaries, after=st.integers(1, 60))
def test_a_branch_and_a_restart_part_at_the_boundary_too(shards, boundary, after):
    """The same second mixture, once going on in its sources and once from their first rows: the sources agree."""
    first = chain(shards, (FIRST, boundary))[0]
    onward = StageStream(shards, MORE_CODE, after, T, 1, first.cursor_after())
    again = StageStream(shards, MORE_CODE, after, T, 1)
    assert [onward.locate(i)[0] for i in range(after)] == [again.locate(i)[0] for i in range(after)]
    drawn = {name: [place for place in located([first]) if place[0] == name] for name in FIRST}
    for name in FIRST:
        draws = located([StageStream(shards, {name: 1}, 150, T, 1)])
        onward_rows = [place for place in located([onward]) if place[0] == name]
        again_rows = [place for place in located([again]) if place[0] == name]
        assert drawn[name] + onward_rows == draws[: len(drawn[name]) + len(onward_rows)]
        assert again_rows == draws[: len(again_rows)]
