"""What a step is said to read of its inputs is all that it reads."""

from __future__ import annotations

import pytest

from leaven.engine.needed import NEEDED, folder_of
from leaven.engine.store import Store


@pytest.mark.parametrize(
    ("kind", "role", "files"),
    [
        ("verdict", "stage:text-only:1", ("stage.json", "curve.parquet")),
        ("verdict", "stage@1m:text-only:1", ("stage.json", "curve.parquet")),
        ("verdict", "evaluate:text-only:1:final", None),
        ("evaluate", "stage", NEEDED["evaluate", "stage"]),
        ("stage", "parent", None),
    ],
)
def test_inputs_are_asked_for_by_their_role(tmp_path, kind, role, files):
    asked = []

    class Watched(Store):
        def folder(self, step_id):
            asked.append((step_id, None))
            return super().folder(step_id)

        def part(self, step_id, names):
            asked.append((step_id, names))
            return super().folder(step_id)

    folder_of(Watched(tmp_path), kind, role, "a" * 32)
    assert asked == [("a" * 32, files)]
