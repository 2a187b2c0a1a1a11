"""The corpus `workstation`: the interpreter's standard library and the installed packages that leaven requires.

Which files a source may read is settled from paths and sizes alone, before any content is read: files of the
source's kind in the order of a keyed hash, until the source has enough, no package taking more than its
share. So the choice is the same whatever order the file system lists, and a small source reads little.
"""

from __future__ import annotations

import re
import sysconfig
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaven.corpus.distributions import top_level
from leaven.corpus.language.detect import detect
from leaven.corpus.language.kinds import is_of_kind
from leaven.corpus.plan import SourcePlan
from leaven.corpus.tables import rules
from leaven.corpus.tree import Entry, walk
from leaven.ground.canonical import key64

STANDARD_LIBRARY, PACKAGES = "stdlib", "packages"

_LEFT_OUT = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|config-\d[^/]*|__editable__[^/]*|_sysconfigdata[^/]*|[^/]*\.pth)$"
    r"|^leaven(?:-[^/]*)?$"
)
_LEGAL = re.compile(r"(?i)(?:^|/)(?:licen[cs]es?|copying|notice|authors?|credits|thanks|contributors)[^/]*(?:/|$)")
_TESTS = re.compile(r"(?:^|/)(?:tests?|testing|test_[^/]*|[^/]*_test|conftest)(?:/|\.py$)")
_DIST_INFO = re.compile(r"([^/]+?)-[^/-]+\.(?:dist|egg)-info/")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that a source may read: its path with its root's label in front, where it lies, what it belongs
    to.
    """

    path: str
    entry: Entry
    group: str
    language: str
    licence: str


def roots() -> dict[str, Path]:
    """The folders of this computer that hold installed Python source, by label."""
    found = {STANDARD_LIBRARY: Path(sysconfig.get_path("stdlib"))}
    packages = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    found[PACKAGES] = packages[0]
    if packages[1].resolve() != packages[0].resolve():
        found["platform-packages"] = packages[1]
    return {label: path for label, path in found.items() if path.is_dir()}


def inventory(folders: Mapping[str, Path], skipped: Counter[str]) -> dict[str, list[Entry]]:
    """Every file below the roots that could be read at all. Walk once, select for many sources.

    Of this computer's own installed packages only those that leaven requires are entered (`distributions`).
    """
    own = roots()
    required = top_level() if any(own.get(label) == root for label, root in folders.items()) else None

    def left_out(path: str, label: str) -> bool:
        if label != STANDARD_LIBRARY and required is not None and own.get(label) == folders[label]:
            first, _, rest = path.partition("/")
            if not rest and first not in required:
                return True
        return bool(_LEFT_OUT.search(path))

    return {
        label: list(walk(root, skipped, leave=lambda path, label=label: left_out(path, label), links=True))  # type: ignore[misc]
        for label, root in sorted(folders.items())
    }


def select(plan: SourcePlan, listing: Mapping[str, Sequence[Entry]]) -> list[Candidate]:
    """The files that `plan` reads, sorted by path: a pure function of the listing's paths and sizes."""
    limits = rules()["selection"][plan.kind]
    found: list[tuple[int, int, Candidate]] = []
    for label, entries in sorted(listing.items()):
        licences = _licences(entries) if label != STANDARD_LIBRARY else {}
        for entry in entries:
            language = _language(plan.kind, entry.path)
            if language is None or not 0 < entry.size <= limits["max_file"]:
                continue
            group = group_of(label, entry.path)
            licence = "PSF-2.0" if label == STANDARD_LIBRARY else licences.get(group, "")
            path = f"{label}/{entry.path}"
            rank = key64("select/1", plan.seed, plan.kind, path)
            found.append((rank, entry.size, Candidate(path, entry, group, language, licence)))
    found.sort(key=lambda item: item[0])
    groups = len({candidate.group for _, _, candidate in found})
    budget = min(int(plan.max_bytes * limits["raw_per_byte"]), sum(size for _, size, _ in found))
    group_bytes = budget * max(limits["group_share"], 2 / max(groups, 1))
    group_files = limits.get("group_files", len(found))
    taken: list[Candidate] = []
    total = 0
    group_used: Counter[str] = Counter()
    group_count: Counter[tuple[str, str]] = Counter()
    for _, size, candidate in found:
        kind = (candidate.group, candidate.language)
        used = group_used[candidate.group]
        if total + size > budget or (used and used + size > group_bytes):
            continue
        if group_count[kind] >= group_files:
            continue
        group_used[candidate.group] += size
        group_count[kind] += 1
        total += size
        taken.append(candidate)
    return sorted(taken, key=lambda candidate: candidate.path)


def group_of(label: str, path: str) -> str:
    """The package a file belongs to: `stdlib/json`, or the distribution's folder, metadata included."""
    top = path.split("/", 1)[0]
    if label == STANDARD_LIBRARY:
        return f"{STANDARD_LIBRARY}/{top.removesuffix('.py')}"
    match = _DIST_INFO.match(path)
    name = match[1] if match else top.removesuffix(".py").removesuffix(".libs")
    return name.lower().replace("-", "_")


def _language(kind: str, path: str) -> str | None:
    """The language in which a source of this kind reads an installed file, None where it leaves the file
    alone.
    """
    described = path.endswith(".dist-info/METADATA") and kind in ("text", "markup")
    if described:
        return "metadata"
    language = detect(path)
    if not language or not is_of_kind(kind, language):
        return None
    if _LEGAL.search(path):
        return None
    if kind in ("text", "markup") and (".dist-info/" in path or ".egg-info/" in path):
        return None
    if kind == "text" and _TESTS.search(path):
        return None
    return language


def _licences(entries: Sequence[Entry]) -> dict[str, str]:
    """The licence each installed package declares: License-Expression, else a short License field, else
    classifiers.
    """
    found: dict[str, str] = {}
    for entry in entries:
        if not entry.path.endswith(".dist-info/METADATA"):
            continue
        try:
            head = Path(entry.file).read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        except OSError:
            continue
        fields = [line.partition(": ") for line in head.split("\n")]
        named = {name: value.strip() for name, _, value in fields if name in ("License-Expression", "License")}
        classifiers = [
            v.rpartition(" :: ")[2] for n, _, v in fields if n == "Classifier" and v.startswith("License ::")
        ]
        licence = named.get("License-Expression") or named.get("License", "")
        if not licence or len(licence) > 60:
            licence = ", ".join(sorted(classifiers))
        found[group_of(PACKAGES, entry.path)] = licence
    return found
