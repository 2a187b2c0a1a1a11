"""Which machines do parts of a step; Ray itself is not needed for it."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from leaven.engine.ray import fan, node
from leaven.engine.sameness import fingerprint


def claims() -> SimpleNamespace:
    return SimpleNamespace(take=SimpleNamespace(remote=lambda *words: pytest.fail("claimed")))


def test_a_machine_that_does_not_see_the_store_claims_nothing(tmp_path):
    where = {"root": str(tmp_path)}
    probe = node.store_probe(tmp_path)
    probe.write_text("one")
    ours = {"code": fingerprint(), "seen": fan.seen(where)}
    probe.write_text("another store")
    assert fan._elsewhere(claims(), 0, b"", where, ours) is False
    probe.unlink()
    assert fan._elsewhere(claims(), 0, b"", where, ours) is False
    assert fan.seen({**where, "url": "s3://bucket"}) == fan.seen({"root": "/other", "url": "s3://bucket"})


def test_a_machine_with_other_code_claims_nothing(tmp_path):
    where = {"root": str(tmp_path)}
    ours = {"code": {**fingerprint(), "jax": "0.0.1"}, "seen": fan.seen(where)}
    assert fan._elsewhere(claims(), 0, b"", where, ours) is False


def test_the_process_of_parts_imports_nothing_from_the_folder_it_is_in(monkeypatch):
    monkeypatch.setattr(fan, "_POOL", [])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(fan, "ProcessPoolExecutor", lambda *words, **options: os.environ["PYTHONSAFEPATH"])
    assert fan.pool() == "1"
