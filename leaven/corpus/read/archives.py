"""An archive → its files, with the package that it is where the archive says so.

Members are streamed, nothing is written anywhere, archives within are not opened. A package's own metadata (`PKG-INFO`
of a source distribution, `METADATA` of a wheel, `package.json` of an npm tarball) names the repository `name@version`
of all its files; where it does not come among the first, the top folder or the archive's name does.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from leaven.corpus.read import tar, zips
from leaven.corpus.read.forms import is_licence, limits, named_form
from leaven.corpus.read.members import Budget, RawFile, TooMuch
from leaven.corpus.read.open import open_input
from leaven.corpus.read.stream import chunks, compression
from leaven.corpus.tree import Entry

_METADATA = re.compile(r"[^/]+/(?:PKG-INFO|package\.json)|[^/]+\.dist-info/METADATA")
_VERSIONED = re.compile(r"(.+?)-(v?\d[A-Za-z0-9.+!_-]*)")
_NAME = re.compile(r"[A-Za-z0-9@._/+!-]{1,200}")
_SUFFIX = re.compile(r"\.(?:whl|zip|tgz|tbz2|txz|tar(?:\.\w+)?)$", re.IGNORECASE)
_NPM_FOLDER = "package"


@dataclass(frozen=True)
class Package:
    """What an archive is: `name@version` or a folder's name, and its licence where it says so."""

    repository: str
    licence: str = ""


def members(entry: Entry, skipped: Counter[str], wanted: Callable[[str], bool]) -> Iterator[RawFile]:
    """The files of an archive, in its order; whatever else it holds is counted.

    Args:
        entry: a tar (plain or compressed), zip or wheel.
        skipped: reasons are counted here; what is refused never costs a member that came before it.
        wanted: whether a file of this path is to be read. Files that state a licence always are.
    """
    held: list[tuple[str, bytes]] = []
    size, package, top, seen = 0, None, "", set[str]()
    for path, data in _streamed(entry, skipped, lambda path: _is_read(path, wanted)):
        if path in seen:
            skipped["second member of one name"] += 1
            continue
        seen.add(path)
        top = top or path.partition("/")[0] + "/" * ("/" in path)
        if package is None:
            if _METADATA.fullmatch(path):
                package = _stated(path, data)
            held.append((path, data))
            size += len(data)
            if package is None and size <= limits()["held"]:
                continue
            package = package or named(entry.path, top)
            for earlier in held:
                yield from _raw(entry, *earlier, package, wanted)
            held.clear()
        else:
            yield from _raw(entry, path, data, package, wanted)
    package = package or named(entry.path, top)
    for path, data in held:
        yield from _raw(entry, path, data, package, wanted)


def named(archive: str, top: str = "") -> Package:
    """What an archive is by its top folder (ending in `/`) or else by its own name: `requests-2.1/` is requests@2.1."""
    folder = top.rstrip("/") if top.endswith("/") else ""
    stem = _SUFFIX.sub("", PurePosixPath(archive).name)
    if archive.lower().endswith(".whl"):
        return Package("@".join(stem.split("-")[:2]))
    candidates = [stem] if folder in ("", _NPM_FOLDER) else [folder, stem]
    for candidate in candidates:
        if match := _VERSIONED.fullmatch(candidate):
            return Package(f"{match[1]}@{match[2]}")
    return Package(candidates[0])


def _streamed(entry: Entry, skipped: Counter[str], wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    budget = Budget(entry.size)
    try:
        if named_form(entry.path) == "tar":
            parts = chunks(entry.file, compression(entry.path), skipped)
            yield from tar.members(parts, budget, wanted, skipped)
        else:
            with open_input(entry.file) as handle:
                yield from zips.members(handle, budget, wanted, skipped)
    except TooMuch as reason:
        skipped[f"archive: {reason}"] += 1
    except OSError:
        skipped["unreadable"] += 1


def _is_read(path: str, wanted: Callable[[str], bool]) -> bool:
    return wanted(path) or is_licence(path) or _METADATA.fullmatch(path) is not None


def _raw(entry: Entry, path: str, data: bytes, package: Package, wanted: Callable[[str], bool]) -> Iterator[RawFile]:
    if wanted(path) or is_licence(path):
        yield RawFile(f"{entry.path}/{path}", data, package.repository, package.licence)


def _stated(path: str, data: bytes) -> Package | None:
    """What a package's metadata says of it; None where that is no name and version."""
    try:
        text = data.decode()
        name, version, licence = _of_npm(text) if path.endswith(".json") else _of_python(text)
    except (ValueError, RecursionError):
        return None
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(version):
        return None
    return Package(f"{name}@{version}", licence if len(licence) <= limits()["field"] else "")


def _of_npm(text: str) -> tuple[str, str, str]:
    stated = json.loads(text)
    if not isinstance(stated, dict):
        return "", "", ""
    licence = stated.get("license", "")
    if isinstance(licence, dict):
        licence = licence.get("type", "")
    name, version, licence = (
        value if isinstance(value, str) and value.isprintable() else ""
        for value in (stated.get("name"), stated.get("version"), licence)
    )
    return name, version, licence


def _of_python(text: str) -> tuple[str, str, str]:
    """Name, version and licence of core metadata, whose headers end at the first empty line."""
    stated: dict[str, str] = {}
    for line in text.partition("\n\n")[0].splitlines():
        key, sep, value = line.partition(": ")
        if sep and not line[0].isspace():
            stated.setdefault(key.lower(), value.strip())
    licence = stated.get("license-expression") or stated.get("license", "")
    return stated.get("name", ""), stated.get("version", ""), licence
