"""Expressions: read, written, classed and kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.licence.spdx import (
    Joined,
    Licence,
    Node,
    all_of,
    any_of,
    classify,
    join,
    keep,
    parse,
    tables,
    written,
)
from leaven.ground.errors import BadInput


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("apache-2.0 and mit", "Apache-2.0 AND MIT"),
        ("(MIT OR Apache-2.0)", "MIT OR Apache-2.0"),
        ("MIT AND (Apache-2.0 OR ISC)", "MIT AND (Apache-2.0 OR ISC)"),
        ("(MIT AND ISC) OR Zlib", "MIT AND ISC OR Zlib"),
        ("MIT OR MIT", "MIT"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("Apache-2.0+", "Apache-2.0+"),
        ("GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("LicenseRef-scancode-unknown", "LicenseRef-scancode-unknown"),
        ("DocumentRef-x:LicenseRef-y", "DocumentRef-x:LicenseRef-y"),
    ],
)
def test_expressions_are_written_in_one_way(expression: str, expected: str) -> None:
    tree = parse(expression)
    assert tree is not None
    assert written(tree) == expected
    assert parse(written(tree)) == tree


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "MIT MIT",
        "MIT AND",
        "AND MIT",
        "(MIT",
        "MIT)",
        "()",
        "No-Such-1.0",
        "MIT WITH nothing",
        "(" * 900 + "MIT",
        "x" * 5000,
    ],
)
def test_what_is_no_expression(expression: str) -> None:
    assert parse(expression) is None


IDS = st.sampled_from(
    ["MIT", "Apache-2.0", "GPL-3.0-only", "NONE", "LicenseRef-scancode-generic-cla", "unknown-licence"]
)
TREES: st.SearchStrategy[Node] = st.recursive(
    IDS.map(Licence),
    lambda inner: st.builds(join, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=12,
)
RANK = ["permissive", "no_license", "non_permissive"]


@given(TREES)
def test_what_is_written_is_read_back(tree: Node) -> None:
    assert parse(written(tree)) == tree


@given(TREES, TREES)
def test_a_choice_is_never_worse_and_a_duty_never_better(first: Node, second: Node) -> None:
    one, other = written(first), written(second)
    assert RANK.index(classify(written(join("OR", [first, second])))) <= max(
        map(RANK.index, map(classify, (one, other)))
    )
    assert RANK.index(classify(written(join("AND", [first, second])))) >= min(
        map(RANK.index, map(classify, (one, other)))
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", "no_license"),
        ("NONE", "no_license"),
        ("NOASSERTION", "non_permissive"),
        ("unknown-licence", "non_permissive"),
        ("words of no sense", "non_permissive"),
        ("MIT", "permissive"),
        ("BSD-3-Clause", "permissive"),
        ("Unlicense", "permissive"),
        ("CC0-1.0", "permissive"),
        ("CC-BY-4.0", "permissive"),
        ("CC-BY-SA-4.0", "non_permissive"),
        ("MPL-2.0", "non_permissive"),
        ("LGPL-2.1-only", "non_permissive"),
        ("GPL-3.0-or-later OR MIT", "permissive"),
        ("GPL-3.0-or-later AND MIT", "non_permissive"),
        ("MIT AND (GPL-2.0-only OR Apache-2.0)", "permissive"),
        ("Apache-2.0 WITH LLVM-exception", "permissive"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "non_permissive"),
        ("LicenseRef-proprietary", "non_permissive"),
        ("LicenseRef-BSD", "permissive"),
        ("LicenseRef-scancode-public-domain", "permissive"),
        ("LicenseRef-scancode-warranty-disclaimer", "no_license"),
        ("MIT AND LicenseRef-scancode-warranty-disclaimer", "permissive"),
    ],
)
def test_classes(expression: str, expected: str) -> None:
    assert classify(expression) == expected


def test_keep_lists() -> None:
    assert [keep(e, "permissive") for e in ("MIT", "", "GPL-3.0-only")] == [True, False, False]
    assert [keep(e, "permissive+none") for e in ("MIT", "", "GPL-3.0-only")] == [True, True, False]
    assert [keep(e, "any") for e in ("MIT", "", "GPL-3.0-only", "?!")] == [True] * 4
    listed = ["MIT", "apache-2.0", "GPL-2.0 WITH Classpath-exception-2.0"]
    assert keep("MIT AND Apache-2.0", listed)
    assert keep("GPL-3.0-only OR MIT", listed)
    assert keep("Apache-2.0 WITH LLVM-exception", listed)
    assert keep("GPL-2.0-only WITH Classpath-exception-2.0", listed)
    assert not keep("GPL-2.0-only", listed)
    assert not keep("MIT AND ISC", listed)
    assert not keep("", listed)
    assert keep("", ["NONE"])
    assert not keep("unknown words", ["MIT"])


@pytest.mark.parametrize(
    ("kept", "said"),
    [("permisive", 'did you mean "permissive"'), (["MITT"], 'identifier "MITT"'), (["MIT OR ISC"], "licences[0]")],
)
def test_bad_keep_lists_are_said(kept: str | list[str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        keep("MIT", kept)
    assert said in str(caught.value)


def test_joining() -> None:
    assert all_of([]) == any_of([""]) == ""
    assert all_of(["MIT", "", "MIT OR ISC", "MIT"]) == "MIT AND (MIT OR ISC)"
    assert any_of(["MIT", "no sense"]) == "MIT OR unknown-licence"
    assert isinstance(parse("MIT OR ISC"), Joined)


def test_the_table_holds_the_licences_of_everyday_on_the_right_side() -> None:
    ids, _ = tables()
    permissive, other = set(ids["permissive"]), set(ids["other"])
    assert not permissive & other
    assert len(permissive) > 300
    assert {
        "MIT",
        "ISC",
        "0BSD",
        "BSD-2-Clause",
        "Apache-2.0",
        "Zlib",
        "PSF-2.0",
        "BlueOak-1.0.0",
        "UPL-1.0",
    } <= permissive
    assert {"GPL-2.0-only", "AGPL-3.0-or-later", "LGPL-3.0-only", "EPL-2.0", "BUSL-1.1", "CC-BY-NC-4.0"} <= other
