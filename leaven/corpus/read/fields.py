"""A record → a document, by the shape of its source.

* **id**: `<entry>:<number>`, so that it is unique in the source whatever the records call themselves. What a record
  calls itself is kept as label `id`: data sets exist whose every record has the same one.
* **group**, the unit of the held-out split: the shape's (a repository for code), else the document itself, never the
  record's id, or one constant id would be a single group that is held out or kept as a whole.
* **licence**: several licences are joined with `AND`, each a condition that was found on the file or its repository.
  The SPDX `OR` would claim a choice that nobody offered. `NOASSERTION` is no licence, the next path is tried.
* **stars** and every other label are strings; a number that is whole is written as one (`5`, not `5.0`).
* A field beside the text that is missing is "", one of a wrong type or beyond use is counted and left "": it costs the
  fact, not the document.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from leaven.corpus.document import Document, Dropped
from leaven.corpus.read.forms import limits
from leaven.corpus.read.shapes import INSTRUCT, Shape
from leaven.corpus.read.units import Unit
from leaven.corpus.tree import MAX_FILE, Unreadable, decode

NO_ASSERTION = "NOASSERTION"
_SCALARS = ("id", "language", "repository", "stars", "subset", "group")
_HEAD = (("<reponame>", "repository"), ("<filename>", "path"), ("<gh_stars>", "stars"))


def document(
    record: Mapping[str, Any], number: int, mapping: Shape, unit: Unit, skipped: Counter[str]
) -> Document | None:
    """The document of a record; None, counted, where it has none.

    Args:
        record: as `records` gives it.
        number: where it is in its file.
        mapping: the shape of the source.
        unit: where it was read.
        skipped: reasons are counted here.

    Raises Dropped for a record that is left out because of its subset (or another role).
    """
    facts = {role: _fact(record, mapping.roles[role], skipped) for role in _SCALARS if role in mapping.roles}
    labels = {label: _fact(record, paths, skipped) for label, paths in mapping.labels.items()}
    path = _path(_fact(record, mapping.roles["path"], skipped)) if "path" in mapping.roles else ""
    licence = _licence(record, mapping.roles["licence"], skipped) if "licence" in mapping.roles else ""
    for role, values in mapping.leave.items():
        value = path if role == "path" else licence if role == "licence" else facts.get(role, labels.get(role, ""))
        if value in values:
            raise Dropped(f"left out: {role} {value}")
    text = _rendered(record, mapping, skipped) if mapping.template else _text(record, mapping.roles["text"], skipped)
    if text is None:
        return None
    if mapping.head and text.startswith("<"):
        head, text = starcoder_head(text)
        facts = {**head, **{role: value for role, value in facts.items() if value}}
        path = path or _path(head.get("path", ""))
        if not text.strip():
            skipped["empty"] += 1
            return None
    for label in ("id", "stars", "subset"):
        labels[label] = facts.get(label, "")
    entry = unit.entry.path
    name = f"{entry}:{number}"
    return Document(
        name,
        text,
        path or entry,
        facts.get("group") or name,
        facts.get("language", ""),
        licence,
        facts.get("repository", ""),
        {label: value for label, value in labels.items() if value},
    )


def starcoder_head(text: str) -> tuple[dict[str, str], str]:
    """(repository, path and star bucket that the first line names, the text without that line).

    A text that does not begin with one of the three signs, in their order, is returned as it is.
    """
    first, newline, rest = text.partition("\n")
    found: dict[str, str] = {}
    if newline and len(first) <= limits()["field"]:
        for sign, role in reversed(_HEAD):
            first, sep, value = first.rpartition(sign)
            if sep:
                found[role] = value
            else:
                first = value
    ordered = not any(sign in value for value in found.values() for sign, _ in _HEAD)
    return (found, rest) if found and not first and ordered else ({}, text)


def _value(record: Mapping[str, Any], path: str) -> Any:
    """What is at a dotted path: the name itself first, then what is within; None where nothing is."""
    if path in record or "." not in path:
        return record.get(path)
    value: Any = record
    for name in path.split("."):
        if isinstance(value, str) and value.startswith("{"):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return None
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _first(record: Mapping[str, Any], paths: tuple[str, ...]) -> tuple[str, Any]:
    for path in paths:
        value = _value(record, path)
        if value is not None:
            return path, value
    return paths[0], None


def _fact(record: Mapping[str, Any], paths: tuple[str, ...], skipped: Counter[str]) -> str:
    path, value = _first(record, paths)
    return "" if value is None else _plain(path, value, skipped)


def _plain(path: str, value: Any, skipped: Counter[str]) -> str:
    """A string, number or truth as a string fit for keeping; "" and counted for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() < 256 else _unfit(path, "too long", skipped)
    if not isinstance(value, str):
        return _unfit(path, "of another type", skipped)
    if len(value) > limits()["field"]:
        return _unfit(path, "too long", skipped)
    if "\0" in value or not _is_unicode(value):
        return _unfit(path, "no text", skipped)
    return value


