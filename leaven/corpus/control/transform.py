"""The controls by name. They let a study tell "code" from "structured, repeated, clean":

| name | what is left |
|---|---|
| `identifiers` | everything but the program's own names |
| `lines` | every line, in no order |
| `comments_only` | what people wrote about the code |
| `no_comments` | the code alone |
| `whitespace` | indentation and the length of lines and words |

A document for which a control is not defined (a language without a syntax, no comments) is dropped by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from leaven.corpus.control.comments import comments_only, no_comments
from leaven.corpus.control.identifiers import scrambled
from leaven.corpus.control.layout import shuffled_lines, whitespace_only
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, did_you_mean

CONTROLS: Mapping[str, str] = MappingProxyType(
    {
        "identifiers": "control/identifiers/1",
        "lines": "control/lines/2",
        "comments_only": "control/comments_only/1",
        "no_comments": "control/no_comments/1",
        "whitespace": "control/whitespace/1",
    }
)
"""Name → version of the algorithm."""


def transform(name: str, text: str, language: str, key: str) -> str:
    """A document under a control.

    Args:
        name: one of `CONTROLS`.
        text: the document.
        language: its canonical name, as `leaven.corpus.language` gives it.
        key: the document's id: everything that is drawn is a function of it and of the control's version.

    Raises:
        BadInput: there is no such control.
        Dropped: the control is not defined for this document; the message is the reason as counted.
    """
    match name:
        case "identifiers":
            return scrambled(text, language, f"{key64(CONTROLS[name], key):016x}")
        case "lines":
            return shuffled_lines(text, key64(CONTROLS[name], key))
        case "comments_only":
            return comments_only(text, language)
        case "no_comments":
            return no_comments(text, language)
        case "whitespace":
            return whitespace_only(text)
    raise BadInput(f'there is no control "{name}"{did_you_mean(name, CONTROLS)}')
