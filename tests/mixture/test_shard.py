"""Windows are arithmetic over the tokens, and damage is told, not read."""

from __future__ import annotations

import numpy as np
import pytest

from leaven.ground.errors import LeavenError
from leaven.mixture.shard import Shard


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_a_window_holds_its_inputs_and_one_more(shard, dtype):
    text = shard("text", 1001, dtype=dtype)
    assert text.rows(10) == 100
    windows = text.windows(np.array([99, 0, 3]), 10)
    assert windows.dtype == np.dtype(dtype)
    assert windows[:, 0].tolist() == [990, 0, 30]
    assert (np.diff(windows.astype(int), axis=1) == 1).all()
    assert windows[0, -1] == 1000


@pytest.mark.parametrize(("tokens", "rows"), [(0, 0), (1, 0), (10, 0), (11, 1), (20, 1), (21, 2)])
def test_only_whole_windows_count(shard, tokens, rows):
    text = shard("text", tokens)
    assert text.rows(10) == rows
    assert text.windows(np.arange(rows), 10).shape == (rows, 11)


def test_every_token_but_the_first_is_a_target_once(shard):
    windows = shard("text", 1001).windows(np.arange(100), 10)
    assert windows[:, 1:].reshape(-1).tolist() == list(range(1, 1001))


@pytest.mark.parametrize("row", [-1, 100])
def test_a_row_beyond_the_shard_is_refused(shard, row):
    with pytest.raises(IndexError, match="of 100 in text"):
        shard("text", 1001).windows(np.array([row]), 10)


def test_a_batch_does_not_hold_on_to_the_file(shard):
    windows = shard("text", 1001).windows(np.array([1]), 10)
    assert windows.flags.owndata
    assert windows.flags.writeable


def test_what_the_shard_says_of_itself(shard, tmp_path):
    text = shard("text", 1001)
    assert (text.source, text.split, text.bytes, text.ends.tolist()) == ("text", "train", 3003, [1001])
    assert Shard.open(tmp_path / "text", "heldout").rows(10) == 0


def test_a_truncated_file_is_an_error_with_the_sizes(shard, tmp_path):
    shard("text", 1001)
    (tmp_path / "text" / "train.bin").write_bytes(b"\0" * 10)
    with pytest.raises(LeavenError, match=r"train.bin has 10 bytes, its shards.json says 2002"):
        Shard.open(tmp_path / "text", "train")


def test_a_missing_or_foreign_folder_is_an_error(tmp_path, shard):
    with pytest.raises(LeavenError, match="cannot read the train tokens in nowhere"):
        Shard.open(tmp_path / "nowhere", "train")
    shard("text", 50)
    with pytest.raises(LeavenError, match="cannot read the test tokens"):
        Shard.open(tmp_path / "text", "test")
    (tmp_path / "text" / "shards.json").write_text("[]")
    with pytest.raises(LeavenError, match="cannot read"):
        Shard.open(tmp_path / "text", "train")
