"""What a package's manifest declares its licence to be. Manifests are data: nothing in them is run or fetched."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from email.parser import HeaderParser
from typing import Any

from leaven.corpus.licence.spdx import IN_FILE, UNKNOWN, all_of
from leaven.corpus.licence.texts import recognise
from leaven.corpus.licence.words import LONGEST, normalise

LOOK = 262_144
"""Bytes of a manifest that are read; JSON and TOML beyond it say nothing."""

_GEMSPEC = re.compile(r"^[ \t]*\w{1,20}\.licenses?[ \t]*=[ \t]*([^\n]{1,200})", re.MULTILINE)
_SETUP_PY = re.compile(r"^[ \t]*(?:setup\([ \t]*)?license[ \t]*=[ \t]*([\"'][^\"'\n]{1,200}[\"'])", re.MULTILINE)
_QUOTED = re.compile(r"[\"']([^\"'\n]{1,100})[\"']")
_POM_NAME = re.compile(r"<name>([^<]{1,200})</name>")


def is_manifest(path: str) -> bool:
    """Whether a file of this name declares a package's licence."""
    return path.rpartition("/")[2] in _READERS or path.endswith(".gemspec")


def declared(path: str, content: bytes) -> str | None:
    """The expression that a manifest declares, "" where it declares none, None where the file is no manifest.

    Never raises for what is in the file: a manifest that cannot be read declares nothing.
    """
    if not is_manifest(path):
        return None
    reader = _READERS.get(path.rpartition("/")[2], _gemspec)
    try:
        return reader(content[:LOOK].decode("utf-8", errors="replace").removeprefix("\ufeff"))
    except (ValueError, TypeError, AttributeError, RecursionError, configparser.Error):
        return ""


def _words(said: Any) -> str:
    """What is said, where the whole text of a licence may be said too."""
    if isinstance(said, str) and len(said) > LONGEST:
        return recognise(said)
    return normalise(said)


def _package_json(text: str) -> str:
    package = json.loads(text)
    return normalise(package.get("license") or package.get("licence") or package.get("licenses"))


def _composer(text: str) -> str:
    return normalise(json.loads(text).get("license"))


def _metadata(text: str) -> str:
    headers = HeaderParser().parsestr(text.partition("\n\n")[0])
    said = _words(headers.get("License-Expression"))
    return said or _with_classifiers(headers.get("License"), headers.get_all("Classifier", []))


def _with_classifiers(said: Any, classifiers: Iterable[Any]) -> str:
    """A licence field, or where it says nothing clear the classifiers; all of several classifiers hold."""
    words = _words(said)
    if words and words not in (UNKNOWN, IN_FILE) and not words.startswith("LicenseRef-"):
        return words
    trove = [str(one) for one in classifiers if str(one).startswith("License ::")]
    listed = all_of(normalise(one) for one in trove[:20])
    return listed if listed and (listed != UNKNOWN or not words) else words


def _pyproject(text: str) -> str:
    table = tomllib.loads(text)
    project = table.get("project", {})
    poetry = table.get("tool", {}).get("poetry", {})
    said = project.get("license") or poetry.get("license")
    said = said.get("text", said) if isinstance(said, dict) else said
    return _with_classifiers(said, [*project.get("classifiers", []), *poetry.get("classifiers", [])])


def _cargo(text: str) -> str:
    package = tomllib.loads(text).get("package", {})
    said = package.get("license")
    return normalise(said) if isinstance(said, str) else (IN_FILE if package.get("license-file") else "")


def _setup_cfg(text: str) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    metadata = parser["metadata"] if parser.has_section("metadata") else {}
    return _with_classifiers(metadata.get("license"), str(metadata.get("classifiers", "")).splitlines())


def _setup_py(text: str) -> str:
    found = _SETUP_PY.search(text)
    trove = [line for line in _QUOTED.findall(text) if line.startswith("License ::")]
    return _with_classifiers(found[1] if found else "", trove)


def _gemspec(text: str) -> str:
    found = _GEMSPEC.search(text)
    return normalise(_QUOTED.findall(found[1])) if found else ""


def _pom(text: str) -> str:
    licences = text.partition("<licenses>")[2].partition("</licenses>")[0]
    return normalise([name.strip() for name in _POM_NAME.findall(licences)])


_READERS: dict[str, Callable[[str], str]] = {
    "package.json": _package_json,
    "composer.json": _composer,
    "PKG-INFO": _metadata,
    "METADATA": _metadata,
    "pyproject.toml": _pyproject,
    "Cargo.toml": _cargo,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "pom.xml": _pom,
}
