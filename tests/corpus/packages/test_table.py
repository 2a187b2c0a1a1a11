from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from leaven.corpus import packages
from leaven.corpus.packages.table import Package

PERMISSIVE = {
    "MIT", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "ISC", "PSF-2.0", "Zlib", "Unlicense", "CC0-1.0",
    "BSL-1.0", "Qhull",
}  # fmt: skip


def test_every_row_is_a_pin() -> None:
    table = packages.table()
    assert len(table) >= 30
    for package in table:
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256), package.label
        assert re.fullmatch(r"\d[\w.]*", package.version), package.label
        assert package.bytes > 10_000
        assert package.languages
        for licence in (package.licence, *(licence for _, licence in package.vendored)):
            assert set(licence.split(" AND ")) <= PERMISSIVE, package.label
        assert not any(part.startswith("/") or ".." in part for part in package.without)
    assert list(table) == sorted(table, key=lambda package: (package.registry, package.name))
    assert max(Counter((package.registry, package.name) for package in table).values()) == 1
    assert sum(package.bytes for package in table) <= 250e6


def test_part_of_the_table() -> None:
    assert {package.registry for package in packages.table(["pypi"])} == {"pypi"}
    assert len(packages.table(["pypi"])) + len(packages.table(["npm"])) == len(packages.table())


def test_the_fingerprint_is_of_what_is_read() -> None:
    table = packages.table()
    first = table[0]
    assert packages.fingerprint(table) == packages.fingerprint(tuple(reversed(table)))
    for other in (replace(first, sha256="0" * 64), replace(first, without=("docs",)), replace(first, version="0")):
        assert packages.fingerprint((other, *table[1:])) != packages.fingerprint(table)
    assert packages.fingerprint((replace(first, languages=()), *table[1:])) == packages.fingerprint(table)


def test_parts_that_are_others() -> None:
    package = Package(
        "npm", "@a/b", "1", "0" * 64, "MIT", (), 1, ("docs", "lib/x.c"), (("lib", "Zlib"), ("lib/deep", "0BSD AND MIT"))
    )
    assert package.label == "npm:@a/b@1"
    assert package.file == "0" * 64 + ".tgz"
    assert [package.leaves_out(path) for path in ("docs/a/b.md", "docs.md", "lib/x.c", "lib/x.cc")] == [1, 0, 1, 0]
    assert package.licence_of("lib/y.c") == "Zlib"
    assert package.licence_of("lib/deep/y.c") == "0BSD AND MIT"
    assert package.licence_of("library/y.c") == "MIT"
