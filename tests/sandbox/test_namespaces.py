"""The unshare level does not need more of its surroundings than util-linux."""

from __future__ import annotations

import pytest

from leaven.sandbox.level import Level, attempt


def test_a_path_without_sbin_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = attempt("unshare")
    if not isinstance(found, Level):
        pytest.skip(f"namespaces cannot be had here: {found}")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert isinstance(attempt("unshare"), Level)
