"""Scores of a document: which columns rulesets need, and their values.

Every score is a plain function of a `Reading`; those that one look at the text yields together are one function here,
so that nothing is read twice. A score that does not apply is nan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import nan

from leaven.corpus.rules import c4, encoded, generated, gopher, html, paper, sizes
from leaven.corpus.rules.reading import Reading
from leaven.corpus.rules.tables import chosen
from leaven.ground.errors import BadInput, did_you_mean

VERSION = "scores/1"
"""Changes when a score of the same name comes to mean something else."""

GIVEN = ("stars", "fertility")
"""Scores that no text tells: the repository's stars (0 where unknown) and the characters per token of a tokenizer.
`score` gives nan for them and whoever knows puts them in place."""

Scores = Callable[[Reading], Mapping[str, float]]


def columns(rulesets: Sequence[str]) -> tuple[str, ...]:
    """Names of the 32-bit float columns that these rulesets read, each once. Raises BadInput for an unknown name."""
    return tuple(dict.fromkeys(name for each in chosen(rulesets) for name in each.scores))


def score(text: str, language: str, path: str, columns: Sequence[str]) -> list[float]:
    """The scores of a document in the order of `columns`, nan where one does not apply.

    Args:
        text: the document.
        language: by any of its names; rules compare `language_key(language)`.
        path: relative, with `/`; only its names are looked at.
        columns: names from `columns`. Raises BadInput for one that no rule knows.
    """
    reading = Reading(text, language, path)
    found: dict[str, float] = {}
    for scores in _plan(tuple(columns)):
        found.update(scores(reading))
    return [found[name] for name in columns]


def _single(name: str, function: Callable[[Reading], float]) -> Scores:
    return lambda reading: {name: function(reading)}


def _comments(reading: Reading) -> Mapping[str, float]:
    if reading.language not in ("python", "java", "javascript"):
        return {"comment_share": nan}
    from leaven.corpus.rules.comments import comment_share

    return {"comment_share": comment_share(reading)}


def _html(reading: Reading) -> Mapping[str, float]:
    shown = html.html_text(reading)
    return {"html_text": shown, "html_share": shown / max(len(reading.text), 1)}


def _domains(reading: Reading) -> Mapping[str, float]:
    hits = paper.domain_lines(reading)
    filled = sum(1 for line in reading.lines if line.strip()) if hits else 1
    return {"domain_lines": hits, "domain_share": hits / filled}


def _encoded(reading: Reading) -> Mapping[str, float]:
    found = encoded.encoded(reading)
    length = max(len(reading.text), 1)
    return {
        "base64_longest": float(found.base64_longest),
        "base64_solid": float(found.base64_solid),
        "hex_longest": float(found.hex_longest),
        "unicode_longest": float(found.unicode_longest),
        "encoded_share": found.total / length,
        "encoded_solid": found.solid / length,
    }


def xml_declaration(reading: Reading) -> float:
    """Characters up to the end of the first `<?xml version=`; nan where the first 4096 have none."""
    at = reading.text.find("<?xml version=", 0, paper.HEAD)
    return float(at + len("<?xml version=")) if at >= 0 else nan


_SINGLE: Mapping[str, Callable[[Reading], float]] = {
    "characters": sizes.characters,
    "bytes": sizes.size,
    "lines": sizes.lines,
    "max_line": sizes.max_line,
    "mean_line": sizes.mean_line,
    "alphanumeric": sizes.alphanumeric,
    "alphabetic": sizes.alphabetic,
    "bare_characters": sizes.bare_characters,
    "xml_declaration": xml_declaration,
    "floats": paper.floats,
    "hex_prefixes": paper.hex_prefixes,
    "generated_by": paper.generated_by,
    "generated_line": generated.generated_line,
    "generated_file": generated.generated_file,
    "text_name": generated.text_name,
    "words": gopher.words,
    "mean_word": gopher.mean_word,
    "hashes": gopher.hashes,
    "ellipses": gopher.ellipses,
    "bullet_lines": gopher.bullet_lines,
    "ellipsis_lines": gopher.ellipsis_lines,
    "alphabetic_words": gopher.alphabetic_words,
    "stop_words": gopher.stop_words,
    "curly_brackets": c4.curly_brackets,
    "lorem_ipsum": c4.lorem_ipsum,
    "c4_sentences": c4.c4_sentences,
    "c4_retained": c4.c4_retained,
    **dict.fromkeys(GIVEN, lambda _: nan),
}

_TOGETHER: Sequence[tuple[Scores, tuple[str, ...]]] = (
    (_html, ("html_text", "html_share")),
    (_domains, ("domain_lines", "domain_share")),
    (
        _encoded,
        ("base64_longest", "base64_solid", "hex_longest", "unicode_longest", "encoded_share", "encoded_solid"),
    ),
    (_comments, ("comment_share",)),
    (
        gopher.repetition,
        (
            *(f"duplicate_{part}" for part in ("lines", "paragraphs", "line_characters", "paragraph_characters")),
            *(f"top_{n}gram" for n in gopher.TOP),
            *(f"duplicate_{n}gram" for n in gopher.DUPLICATE),
        ),
    ),
)

KNOWN = frozenset(_SINGLE).union(*(names for _, names in _TOGETHER))
"""Names of all scores of a text."""


@cache
def _plan(columns: tuple[str, ...]) -> tuple[Scores, ...]:
    for name in columns:
        if name not in KNOWN:
            raise BadInput(f'unknown score "{name}"{did_you_mean(name, sorted(KNOWN))}', field="columns")
    wanted = set(columns)
    singles = (_single(name, function) for name, function in _SINGLE.items() if name in wanted)
    return (*singles, *(scores for scores, names in _TOGETHER if wanted.intersection(names)))
