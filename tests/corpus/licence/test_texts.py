"""Licence texts: our own short paraphrases with the phrases in them, real files where they are installed."""

from __future__ import annotations

import importlib.metadata
import time

import pytest

from leaven.corpus.licence.manifests import declared
from leaven.corpus.licence.spdx import UNKNOWN, tables
from leaven.corpus.licence.texts import fingerprints, mentioned, plain, recognise

BSD = (
    "Redistribution and use in source and binary forms … source code must retain the above copyright … "
    "binary form must reproduce the above copyright …"
)
MIT = (
    "… granted, free of charge, to any person … deal in the Software without restriction … "
    "permission notice shall be\nincluded …"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MIT, "MIT"),
        (MIT.replace("notice shall be\nincluded", ""), "MIT-0"),
        (MIT + " The Software shall be used for Good, not Evil.", "JSON"),
        (MIT + " Except as contained in this notice, …", "X11"),
        (BSD, "BSD-2-Clause"),
        (BSD + " … to endorse or promote products …", "BSD-3-Clause"),
        (BSD + " … to endorse or promote … All advertising materials mentioning features …", "BSD-4-Clause"),
        ("Apache License\nVersion 2.0, January 2004 … Grant of Copyright License.", "Apache-2.0"),
        ('Licensed under the Apache License, Version 2.0 (the "License")', "Apache-2.0"),
        ("GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007", "GPL-3.0-only"),
        ("GNU LESSER GENERAL PUBLIC LICENSE\n  Version 2.1, February 1999", "LGPL-2.1-only"),
        ("Mozilla Public License Version 2.0\n====", "MPL-2.0"),
        (
            "terms of the GNU General Public License; either version 2 of the License, or (at your option) any later",
            "GPL-2.0-or-later",
        ),
        ("CC0 1.0 Universal\n\nStatement of Purpose", "CC0-1.0"),
        ("Boost Software License - Version 1.0 - August 17th, 2003", "BSL-1.0"),
        (MIT + "\n\n----\n\n" + BSD, "BSD-2-Clause AND MIT"),
        ("This project is licensed under the MIT license, see LICENSE.", "MIT"),
        ("License: BSD-3-Clause\n", "BSD-3-Clause"),
        ("You may look at it on Sundays.", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert recognise(text) == expected
    assert recognise(text.encode()) == expected


def test_the_table_is_of_short_phrases_for_many_licences() -> None:
    table = fingerprints()
    assert len({one.name for one in table}) >= 60
    known = set(tables()[0]["permissive"]) | set(tables()[0]["other"]) | set(tables()[1]["references"]["permissive"])
    assert {one.name for one in table} <= known
    for one in table:
        for phrase in (*one.has, *one.one, *one.without):
            assert phrase == plain(phrase)
            assert len(phrase.split()) <= 16


def test_mentions_in_prose() -> None:
    assert mentioned("It is released under the terms of the [BSD-3-Clause] license.") == "BSD-3-Clause"
    assert mentioned("# License: Apache 2.0\n") == "Apache-2.0"
    assert mentioned("It is licensed under the usual license.") == ""


def test_installed_packages_hold_the_texts_that_they_declare() -> None:
    agreed = compared = 0
    for distribution in importlib.metadata.distributions():
        files = [f for f in distribution.files or [] if "dist-info" in str(f) and "licen" in f.name.lower()]
        said = declared("METADATA", (distribution.read_text("METADATA") or "").encode())
        if len(files) == 1 and said in ("MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "ISC"):
            text = files[0].read_text(encoding="utf-8")
            compared += 1
            agreed += said in recognise(text).split(" AND ")
    assert compared >= 5
    assert agreed >= 0.9 * compared


@pytest.mark.parametrize(
    "text", ["licensed under " * 60_000, " " * 1_000_000, "\n" * 1_000_000, "license:" * 120_000, "a" * 1_000_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    started = time.process_time()
    recognise(text)
    assert time.process_time() - started < 20
