"""Bodies of a dump as text: code kept, marks gone, no page too hostile."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.adjacent.html_text import text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One\n two</p>\n\n<p>three</p>", "One two\n\nthree"),
        ("<p>Use <code>a &lt; b</code>, <strong>not</strong> this.</p>", "Use `a < b`, not this."),
        (
            '<p>Try</p>\n<pre class="lang-py"><code>if a &lt; b:\n    print()\n\n\n\nend\n</code></pre>\n<p>ok</p>',
            "Try\n\n```\nif a < b:\n    print()\n\n\n\nend\n```\n\nok",
        ),
        ("<ul><li>a</li>\n<li>b</li></ul>c", "- a\n- b\n\nc"),
        ('<a href="x">word</a><img src="y">!', "word!"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<pre>never closed &amp;", "```\nnever closed &\n```"),
        ("a < b > c", "a < b > c"),
        ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),
        ("<blockquote><p>said</p></blockquote>", "said"),
        ("", ""),
    ],
)
def test_bodies(html: str, text: str) -> None:
    assert text_of_html(html) == text


@given(
    st.lists(
        st.sampled_from(["<pre>", "</pre>", "<code>", "</code>", "<p>", "a", " ", "\n", "```", "<li>"]), max_size=20
    )
)
def test_anything(parts: list[str]) -> None:
    text = text_of_html("".join(parts))
    assert text == text.strip()
    assert "<p>" not in text or "<pre>" in parts


@pytest.mark.parametrize("unit", ["<", "<a", "<a ", "<pre>", "</pre>", "\n", " ", "&lt;", "&", "<p><p>"])
def test_hostile_pages_end_soon(unit: str) -> None:
    begin = time.monotonic()
    text_of_html(unit * (1_000_000 // len(unit)))
    assert time.monotonic() - begin < 30
