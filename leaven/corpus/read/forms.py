"""What a name says about how a file is read, from `data/forms.toml`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Literal

from leaven.corpus.language.detect import detect
from leaven.corpus.language.names import PAPER_MARKUP, section
from leaven.corpus.language.table import Choice, names
from leaven.corpus.plan import SourcePlan
from leaven.corpus.tables import DATA

Form = Literal["lines", "json", "parquet", "arrow", "tar", "zip", "plain"]
RECORDS: frozenset[Form] = frozenset({"lines", "json", "parquet", "arrow"})
ARCHIVES: frozenset[Form] = frozenset({"tar", "zip"})
_FORMS: tuple[Form, ...] = ("lines", "json", "parquet", "arrow", "tar", "zip")


@functools.cache
def _table() -> dict[str, dict[str, tuple[str, ...]]]:
    table = tomllib.loads((DATA / "forms.toml").read_text(encoding="utf-8"))
    return {section: {name: tuple(row) for name, row in table[section].items()} for section in ("suffixes", "licences")}


@functools.cache
def limits() -> dict[str, int]:
    """The limits of reading, by name; see the table for units and sources."""
    return dict(tomllib.loads((DATA / "forms.toml").read_text(encoding="utf-8"))["limits"])


@functools.cache
def shares() -> dict[str, float]:
    """Kind → part of an archive's text that is of it, at least."""
    return dict(tomllib.loads((DATA / "forms.toml").read_text(encoding="utf-8"))["shares"])


def form(path: str, plan: SourcePlan) -> Form:
    """How a file of this name is read for a plan."""
    named = named_form(path)
    return "plain" if named == "json" and not means_records(plan) else named


def named_form(path: str) -> Form:
    """How a file of this name is read where `.json` files are known to hold records."""
    lower = path.lower()
    return next((name for name in _FORMS if lower.endswith(_table()["suffixes"][name])), "plain")


def means_records(plan: SourcePlan) -> bool:
    """Whether `.json` files hold records and a git checkout is only where files of records lie: a clone of a data set
    is one too, and all that git itself knows of its files may be pointers to a large file store.
    """
    return bool(plan.kind in ("text", "instruct") or plan.shape or plan.fields)


def is_archive(path: str) -> bool:
    """Whether a name is that of an archive or a compressed file, opened here or not."""
    table = _table()["suffixes"]
    return path.lower().endswith(table["tar"] + table["zip"] + table["nested"])


def is_packed(path: str) -> bool:
    """Whether a file of this name holds several times its size."""
    return named_form(path) in ("parquet", "zip") or path.lower().endswith(
        (".gz", ".zst", ".xz", ".bz2", ".tgz", ".tbz2", ".txz")
    )


def is_licence(path: str) -> bool:
    """Whether a name is that of a file that states a licence."""
    stem, _, suffix = PurePosixPath(path).name.lower().partition(".")
    return stem in _table()["licences"]["names"] and suffix in ("", "txt", "md", "rst")


def reads(plan: SourcePlan) -> Callable[[str], bool]:
    """A predicate on paths: may a plain file of this name be a document of the plan's kind?

    Where only the content can say, by a shebang or because several languages share an extension evenly, it may.
    """
    suffixes = _table()["suffixes"]
    if plan.kind == "text" and plan.origin == "packages":
        return lambda path: path.lower().endswith(suffixes["text"] + suffixes["documentation"])
    if plan.kind in ("text", "instruct"):
        return lambda path: path.lower().endswith(suffixes["text"])
    if plan.kind == "web_code":
        return lambda path: _may_be(path, lambda language: section(language) == "code")
    if plan.kind == "markup":
        return lambda path: _may_be(path, PAPER_MARKUP.__contains__)
    return lambda path: path.lower().endswith(suffixes["adjacent"])


def _may_be(path: str, is_read: Callable[[str], bool]) -> bool:
    name = path.rpartition("/")[2]
    if language := detect(name):
        return is_read(language)
    shared = names().extensions.get(PurePosixPath(name).suffix.lower())
    return "." not in name or (isinstance(shared, Choice) and any(map(is_read, shared.candidates)))


def accepted(kind: str) -> str:
    """What a source of this kind may be given, for a message."""
    records = "a directory, .jsonl, .jsonl.gz, .jsonl.zst, .parquet, .arrow"
    return {
        "text": f"{records}, .json, .txt or .md",
        "instruct": f"{records} or .json",
        "web_code": f"{records}, an archive (.tar.gz, .zip, .whl), a git repository or source files",
        "markup": f"{records}, an archive (.tar.gz, .zip, .whl), a git repository or Markdown, reStructuredText, HTML, "
        "CSS, YAML, TOML or JSON files",
        "adjacent": f"{records}, notebooks (.ipynb), a dump of threads (.xml) or a git checkout",
    }.get(kind, records)
