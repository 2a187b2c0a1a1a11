"""What is kept as prose reads as sentences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.prose import is_prose, paragraphs, prose_of, unwrap

NUMPY = """Return the mean of the values along the axis that is given.

The mean is the sum of the values divided by how many there are,
and it is taken over the whole array unless an axis is named.

Parameters
----------
a : array_like
    The array whose mean is wanted by the caller of this function.
axis : int, optional
    The axis along which the means are computed by this function.

Returns
-------
out : ndarray
    The means that were found, in an array of the same type as the input.

.. note:: x
   Nothing here.

Notes
-----
When the input is empty, the result is not a number and a warning is
raised by the code that divides.  See `numpy.sum` and :func:`~numpy.average`
for more on what is done with ``dtype``::

    a = this is code and it is not for the reader of the text.

Examples
--------
>>> mean([1, 2])
1.5
This line of output is not prose even though it looks like a sentence.

The last paragraph comes after the code and is part of the text again.
"""


def test_a_docstring_in_the_manner_of_numpy() -> None:
    found = paragraphs(NUMPY)
    assert found == [
        "Return the mean of the values along the axis that is given.",
        "The mean is the sum of the values divided by how many there are, and it is taken over the whole array "
        "unless an axis is named.",
        "The last paragraph comes after the code and is part of the text again.",
    ]


def test_sections_of_arguments_are_not_prose() -> None:
    text = (
        "Read all of the file and give back what was in it at the time.\n\n"
        "Args:\n    path: The file that is to be read by this function.\n\n"
        "Returns:\n    The text of the file as it was when the function was called.\n"
    )
    assert paragraphs(text) == [
        "Read all of the file and give back what was in it at the time.",
        "The text of the file as it was when the function was called.",
    ]


def test_markdown_loses_code_tables_and_links() -> None:
    text = (
        "# A title that is long enough to be a sentence of its own.\n\n"
        "This is [a link](https://x.y/z) to the page that says **how** it is done.\n\n"
        "```python\nThis is code and not a sentence that is kept.\n```\n\n| a | b |\n|---|---|\n"
        "\n- This point of the list is a whole sentence and is kept as such.\n- short\n"
    )
    assert prose_of(text, "markdown") == [
        "This is a link to the page that says how it is done.",
        "This point of the list is a whole sentence and is kept as such.",
    ]


def test_metadata_html_and_manual() -> None:
    sentence = "The body of the description is what is kept of the metadata of a package."
    assert prose_of(
        f"Name: x\nSummary: This is the summary of the package and it is not kept.\n\n{sentence}\n", "metadata"
    ) == [sentence]
    assert prose_of(f"<head><title>No</title></head><p>{sentence}</p><pre>{sentence} No.</pre>", "html") == [sentence]
    assert prose_of(f"topics = {{'a': {sentence!r}}}\n", "python", "topics.py") == [sentence]
    assert prose_of("topics = {", "python", "topics.py") == []


@pytest.mark.parametrize(
    ("paragraph", "kept"),
    [
        ("This is a sentence that has enough words and an end.", True),
        ("This has no end mark but it has enough words", False),
        ("too short.", False),
        ("lower case at the start of what would be a sentence of the text.", False),
        ("Foo_bar baz_qux x_y z_w a_b c_d e_f g_h i_j k_l m_n.", False),
        ("Das ist ein Satz auf Deutsch und der soll nicht behalten werden.", False),
        ("Values 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10 of the table 11, 12, 13.", False),
    ],
)
def test_is_prose(paragraph: str, kept: bool) -> None:
    assert is_prose(paragraph) is kept


def test_unwrap() -> None:
    assert unwrap("See :class:`~a.b.C`, ``x`` and `d <http://e>`_ [1]_ *now*.") == "See C, x and d now."


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_text_gives_paragraphs_of_prose(text: str) -> None:
    for language in ("python", "markdown", "html", "metadata"):
        for paragraph in prose_of(text, language):
            assert is_prose(paragraph)
            assert "\n" not in paragraph
