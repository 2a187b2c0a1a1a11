"""What manifests declare."""

from __future__ import annotations

import time

import pytest

from leaven.corpus.licence.manifests import declared, is_manifest


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("package.json", '{"license": "MIT"}', "MIT"),
        ("a/package.json", '{"license": {"type": "ISC", "url": "x"}}', "ISC"),
        ("package.json", '{"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}', "MIT OR GPL-2.0-only"),
        ("package.json", '{"license": "UNLICENSED"}', "LicenseRef-proprietary"),
        ("package.json", '{"license": "SEE LICENSE IN x.txt"}', "LicenseRef-in-file"),
        ("package.json", '{"name": "a"}', ""),
        ("package.json", "{", ""),
        ("package.json", "[1]", ""),
        ("package.json", "[" * 100_000, ""),
        ("composer.json", '{"license": ["LGPL-2.1-only", "MIT"]}', "LGPL-2.1-only OR MIT"),
        ("METADATA", "Name: a\nLicense-Expression: MIT AND ISC\nLicense: GPL\n\nbody", "MIT AND ISC"),
        ("METADATA", "Name: a\nLicense: Apache 2.0\n\nLicense: GPL\n", "Apache-2.0"),
        ("PKG-INFO", "Name: a\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", "MIT"),
        ("PKG-INFO", "License: BSD\nClassifier: License :: OSI Approved :: BSD License\n", "LicenseRef-BSD"),
        (
            "PKG-INFO",
            "License: see file\nClassifier: License :: OSI Approved :: MIT License\n"
            "Classifier: License :: OSI Approved :: Apache Software License\n",
            "MIT AND Apache-2.0",
        ),
        ("PKG-INFO", "Name: a\n", ""),
        ("pyproject.toml", '[project]\nlicense = "MIT"\n', "MIT"),
        ("pyproject.toml", '[project]\nlicense = {text = "BSD-2-Clause"}\n', "BSD-2-Clause"),
        ("pyproject.toml", '[project]\nlicense = {file = "LICENSE"}\n', "LicenseRef-in-file"),
        ("pyproject.toml", '[project]\nclassifiers = ["License :: OSI Approved :: ISC License (ISCL)"]\n', "ISC"),
        ("pyproject.toml", '[tool.poetry]\nlicense = "Apache-2.0"\n', "Apache-2.0"),
        ("pyproject.toml", "[project\n", ""),
        ("Cargo.toml", '[package]\nlicense = "MIT/Apache-2.0"\n', "MIT OR Apache-2.0"),
        ("Cargo.toml", '[package]\nlicense-file = "LICENSE"\n', "LicenseRef-in-file"),
        ("Cargo.toml", "[package]\nlicense.workspace = true\n", ""),
        ("setup.cfg", "[metadata]\nlicense = MIT\n", "MIT"),
        ("setup.cfg", "[metadata]\nclassifiers =\n  License :: OSI Approved :: MIT License\n", "MIT"),
        ("setup.cfg", "no section\n", ""),
        ("setup.py", "setup(\n    name='a',\n    license='BSD-3-Clause',\n)\n", "BSD-3-Clause"),
        ("setup.py", "setup(classifiers=['License :: OSI Approved :: MIT License'])\n", "MIT"),
        ("a.gemspec", "Gem::Specification.new do |s|\n  s.license = 'MIT'\nend\n", "MIT"),
        ("a.gemspec", "  spec.licenses = ['MIT', 'Ruby']\n", "MIT OR Ruby"),
        (
            "pom.xml",
            "<project><licenses><license><name>Apache License, Version 2.0</name></license></licenses></project>",
            "Apache-2.0",
        ),
        ("pom.xml", "<!DOCTYPE a [<!ENTITY b 'MIT'>]><name>&b;</name>", ""),
    ],
)
def test_manifests(path: str, content: str, expected: str) -> None:
    assert declared(path, content.encode()) == expected


def test_other_files_are_no_manifests() -> None:
    assert declared("main.py", b"license = 'MIT'") is None
    assert is_manifest("a/b/c.gemspec")
    assert not is_manifest("a/package.json/x")


def test_a_whole_text_in_a_field_is_recognised() -> None:
    text = (
        "Permission is hereby granted, free of charge, to any person to deal in the Software without restriction; "
        "this permission notice shall be included. "
    )
    field = f"License: {text}{'words ' * 200}\n"
    assert declared("PKG-INFO", field.encode()) == "MIT"


@pytest.mark.parametrize(
    "name",
    ["package.json", "METADATA", "pyproject.toml", "Cargo.toml", "setup.cfg", "setup.py", "a.gemspec", "pom.xml"],
)
@pytest.mark.parametrize(
    "content",
    [b" " * 1_000_000, b"<licenses><name>" * 60_000, b"license=" * 120_000, b"\xff\x00" * 1000, b"\n" * 1_000_000],
)
def test_hostile_manifests_declare_nothing_and_take_no_time(name: str, content: bytes) -> None:
    started = time.process_time()
    assert declared(name, content) in ("", "unknown-licence")
    assert time.process_time() - started < 20
