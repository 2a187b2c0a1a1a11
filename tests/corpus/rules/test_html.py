"""Visible text as BeautifulSoup sees it, in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.rules.html import text_of, visible_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("a < b", "a < b"),
        ("<p>a</p> <p>b</p>", "a b"),
        ("<p>a</p>  \n  <p>b</p>", "a\nb"),
        ("<pre>a</pre>  <pre>  \n  <b>b</b>\n </pre> \n ", "a   \n  b\n \n"),
        ("a<SCRIPT>if (a<b) x</script >b<style>c</style><!-- <p>d --> e", "ab e"),
        ("<a href=\"x>y\" title='z>'>a &amp; b</a>", "a & b"),
        ('<a href="x>y>a</a>b', "y>ab"),
        ("<!DOCTYPE html><?php x ?>a", "a"),
        ("a &#32; b&nbsp;c &#99999999999;", "a   b\xa0c \ufffd"),
        ("a &#" + "9" * 5000 + "; b", "a &#" + "9" * 5000 + "; b"),
    ],
)
def test_text(html: str, text: str) -> None:
    assert text_of(html) == text


def test_white_space_collapsed() -> None:
    assert visible_text("<p>a</p>\n\n<p>b &lt; c</p><!-- d -->") == "a b < c"


PIECES = [
    "<p>",
    "</p>",
    " ",
    "\n",
    "a",
    "b c",
    "<pre>",
    "</pre>",
    '<a href="x>y">',
    "</a>",
    "<!-- c -->",
    "<script>d</script>",
    "&amp;",
    "<br/>",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_as_beautiful_soup(html: str) -> None:
    bs4 = pytest.importorskip("bs4", reason="beautifulsoup4 is not installed; it is the reference, not a dependency")
    soup = bs4.BeautifulSoup(html, "html.parser")
    for hidden in soup(["script", "style"]):
        hidden.extract()
    assert text_of(html) == soup.get_text()


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a",
        "<a ='",
        '<a =">"',
        "<!--",
        "<script>",
        "<script",
        "</",
        "&",
        "&#9",
        "<a b='\">",
        "<pre>",
        '"<a =',
        '="<a >',
        "<!",
    ],
)
def test_hostile_pages_take_linear_time(piece: str) -> None:
    page = (piece * (1_000_000 // len(piece)))[:1_000_000]
    begin = time.process_time()
    text_of(page)
    visible_text(page)
    assert time.process_time() - begin < 20
