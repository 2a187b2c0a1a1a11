"""How far licences reach in a tree."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from pathlib import Path

import pytest

from leaven.corpus.licence.scope import LicenceMap, identifier, speaks

MIT = (
    b"Permission is hereby granted, free of charge, to any person to deal in the Software without restriction; "
    b"this permission notice shall be included"
)
GPL = b"GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n"
APACHE = b"Apache License\nVersion 2.0\nGrant of Copyright License\n"
DEP5 = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tool

Files: *
Copyright: 2020 Some One
License: GPL-2+

Files: lib/*.c include/?.h
 lib/old/[x].c
Copyright: 2020 Some One
License: Expat

Files: data/*
Copyright: 2020 Some One
License: house-rules

License: house-rules
 Licensed under the Apache License,
 Version 2.0.
"""


def test_the_nearest_folder_wins() -> None:
    tree = LicenceMap.build(
        [("LICENSE", MIT), ("third/lib/COPYING", GPL), ("third/lib/own/package.json", b'{"license": "ISC"}')]
    )
    assert tree.licence_of("src/main.c") == "MIT"
    assert tree.licence_of("main.c") == "MIT"
    assert tree.licence_of("third/other.c") == "MIT"
    assert tree.licence_of("third/lib/a/b.c") == "GPL-3.0-only"
    assert tree.licence_of("third/lib/own/b.c") == "ISC"
    assert tree.licence_of("third/library/b.c") == "MIT"


def test_nothing_said_is_nothing() -> None:
    assert LicenceMap.build([]).licence_of("a/b.c") == ""
    assert LicenceMap().licence_of("") == ""
    assert LicenceMap.build([("package.json", b"{}"), ("README.md", b"hello")]).licence_of("a.js") == ""


def test_a_files_own_identifier_wins() -> None:
    tree = LicenceMap.build([("LICENSE", GPL)])
    assert tree.licence_of("a.c", "/* SPDX-License-Identifier: MIT OR GPL-2.0 */\n") == "MIT OR GPL-2.0-only"
    assert tree.licence_of("a.c", b"// SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT\n").endswith(
        "OR MIT"
    )
    assert tree.licence_of("a.html", "<!-- SPDX-License-Identifier: ISC -->") == "ISC"
    assert tree.licence_of("a.c", b"x" * 5000 + b"SPDX-License-Identifier: MIT") == "GPL-3.0-only"
    assert identifier("SPDX-License-Identifier: nothing known\n") == "unknown-licence"
    assert identifier("no more than words") == ""


def test_patterns_of_debian_copyright_the_last_that_fits() -> None:
    tree = LicenceMap.build([("LICENSE", APACHE), ("debian/copyright", DEP5)])
    assert tree.licence_of("main.c") == "GPL-2.0-or-later"
    assert tree.licence_of("lib/a.c") == "MIT"
    assert tree.licence_of("lib/deep/er.c") == "MIT"
    assert tree.licence_of("include/a.h") == "MIT"
    assert tree.licence_of("include/ab.h") == "GPL-2.0-or-later"
    assert tree.licence_of("lib/old/[x].c") == "MIT"
    assert tree.licence_of("data/x.json") == "Apache-2.0"
    inner = LicenceMap.build([("pkg/debian/copyright", DEP5), ("LICENSE", APACHE)])
    assert inner.licence_of("pkg/lib/a.c") == "MIT"
    assert inner.licence_of("lib/a.c") == "Apache-2.0"


def test_a_copyright_file_in_free_form_is_a_licence_file() -> None:
    assert LicenceMap.build([("debian/copyright", b"It is free.\n"), ("LICENSE", MIT)]).licence_of("a.c") == "MIT"


def test_a_manifest_goes_before_texts_unless_they_contradict_it() -> None:
    both = [("LICENSE-MIT", MIT), ("LICENSE-APACHE", APACHE)]
    assert LicenceMap.build(both).licence_of("a.rs") == "Apache-2.0 AND MIT"
    declared = ("Cargo.toml", b'[package]\nlicense = "MIT OR Apache-2.0"\n')
    assert LicenceMap.build([*both, declared]).licence_of("a.rs") == "MIT OR Apache-2.0"
    contradicted = LicenceMap.build([("package.json", b'{"license": "ISC"}'), ("LICENSE", GPL)])
    assert contradicted.licence_of("a.js") == "ISC AND GPL-3.0-only"
    bundled = LicenceMap.build([("package.json", b'{"license": "MIT"}'), ("LICENSE", MIT + b"\n\n" + GPL)])
    assert bundled.licence_of("a.js") == "MIT"


