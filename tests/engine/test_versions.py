"""The versions in identities are those the rooms declare: a room cannot change what it computes unnoticed."""

from __future__ import annotations

import importlib

import pytest

from leaven.study.versions import VERSIONS


@pytest.mark.parametrize(
    ("module", "kinds"),
    [
        ("leaven.corpus.facts", ["source", "suite"]),
        ("leaven.corpus.synthetic", ["source", "suite"]),
        ("leaven.evaluate.item", ["suite"]),
        ("leaven.evaluate.complete", ["complete"]),
        ("leaven.mixture.stream", ["stage"]),
        ("leaven.model.init", ["stage"]),
        ("leaven.train.stage", ["stage"]),
        ("leaven.train.step", ["stage"]),
    ],
)
def test_declared_versions_are_in_identities(module, kinds):
    version = importlib.import_module(module).VERSION
    for kind in kinds:
        assert version in VERSIONS[kind]
