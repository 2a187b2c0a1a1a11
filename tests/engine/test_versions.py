"""The versions in identities are those the rooms declare: a room cannot change what it computes unnoticed."""

from __future__ import annotations

import importlib

import pytest

from leaven.study.versions import VERSIONS


@pytest.mark.parametrize(
    ("module", "kinds"),
    [
        ("leaven.corpus.facts", ["read:facts", "suite"]),
        ("leaven.corpus.synthetic.tiny", ["read:synthetic", "suite"]),
        ("leaven.corpus.synthetic.textbook.draw", ["read:synthetic"]),
        ("leaven.corpus.synthetic.verify", ["read:synthetic"]),
        ("leaven.corpus.read.shapes", ["read"]),
        ("leaven.corpus.language.names", ["read"]),
        ("leaven.corpus.language.detect", ["read"]),
        ("leaven.corpus.language.select", ["source"]),
        ("leaven.corpus.licence.spdx", ["read", "source", "corpus"]),
        ("leaven.corpus.licence.words", ["read"]),
        ("leaven.corpus.licence.texts", ["read"]),
        ("leaven.corpus.licence.scope", ["read"]),
        ("leaven.corpus.rules.score", ["read"]),
        ("leaven.corpus.redact.redaction", ["read"]),
        ("leaven.corpus.adjacent.commits", ["read:adjacent"]),
        ("leaven.corpus.adjacent.issues", ["read:adjacent"]),
        ("leaven.corpus.adjacent.notebooks", ["read:adjacent"]),
        ("leaven.corpus.adjacent.notebook_scripts", ["read:adjacent"]),
        ("leaven.corpus.adjacent.threads", ["read:adjacent"]),
        ("leaven.corpus.dedup.exact", ["corpus"]),
        ("leaven.corpus.dedup.near", ["corpus"]),
        ("leaven.corpus.dedup.components", ["corpus"]),
        ("leaven.corpus.dedup.keepers", ["corpus"]),
        ("leaven.corpus.contamination.index", ["corpus"]),
        ("leaven.evaluate.item", ["suite"]),
        ("leaven.evaluate.complete", ["complete"]),
        ("leaven.mixture.stream", ["stage"]),
        ("leaven.model.init", ["stage"]),
        ("leaven.train.plan", ["stage"]),
        ("leaven.train.step", ["stage"]),
        ("leaven.train.watch", ["stage"]),
        ("leaven.train.warm_start", ["import"]),
        ("leaven.corpus.byte_level", ["tokenizer:given"]),
    ],
)
def test_declared_versions_are_in_identities(module, kinds):
    version = importlib.import_module(module).VERSION
    for kind in kinds:
        assert version in VERSIONS[kind]


def test_controls_are_in_identities():
    from leaven.corpus.control import CONTROLS

    for name, version in CONTROLS.items():
        assert VERSIONS[f"shards:{name}"] == (version,)
