"""Depots for tests: in a folder, in memory, and steps to put there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import pytest

from leaven.engine.depot.address import address
from leaven.engine.depot.mirror import Mirror
from leaven.engine.depot.patience import Patience
from leaven.engine.store import Store
from leaven.ground.canonical import identity
from leaven.study.step import Step, describe

MADE = {"seconds": 1.0, "finished": "2026-01-01T00:00:00Z", "hardware": "a machine"}
FILES = {"a.txt": b"alpha", "deep/b.bin": bytes(range(256)), "empty": b""}


@pytest.fixture
def step():
    """A step by name that nothing executes."""

    def named(name: str = "one") -> Step:
        fields = {"name": name}
        return Step("read", fields, {}, identity(describe("read", fields, {})), (name,))

    return named


@pytest.fixture
def make(step):
    """Publish a step with these files in a store."""

    def published(store: Store, name: str = "one", files: Mapping[str, bytes] = FILES) -> Step:
        made = step(name)
        for folder in (store.steps, store.work, store.logs):
            folder.mkdir(parents=True, exist_ok=True)
        out, _ = store.begin(made.identity)
        for file, data in files.items():
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (out / file).write_bytes(data)
        store.publish(made, MADE)
        return made

    return published


@pytest.fixture
def patience() -> Patience:
    """Tries again, without waiting."""
    return Patience(5.0, lambda seconds: None)


@pytest.fixture(params=["file", "memory"])
def url(request, tmp_path) -> str:
    """The URL of an empty depot."""
    return f"file://{tmp_path}/depot" if request.param == "file" else f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def machine(url, tmp_path, patience):
    """Machines by name, each with its own copy of the depot."""

    def named(name: str, **how) -> Mirror:
        mirror = Mirror(tmp_path / name, address(url), patience, sends=True, **how)
        mirror.prepare()
        return mirror

    return named