def test_words_that_point_at_a_file_take_the_files_word() -> None:
    points = ("package.json", b'{"license": "SEE LICENSE IN LICENSE"}')
    assert LicenceMap.build([points, ("LICENSE", MIT)]).licence_of("a.js") == "MIT"
    assert LicenceMap.build([points]).licence_of("a.js") == "unknown-licence"
    assert LicenceMap.build([("LICENSE", b"Ask me first.")]).licence_of("a.js") == "unknown-licence"


def test_a_read_me_is_believed_only_where_nothing_else_speaks() -> None:
    readme = ("README.md", b"Released under the MIT license.")
    assert LicenceMap.build([readme]).licence_of("a.js") == "MIT"
    assert LicenceMap.build([readme, ("LICENSE", GPL)]).licence_of("a.js") == "GPL-3.0-only"


def test_folders_of_licences_and_installed_metadata_speak_of_what_lies_beside_them() -> None:
    assert LicenceMap.build([("LICENSES/MIT.txt", MIT)]).licence_of("src/a.c") == "MIT"
    wheel = [
        ("tool-1.0.dist-info/METADATA", b"License-Expression: MIT\n"),
        ("tool-1.0.dist-info/licenses/LICENSE", MIT),
    ]
    assert LicenceMap.build(wheel).licence_of("tool/a.py") == "MIT"
    two = [*wheel, ("my_other-2.dist-info/METADATA", b"License: GPLv3\n")]
    assert LicenceMap.build(two).licence_of("tool/a.py") == "MIT"
    assert LicenceMap.build(two).licence_of("my_other/a.py") == "GPL-3.0-only"
    assert LicenceMap.build(two).licence_of("third/a.py") == ""


def test_which_names_speak() -> None:
    yes = [
        "LICENSE",
        "a/COPYING.LESSER",
        "licence.txt",
        "LICENSE-MIT",
        "UNLICENSE",
        "NOTICE.md",
        "README.rst",
        "GPL-3",
        "Copyright",
        "package.json",
        "x.gemspec",
        "debian/copyright",
    ]
    no = ["main.c", "license.py", "copyright.js", "licenses.json", "mit.css", "salt.txt", "copied.txt", "src/readme.ts"]
    assert [name for name in yes if not speaks(name)] == []
    assert [name for name in no if speaks(name)] == []


def test_the_order_of_files_does_not_matter() -> None:
    files = [
        ("LICENSE", MIT),
        ("NOTICE", APACHE),
        ("a/COPYING", GPL),
        ("a/package.json", b'{"license": "ISC"}'),
        ("debian/copyright", DEP5),
    ]
    paths = ["x.c", "a/x.c", "lib/x.c", "data/x"]
    answers = {
        tuple(LicenceMap.build(order).licence_of(path) for path in paths) for order in itertools.permutations(files)
    }
    assert len(answers) == 1


def test_a_tree_on_disk_without_following_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "LICENSE").write_bytes(GPL)
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "LICENSE").write_bytes(MIT)
    (root / "sub" / "linked").symlink_to(outside)
    (root / "sub" / "COPYING").symlink_to(outside / "LICENSE")
    (root / "big").mkdir()
    (root / "big" / "LICENSE").write_bytes(b"x" * (5 << 20))
    skipped: Counter[str] = Counter()
    tree = LicenceMap.of_tree(root, skipped)
    assert tree.licence_of("sub/a.c") == "MIT"
    assert tree.licence_of("big/a.c") == "MIT"
    assert sum(skipped.values()) >= 1


@pytest.mark.parametrize(
    "content",
    [
        b"Format: x\n\n" + b"Files: *a*a*a*a*a*a*a*a*a*b\nLicense: MIT\n\n" * 300,
        b"Format: x\n\nFiles: " + b"* " * 100_000 + b"\nLicense: MIT\n",
        b"Format: x\n" + b"\n " * 100_000,
        b"Format: x\n\nFiles: [[[[\\\\*\nLicense: MIT\n",
    ],
)
def test_hostile_patterns_take_no_time(content: bytes) -> None:
    started = time.process_time()
    tree = LicenceMap.build([("debian/copyright", content)])
    tree.licence_of("a" * 250)
    tree.licence_of("a/" * 120 + "a")
    assert time.process_time() - started < 30
