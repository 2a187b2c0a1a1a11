"""The levels this machine has; a level it lacks is skipped with the reason."""

from __future__ import annotations

import pytest

from leaven.sandbox.level import Level, attempt


@pytest.fixture(scope="session", params=["bubblewrap", "unshare"])
def level(request: pytest.FixtureRequest) -> Level:
    found = attempt(request.param)
    if isinstance(found, str):
        pytest.skip(found)
    return found
