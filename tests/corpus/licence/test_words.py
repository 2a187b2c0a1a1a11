"""Packages' own words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.licence.spdx import parse
from leaven.corpus.licence.words import normalise


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("MIT License", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("Expat", "MIT"),
        ("License: MIT", "MIT"),
        ("MIT + file LICENSE", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache Software License", "Apache-2.0"),
        ("ASL 2.0", "Apache-2.0"),
        ("BSD", "LicenseRef-BSD"),
        ("BSD License", "LicenseRef-BSD"),
        ("New BSD License", "BSD-3-Clause"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("BSD-3-Clause AND MIT", "BSD-3-Clause AND MIT"),
        ("Simplified BSD", "BSD-2-Clause"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL v2 or later", "GPL-2.0-or-later"),
        ("GPL (>= 2)", "GPL-2.0-or-later"),
        ("GNU GPLv3", "GPL-3.0-only"),
        ("GNU Affero General Public License v3", "AGPL-3.0-only"),
        ("License :: OSI Approved :: MIT License", "MIT"),
        ("License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
        ("License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)", "LGPL-2.0-or-later"),
        ("License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("License :: OSI Approved :: Python Software Foundation License", "PSF-2.0"),
        ("License :: OSI Approved :: ISC License (ISCL)", "ISC"),
        ("License :: OSI Approved", ""),
        ("License :: Other/Proprietary License", "LicenseRef-proprietary"),
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT or Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT, BSD, and ISC", "MIT AND LicenseRef-BSD AND ISC"),
        ("GPL-2+ or AFL-2.1, and Expat", "(GPL-2.0-or-later OR AFL-2.1) AND MIT"),
        ("Artistic or GPL-1+", "Artistic-1.0 OR GPL-1.0-or-later"),
        ("GPL-2+ with OpenSSL exception", "GPL-2.0-or-later"),
        ("MPL 1.1/GPL 2.0/LGPL 2.1", "MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-only"),
        ("same terms as Perl itself", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("Public Domain", "LicenseRef-public-domain"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
        ("zlib/libpng", "Zlib"),
        ("UNLICENSED", "LicenseRef-proprietary"),
        ("SEE LICENSE IN LICENSE.md", "LicenseRef-in-file"),
        ("Dual License", "unknown-licence"),
        ("the usual", "unknown-licence"),
        ("MIT and the usual", "unknown-licence"),
        ("UNKNOWN", ""),
        ("  ", ""),
        ("x " * 3000, "unknown-licence"),
        ({"type": "MIT", "url": "https://example.org"}, "MIT"),
        ([{"type": "MIT"}, {"type": "Apache-2.0"}], "MIT OR Apache-2.0"),
        (["LGPL-2.1-only", "GPL-3.0-or-later"], "LGPL-2.1-only OR GPL-3.0-or-later"),
        ({"file": "LICENSE"}, "LicenseRef-in-file"),
        ({"text": "BSD-3-Clause"}, "BSD-3-Clause"),
        ({}, ""),
        (None, ""),
        (3, ""),
    ],
)
def test_words(said: object, expected: str) -> None:
    assert normalise(said) == expected


@given(st.text(max_size=80))
def test_whatever_is_said_becomes_an_expression(said: str) -> None:
    found = normalise(said)
    assert found == "" or parse(found) is not None
    assert normalise(found) in (found, "")


@pytest.mark.parametrize(
    "said", ["(" * 1000, "or " * 333, "MIT AND " * 125, "a" * 1000, "-/" * 500, "(a)" * 333, "or later " * 111]
)
def test_hostile_words_take_no_time(said: str) -> None:
    started = time.process_time()
    normalise(said)
    assert time.process_time() - started < 10
