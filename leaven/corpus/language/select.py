"""Which languages a source keeps: the paper's, the most frequent after filtering, a list, or all of a section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.corpus.language.names import PAPER_CODE, PAPER_MARKUP, canonical, languages, section
from leaven.ground.errors import BadInput, did_you_mean

VERSION = "selection/1"


def top(counts: Mapping[str, int], n: int, section_name: str) -> tuple[str, ...]:
    """The n languages of a section with the most documents, most first, equal counts by name.

    `counts` are documents per canonical language *after* filtering: which languages survive depends on the rules (no
    Swift passes StarCoder's). Fewer than n where fewer have documents.
    """
    counted = [(-count, name) for name, count in counts.items() if count > 0 and name and section(name) == section_name]
    return tuple(name for _, name in sorted(counted)[:n])


def selection(
    spec: Any, counts: Mapping[str, int], section_name: str = "code", *, field: str = "languages"
) -> tuple[str, ...]:
    """The canonical names that a `languages` field asks for, in the order given (or most frequent first).

    Args:
        spec: "paper" (the paper's 25 or 10), `{"top": N}`, a list of names in any spelling, or None (every language of
            the section that has documents).
        counts: documents per canonical language after filtering.
        section_name: "code", "markup", "data" or "prose".
        field: the study's field, for messages.

    Raises:
        BadInput: a spec of another shape, N that is no positive whole number, or a name that nothing is known by.
    """
    if spec is None:
        return top(counts, len(counts), section_name)
    if spec == "paper":
        listed = {"code": PAPER_CODE, "markup": PAPER_MARKUP}.get(section_name)
        if listed is None:
            raise BadInput(f"the paper has no list of {section_name} languages", field=field)
        return tuple(listed)
    if isinstance(spec, Mapping) and set(spec) == {"top"}:
        n = spec["top"]
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise BadInput(f"{n!r} is no count of languages", field=f"{field}.top", fix="write e.g. {top: 25}")
        return top(counts, n, section_name)
    if isinstance(spec, Sequence) and not isinstance(spec, str) and all(isinstance(name, str) for name in spec):
        return tuple(dict.fromkeys(_known(name, f"{field}[{i}]") for i, name in enumerate(spec)))
    raise BadInput(f"{spec!r} names no languages", field=field, fix='"paper", {top: N} or a list of names')


def _known(name: str, field: str) -> str:
    found = canonical(name)
    if not found:
        near = did_you_mean(name.lower(), languages())
        raise BadInput(f'no language is known as "{name}"' + (near if "did you mean" in near else ""), field=field)
    return found
