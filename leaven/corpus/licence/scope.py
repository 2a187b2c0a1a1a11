"""How far licences reach in one tree: which file is under which, from its licence files and manifests.

In this order: `SPDX-License-Identifier` in the file's own first lines; `debian/copyright` (and REUSE's `dep5`) by its
patterns, the last that fits; the nearest folder above that states a licence. (The Stack v2 goes by folders too, but
takes what all folders above state together; here a library in another's tree, with its own licence, is under that.)
In one folder a manifest's words go before licence texts, unless the licence files hold nothing but licences of a worse
class: then both are said to hold.
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from leaven.corpus.language.detect import detect
from leaven.corpus.language.names import section
from leaven.corpus.licence.manifests import declared, is_manifest
from leaven.corpus.licence.spdx import IN_FILE, UNKNOWN, all_of, classify
from leaven.corpus.licence.texts import LOOK, mentioned, recognise, shares
from leaven.corpus.licence.words import normalise
from leaven.corpus.tree import Unreadable, read_bytes, walk

VERSION = "licence scope/1"

HEAD = 4096
"""Bytes or characters of a file in which its own identifier is looked for."""

MOST_PATTERNS = 2000
"""Patterns of one debian/copyright that are read."""

# Names as go-license-detector has them (internal/investigation.go), which is what The Stack v2 looks at.
_LICENCE_FILE = re.compile(
    r"(?:|.*[-_. ])(?:li[cs]en[cs]es?|legal|copy(?:left|right|ing)|unlicense|[al]?gpl[-_ v]?(?:\d\.?\d?)?|bsdl?|mitx?"
    r"|apache|artistic|copyingv?\d?|disclaimer|eupl|gfdl|[cm]pl|cc0|al[-_ v]?(?:\d\.?\d)?)(?:|[-_. ].*)",
    re.IGNORECASE,
)
_PROSE_FILE = re.compile(r"(?:|.*[-_. ])(?:about|notice|readme|guidelines)(?:|[-_. ].*)", re.IGNORECASE)
# One of these is in every name of either: a quick look before the patterns.
_LICENCE_WORD = re.compile(
    r"(?i)li[cs]en[cs]|legal|copy|gpl|bsd|mit|apache|artistic|disclaimer|eupl|gfdl|[cm]pl|cc0|al|about|notice|readme|guide"
)
_CERTAIN = re.compile(r"(?i)li[cs]en[cs]e|copying|copyleft")
_WRITTEN_IN = frozenset({"", "markdown", "restructuredtext", "html"})
_LICENCE_FOLDERS = frozenset({"license", "licenses", "licence", "licences", "legal"})
_OWN = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n\r]{1,300})")
_CLOSED = re.compile(r"[ \t]*(?:\*/|-->|\*\)|#\}|%>|--\}\}|-\}|\"{3}|'{3}|#+[ \t]*$|\|#).*$")
_INSTALLED = re.compile(r"([A-Za-z0-9_.]+?)-[^-/]+(?:-py[\d.]+)?\.(?:dist-info|egg-info)")


@dataclass(frozen=True)
class LicenceMap:
    """The licences of one tree.

    Attributes:
        folders: folder ("" the root, else ending in `/`) → expression.
        patterns: (folder, [(pattern on the path within it, expression)]), the deepest folder first.
    """

    folders: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[tuple[str, tuple[tuple[re.Pattern[str], str], ...]], ...] = ()

    @staticmethod
    def build(files: Iterable[tuple[str, bytes]]) -> LicenceMap:
        """The map of a tree from its (path, content)s; files that say nothing of licences may be among them."""
        said: defaultdict[str, list[str]] = defaultdict(list)
        texts: defaultdict[str, list[str]] = defaultdict(list)
        prose: defaultdict[str, list[str]] = defaultdict(list)
        patterns: list[tuple[str, tuple[tuple[re.Pattern[str], str], ...]]] = []
        stated = sorted((path, content) for path, content in files if speaks(path))
        alone = _installed_alone(path for path, _ in stated)
        for path, content in stated:
            folder, _, name = path.rpartition("/")
            if _is_dep5(path):
                patterns.append((_prefix(folder.rpartition("/")[0]), _dep5(content)))
                continue
            words = declared(path, content)
            places = _reach(folder, alone)
            if words is not None:
                into, expression = said, words
            elif _LICENCE_FILE.fullmatch(name):
                into, expression = texts, recognise(content)
                if expression == UNKNOWN and not _CERTAIN.search(name):
                    continue  # `al.txt`, `apache.conf`: the name alone does not make it a licence
            else:
                into, expression = prose, all_of(sorted(shares(content))) or mentioned(content)
            for place in places:
                if expression:
                    into[place].append(expression)
        folders = {
            folder: _together(said[folder], texts[folder], prose[folder]) for folder in sorted({*said, *texts, *prose})
        }
        patterns.sort(key=lambda row: (-row[0].count("/"), row[0]))
        return LicenceMap({f: e for f, e in folders.items() if e}, tuple(patterns))

    @staticmethod
    def of_tree(root: Path, skipped: Counter[str]) -> LicenceMap:
        """The map of a directory; no link is followed. What cannot be read is counted in `skipped` and says nothing."""

        def stated() -> Iterable[tuple[str, bytes]]:
            for entry in walk(root, skipped):
                if speaks(entry.path):
                    try:
                        yield entry.path, read_bytes(entry.file)
                    except Unreadable as reason:
                        skipped[str(reason)] += 1

        return LicenceMap.build(stated())

    def licence_of(self, path: str, head: bytes | str = "") -> str:
        """The expression under which a file is, "" where nothing says so.

        Args:
            path: relative to the tree's root, with `/`.
            head: the start of the file's content.
        """
        own = identifier(head)
        if own:
            return own
        for folder, rows in self.patterns:
            if path.startswith(folder):
                inside = path[len(folder) :]
                for pattern, expression in reversed(rows):
                    if pattern.match(inside):
                        return expression
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            found = self.folders.get(_prefix(folder))
            if found:
                return found
        return ""


def speaks(path: str) -> bool:
    """Whether a file of this name may say something of licences: licence files, manifests, read-me files."""
    name = path.rpartition("/")[2]
    if is_manifest(path) or _is_dep5(path):
        return True
    if not _LICENCE_WORD.search(name) or not (_LICENCE_FILE.fullmatch(name) or _PROSE_FILE.fullmatch(name)):
        return False
    language = detect(name)
    return language in _WRITTEN_IN or section(language) == "prose"


def identifier(head: bytes | str) -> str:
    """The expression of `SPDX-License-Identifier` in a file's first `HEAD` characters; "" without one."""
    if isinstance(head, bytes):
        if b"SPDX-License-Identifier" not in head[:HEAD]:
            return ""
        head = head[:HEAD].decode("latin-1")
    found = _OWN.search(head[:HEAD])
    return normalise(_CLOSED.sub("", found[1])) if found else ""


