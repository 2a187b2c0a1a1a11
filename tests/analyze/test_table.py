from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leaven.analyze.table import read_table
from leaven.ground.errors import LeavenError


def one(folder: Path, variant: str = "a", seed: int = 0, point: str = "final") -> dict[str, Any]:
    return {"variant": variant, "seed": seed, "point": point, "folder": folder}


def test_items_are_joined_by_id_whatever_their_order(tmp_path: Path, evaluation_writer: Any) -> None:
    first = evaluation_writer(tmp_path / "1", {("t", "correct"): np.array([1.0, 2, 3])}, items={"t": ["x", "y", "z"]})
    second = evaluation_writer(tmp_path / "2", {("t", "correct"): np.array([6.0, 4, 5])}, items={"t": ["z", "x", "y"]})
    table = read_table([one(first), one(second, "b")])
    column = table.columns["t", "correct"]
    np.testing.assert_array_equal(column.of([("a", "final", 0)]), [[1, 2, 3]])
    np.testing.assert_array_equal(column.of([("b", "final", 0)]), [[4, 5, 6]])
    assert list(column.items) == ["x", "y", "z"]


def test_groups_become_clusters_and_empty_groups_stand_alone(tmp_path: Path, evaluation_writer: Any) -> None:
    values = {("t", "correct"): np.zeros(5)}
    folder = evaluation_writer(tmp_path / "1", values, groups={"t": ["g", "", "g", "", "h"]})
    column = read_table([one(folder)]).columns["t", "correct"]
    assert column.groups == 4
    assert column.clusters[0] == column.clusters[2]


def test_a_single_group_is_said(tmp_path: Path, evaluation_writer: Any) -> None:
    folder = evaluation_writer(tmp_path / "1", {("t", "correct"): np.zeros(3)}, groups={"t": ["g"] * 3})
    table = read_table([one(folder)])
    assert table.columns["t", "correct"].groups == 3
    assert table.notes == ("task t: all items belong to one group; they are treated as independent",)


def test_levels_take_the_larger_of_chance_and_constant_answers(tmp_path: Path, evaluation_writer: Any) -> None:
    scores = {"t": {"chance": 0.5, "constant": 0.5, "majority": 0.62}, "u": {"left_out": "no isolation"}}
    folder = evaluation_writer(tmp_path / "1", {("t", "correct"): np.ones(3)}, scores=scores)
    table = read_table([one(folder)])
    assert table.chance == {"t": 0.62}
    assert table.left_out == {"u": "no isolation"}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"items": {"t": ["x", "y", "w"]}}, "item z is in a seed 0 \\(final\\) but missing from b seed 0"),
        ({"items": {"t": ["x", "y", "y"]}}, "item y occurs twice in b seed 0"),
        ({"values": {("t", "correct"): np.array([1.0, np.nan, 0])}}, "item y has no finite correct in b seed 0"),
        ({"groups": {"t": ["g", "g", "h"]}}, "has another group in b seed 0"),
        ({"values": {("u", "correct"): np.ones(3)}}, "t: correct is in a seed 0 \\(final\\) but missing from b seed 0"),
    ],
)
def test_what_cannot_be_paired_is_named(
    tmp_path: Path, evaluation_writer: Any, second: dict[str, Any], message: str
) -> None:
    given = {"values": {("t", "correct"): np.ones(3)}, "items": {"t": ["x", "y", "z"]}}
    first = evaluation_writer(tmp_path / "1", **given)
    other = evaluation_writer(tmp_path / "2", **{**given, **second})
    with pytest.raises(LeavenError, match=message):
        read_table([one(first), one(other, "b")])


def test_missing_and_doubled_evaluations(tmp_path: Path, evaluation_writer: Any) -> None:
    folder = evaluation_writer(tmp_path / "1", {("t", "correct"): np.ones(3)})
    with pytest.raises(LeavenError, match="no items.parquet"):
        read_table([one(tmp_path / "nothing")])
    with pytest.raises(LeavenError, match="given twice"):
        read_table([one(folder), one(folder)])


@pytest.mark.parametrize(("kinds", "each", "clusters"), [(3, 80, 240), (3, 20, 3), (8, 30, 8)])
def test_few_large_groups_are_kinds_of_item_and_no_sample_of_groups(
    tmp_path: Path, evaluation_writer: Any, kinds: int, each: int, clusters: int
) -> None:
    """Three depths of indentation are not three documents: as clusters they made 61 % of 240 items [4 %, 100 %]."""
    groups = {"t": [f"depth {i % kinds}" for i in range(kinds * each)]}
    folder = evaluation_writer(tmp_path / "1", {("t", "correct"): np.zeros(kinds * each)}, groups=groups)
    table = read_table([one(folder)])
    assert table.columns["t", "correct"].groups == clusters
    assert table.notes == ()
