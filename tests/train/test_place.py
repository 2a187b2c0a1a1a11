from __future__ import annotations

import pytest

from leaven.train.place import _sharing


@pytest.mark.parametrize(
    ("devices", "batch", "model", "used"),
    [(8, 512, 1, 8), (8, 12, 1, 6), (8, 7, 1, 7), (3, 16, 1, 2), (8, 6, 2, 6), (8, 1, 2, 2), (1, 5, 1, 1)],
)
def test_a_batch_is_spread_over_as_many_devices_as_it_divides_by(
    devices: int, batch: int, model: int, used: int
) -> None:
    assert len(_sharing(list(range(devices)), batch, model)) == used