def _prefix(folder: str) -> str:
    return f"{folder}/" if folder else ""


def _is_dep5(path: str) -> bool:
    return path.endswith(("debian/copyright", ".reuse/dep5")) and (
        path in ("debian/copyright", ".reuse/dep5") or path.endswith(("/debian/copyright", "/.reuse/dep5"))
    )


def _reach(folder: str, alone: Mapping[str, bool]) -> list[str]:
    """The folders that a file lying in `folder` speaks of.

    A folder of licences speaks of the folder that it lies in; the metadata of an installed distribution of the packages
    beside it: of all of them where it is the only one.
    """
    parent, _, name = folder.rpartition("/")
    if name.lower() in _LICENCE_FOLDERS:
        return _reach(parent, alone)
    installed = _INSTALLED.fullmatch(name)
    if installed:
        beside = _prefix(parent)
        return [_prefix(folder), beside if alone.get(parent) else f"{beside}{installed[1].replace('-', '_')}/"]
    return [_prefix(folder)]


def _installed_alone(paths: Iterable[str]) -> dict[str, bool]:
    """Folder → whether the metadata of one distribution only lies in it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        parts = path.split("/")
        for depth, part in enumerate(parts[:-1]):
            if _INSTALLED.fullmatch(part):
                found["/".join(parts[:depth])].add(part)
    return {folder: len(names) == 1 for folder, names in found.items()}


def _together(said: list[str], texts: list[str], prose: list[str]) -> str:
    """What the files of one folder state together."""
    words = all_of(one for one in said if one not in (IN_FILE, UNKNOWN))
    written = all_of(one for one in texts if one != UNKNOWN)
    if words:
        worse = written and classify(words) == "permissive" and _none_permissive(written)
        return all_of([words, written]) if worse else words
    if written or texts:
        return written or UNKNOWN
    return all_of(prose) or (UNKNOWN if said else "")


def _none_permissive(expression: str) -> bool:
    return all(classify(part.strip(" ()")) == "non_permissive" for part in re.split(r" (?:AND|OR) ", expression))


def _dep5(content: bytes) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns of a machine-readable debian/copyright, in order; none where it is not of that format."""
    text = content[:LOOK].decode("utf-8", errors="replace")
    if not re.search(r"(?im)^Format(?:-Specification)?:", text[:2000]):
        return ()
    paragraphs = [_fields(paragraph) for paragraph in re.split(r"\n(?:[ \t]*\n)+", text)]
    texts = {fields["license"].partition("\n")[0]: fields["license"] for fields in paragraphs if "license" in fields}
    rows: list[tuple[re.Pattern[str], str]] = []
    for fields in paragraphs:
        licence = _short_name(fields.get("license", ""), texts) if "files" in fields else ""
        for glob in fields.get("files", "").split():
            if licence and len(rows) < MOST_PATTERNS and glob.count("*") <= 10:
                literal = re.sub(r"\\([*?\\])", r"[\1]", glob.replace("[", "[[]"))
                rows.append((re.compile(fnmatch.translate(literal.removeprefix("./"))), licence))
    return tuple(rows)


def _short_name(field: str, texts: Mapping[str, str]) -> str:
    """The expression of a License field: by its short name, else by the text that stands below it or elsewhere."""
    name, _, text = field.partition("\n")
    found = normalise(name)
    return recognise(text or texts.get(name, "").partition("\n")[2]) if found == UNKNOWN else found


def _fields(paragraph: str) -> dict[str, str]:
    """The fields of one paragraph of Debian's control format, names in lower case."""
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.split("\n"):
        if line[:1] in (" ", "\t") and name:
            fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