def _unfit(path: str, why: str, skipped: Counter[str]) -> str:
    skipped[f"field {path} is {why} (the field alone)"] += 1
    return ""


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _licence(record: Mapping[str, Any], paths: tuple[str, ...], skipped: Counter[str]) -> str:
    for path in paths:
        value = _value(record, path)
        given = value if isinstance(value, list) else [] if value is None else [value]
        found = dict.fromkeys(_plain(path, item, skipped).strip() for item in given if item is not None)
        kept = [name for name in found if name and name != NO_ASSERTION]
        if len(kept) > 1:
            kept = [f"({name})" if " OR " in name else name for name in kept]
        if kept:
            return " AND ".join(kept)
    return ""


def _path(given: str) -> str:
    """A relative path without `.` and `..`, whatever was given."""
    if given and given[0] not in "./\\" and ":" not in given and "\\" not in given and "/." not in given:
        return given
    parts = given.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..") and not part.endswith(":"))


def _text(record: Mapping[str, Any], paths: tuple[str, ...], skipped: Counter[str]) -> str | None:
    path, value = _first(record, paths)
    if value is None:
        skipped[f"no {path} field"] += 1
        return None
    return _clean(path, value, skipped)


def _clean(path: str, value: Any, skipped: Counter[str]) -> str | None:
    """A text by the rules of `tree.decode`, which are those of files."""
    try:
        if isinstance(value, bytes):
            value = decode(value)
        if not isinstance(value, str):
            skipped[f"{path} is not a string"] += 1
            return None
        if len(value) > MAX_FILE or (len(value) > MAX_FILE // 4 and len(value.encode()) > MAX_FILE):
            raise Unreadable("larger than 4 MiB")
        if "\0" in value:
            raise Unreadable("binary")
        if not _is_unicode(value):
            raise Unreadable("invalid Unicode")
        if "\r" in value:
            value = value.replace("\r\n", "\n").replace("\r", "\n")
        text: str = value.removeprefix("\ufeff")
        if not text or text.isspace():
            raise Unreadable("empty")
    except UnicodeEncodeError:
        skipped["invalid Unicode"] += 1
        return None
    except Unreadable as reason:
        skipped[str(reason)] += 1
        return None
    return text


def _rendered(record: Mapping[str, Any], mapping: Shape, skipped: Counter[str]) -> str | None:
    """The text of an instruction. Its context may be missing or empty, nothing else."""
    given: dict[str, str] = {}
    for role in INSTRUCT:
        path, value = _first(record, mapping.roles.get(role, (role,)))
        if role == "context" and (value is None or (isinstance(value, str) and not value.strip())):
            continue
        if value is None:
            skipped[f"no {path} field"] += 1
            return None
        text = _clean(path, value, skipped)
        if text is None:
            return None
        given[role] = text.strip()
    return "".join(
        f"{before}{given[role] if role else ''}{after}"
        for before, role, after in mapping.parts
        if not role or role in given
    )
