"""Whatever enters the page as a string leaves it as text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from leaven.report.markup import Html, anchor, details, join, table, tag, text


@given(st.text())
def test_any_string_is_text_in_body_and_attribute(value: str) -> None:
    seen: list[tuple[str, dict[str, str | None]]] = []
    said: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

        def handle_data(self, data: str) -> None:
            said.append(data)

    reader = Reader()
    reader.feed(tag("p", value, title=value))
    reader.close()
    assert seen == [("p", {"title": "".join(said)})]
    text(value).encode()


def test_html_passes_and_attributes_follow_python() -> None:
    assert tag("a", Html("<b>x</b>"), class_="k", data_of="y", hidden=True, title=None) == (
        '<a class="k" data-of="y" hidden><b>x</b></a>'
    )
    assert join(["<", None, [1, Html("<br>")]]) == "&lt;1<br>"
    assert tag("meta", name="x") == '<meta name="x">'


def test_tables_name_their_columns_and_rows() -> None:
    made = table(["a", "b"], [["x", 1]], caption="c", numbers=(1,))
    assert '<th scope="col">a</th>' in made
    assert '<th scope="row">x</th><td class="n">1</td>' in made
    assert details("s", "<") == "<details><summary>s</summary>&lt;</details>"


def test_anchors_are_plain() -> None:
    assert anchor("What was left out, & why → é") == "what-was-left-out-why-e"
    assert anchor("→") == "part"
