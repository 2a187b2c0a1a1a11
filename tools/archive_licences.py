"""What the licence files inside an archive say, and which parts of it carry another licence than the whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import PurePosixPath

PERMISSIVE = {
    "MIT": ["permission is hereby granted, free of charge, to any person obtaining a copy"],
    "BSD": ["redistribution and use in source and binary forms"],
    "Apache-2.0": ["apache license version 2.0", "apache license, version 2.0"],
    "ISC": ["permission to use, copy, modify, and/or distribute this software for any purpose"],
    "PSF-2.0": ["python software foundation license"],
    "Zlib": ["this software is provided 'as-is', without any express or implied warranty"],
    "Unlicense": ["this is free and unencumbered software released into the public domain"],
    "CC0-1.0": ["cc0 1.0 universal", "creativecommons.org/publicdomain/zero/1.0"],
    "BSL-1.0": ["boost software license - version 1.0"],
    "Qhull": ["this software includes qhull"],
}
"""Licence → phrases, one of which stands in its text. All are permissive by the lists of the OSI or the FSF."""

FOREIGN = re.compile(
    r"gnu (?:lesser |library |affero |free )?(?:general public|documentation) licen[cs]e|mozilla public license"
    r"|common development and distribution license|eclipse public license|attribution-noncommercial"
    r"|attribution-sharealike|all rights reserved\. no part"
)
"""What makes a licence file one that is not permissive, whatever else it holds."""

NOTICE = re.compile(
    r"(?i)(?:licen[cs]ed?|distributed?|redistribute it|modify it|terms)\b[^.]{0,160}?\bgnu\s[^.]{0,40}?general\s+public"
    r"|spdx-license-identifier:[^\n]{0,80}?(?:gpl|mpl-|cddl|epl-|-nc|-sa)"
    r"|terms of the mozilla public|this (?:program|library|file) is free software"
    r"|creativecommons\.org/licenses/by-(?:nc|sa)"
)
"""A notice at the head of a file (its first 4,000 characters) by which the file is left out."""

NAMED = re.compile(r"(?i)(?:^|[-_.])(?:licen[cs]es?|copying|unlicense)(?:[-_.]|$)")
COLLECTED = {"license", "licenses", "licence", "licences"}


@dataclass
class Licences:
    """Attributes:
    metadata: what the registry's metadata inside the archive says.
    own: licences of the whole, from files at the top.
    without: folders and files that are to be left out.
    vendored: folder → licence, where it has a permissive one of its own.
    """

    metadata: str = ""
    own: set[str] = field(default_factory=set)
    without: set[str] = field(default_factory=set)
    vendored: dict[str, str] = field(default_factory=dict)


def is_licence(path: str) -> bool:
    return NAMED.search(PurePosixPath(path).name) is not None


def has_notice(text: str) -> bool:
    return NOTICE.search(re.sub(r"[\s*#/;%!]+", " ", text[:4000])) is not None


def sort_in(path: str, text: str, licences: Licences) -> None:
    """Take a licence file into account."""
    plain = _plain(text)
    found = _named(plain)
    foreign = FOREIGN.search(plain) is not None
    parent = PurePosixPath(path).parent
    folders = {part.lower() for part in parent.parts}
    if not folders or (len(folders) == 1 and folders & COLLECTED):
        licences.own |= found
    elif folders & {"doc", "docs"} and not found:
        licences.without |= {path} if foreign else set()
    elif foreign or not found:
        licences.without.add(str(parent))
    else:
        known = licences.vendored.get(str(parent), "").split(" AND ")
        licences.vendored[str(parent)] = " AND ".join(sorted({*known, *found} - {""}))


def declared(path: str, text: str) -> str:
    """The licence that `PKG-INFO` or `package.json` declares."""
    if path == "package.json":
        return str(json.loads(text).get("license", ""))
    message = HeaderParser().parsestr(text)
    classifiers = [c.rpartition(" :: ")[2] for c in message.get_all("Classifier", []) if c.startswith("License")]
    own = str(message["License-Expression"] or message["License"] or "").strip().split("\n")[0]
    return "; ".join([own[:60], *classifiers])


def agrees(licence: str, licences: Licences) -> bool:
    """Whether every part of `licence` is permissive, and a licence file at the top says so too."""
    parts = {part for part in re.split(r" AND | OR |[() ]+", licence) if part}
    families = {family for part in parts for family in PERMISSIVE if part.startswith(family)}
    return bool(parts) and len(families) == len(parts) and parts <= licences.own


def _named(plain: str) -> set[str]:
    found = {name for name, phrases in PERMISSIVE.items() if any(_plain(phrase) in plain for phrase in phrases)}
    if "BSD" in found:
        found = found - {"BSD"} | {"BSD-3-Clause" if "endorse or promote" in plain else "BSD-2-Clause"}
    if "ISC" in found and "copyright notice and this permission notice appear" not in plain:
        found = found - {"ISC"} | {"0BSD"}
    return found


def _plain(text: str) -> str:
    return re.sub(r"[\s*#/]+", " ", text.lower())
