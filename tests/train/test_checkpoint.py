from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leaven.train.checkpoint import Checkpoint, latest_good, save


def make(step: int) -> Checkpoint:
    return Checkpoint(step, {"a.b": np.full((3, 4), step, np.float32), "c": np.int32(step)}, {"losses": [0.1 * step]})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert latest_good(tmp_path) is None
    for step in (5, 10, 20):
        save(tmp_path, make(step))
    found = latest_good(tmp_path)
    assert found is not None
    assert found.step == 20
    assert found.state == {"losses": [2.0]}
    np.testing.assert_array_equal(found.arrays["a.b"], make(20).arrays["a.b"])
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["step-000000010.json", "step-000000020.json"]


@pytest.mark.parametrize("suffix", ["safetensors", "json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "flip", "gone"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, suffix: str, damage: str) -> None:
    save(tmp_path, make(10))
    save(tmp_path, make(20))
    path = tmp_path / f"step-000000020.{suffix}"
    data = path.read_bytes()
    at = data.rindex(b"20") if suffix == "json" else len(data) - 1
    flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "flip": flipped, "gone": b""}[damage])
    if damage == "gone":
        path.unlink()
    found = latest_good(tmp_path)
    assert found is not None
    assert found.step == 10
