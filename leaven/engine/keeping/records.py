"""For whom a store keeps its steps: one record for each study and each set of steps that it was run with.

`<store>/kept/<name>@<set>.json`, here and in the depot of a URL, written before the first step of a run starts. `name`
is the study's folder below RUNS (a corpus: `corpora/NAME`), quoted; `set` is made from the identities of all its steps.
A study that is run with other settings has another set, and both are kept until one is forgotten.
Invariants: a record appears whole and is never changed, only replaced by that of a later run of the same set; one that
cannot be read stops whoever asks, because what it would keep is unknown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from leaven.engine.keeping import shelf
from leaven.engine.store import Store
from leaven.ground.canonical import identity as hash_of
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.version import __version__
from leaven.study.step import Step

FORM = 1
RESERVED = frozenset(("store", "corpora"))
"""Folders of RUNS that are no study's."""
SET_LENGTH = 8
"""Hex digits of a set: enough to tell the sets of one study apart."""
CORPORA = "corpora/"


@dataclass(frozen=True)
class Record:
    """What one study, with the settings it was run with, needs."""

    name: str
    set: str
    remembered: str
    """When it was last run, in UTC."""
    version: str
    about: Mapping[str, Any]
    """What tells the sets of a study apart for people: its question, sizes, seeds."""
    steps: Mapping[str, tuple[str, str]]
    """Identity → kind and name, for every step: inputs before what reads them."""

    @property
    def label(self) -> str:
        return f"{self.name}@{self.set}"

    @property
    def file(self) -> str:
        """Its file's name below `kept`."""
        return f"{quote(self.name, safe='')}@{self.set}.json"

    def data(self) -> bytes:
        """The record's file."""
        told = {
            "kept": FORM,
            "name": self.name,
            "set": self.set,
            "remembered": self.remembered,
            "version": self.version,
            "about": dict(self.about),
            "steps": [[step_id, *words] for step_id, words in self.steps.items()],
        }
        return (json.dumps(told, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def names_a_folder(name: str) -> bool:
    """Whether this can be the name of a study, or of a corpus behind `corpora/`: a folder of its own below RUNS."""
    own = name.removeprefix(CORPORA)
    return own not in ("", ".", "..") and "/" not in own and "\0" not in own and name not in RESERVED


def set_of(identities: Iterable[str]) -> str:
    return hash_of(sorted(identities))[:SET_LENGTH]


def remember(store: Store, name: str, steps: Iterable[Step], about: Mapping[str, Any]) -> Record:
    """Keep these steps, there or yet to come, until `forget`. Raises BadInput for a store that cannot be written."""
    words = {step.identity: (step.kind, step.name) for step in steps}
    record = Record(name, set_of(words), _now(), __version__, dict(about), words)
    shelf.put_record(store, record.file, record.data())
    return record


def records(store: Store) -> list[Record]:
    """Every record, by name, of one name the latest run last. Raises BadInput where one cannot be read."""
    found, broken = readable(store)
    if broken:
        raise broken[0]
    return found


def readable(store: Store) -> tuple[list[Record], list[BadInput]]:
    """The records that can be read, as `records`, and why others cannot: for those who only look. Raises BadInput for
    a file that the disk does not give."""
    found: dict[str, Record] = {}
    broken = []
    for where, file, data in shelf.record_files(store):
        try:
            record = read(data, where, file)
        except BadInput as error:
            broken.append(error)
            continue
        known = found.get(record.label)
        if known is None or known.remembered < record.remembered:  # one set, kept here and in the depot
            found[record.label] = record
    return sorted(found.values(), key=lambda record: (record.name, record.remembered, record.set)), broken


def read(data: bytes, where: str, file: str | None = None) -> Record:
    """A record from the content of its file. Raises BadInput where it is none or, with `file`, that of another."""
    try:
        told = json.loads(data)
        if told["kept"] != FORM:
            raise ValueError("it was written by another version of leaven")
        steps = {step_id: (kind, name) for step_id, kind, name in told["steps"]}
        words = [told["name"], told["set"], told["remembered"], told["version"], *steps]
        words += [word for pair in steps.values() for word in pair]
        if not all(isinstance(word, str) for word in words) or not _is_about(told["about"]):
            raise ValueError("its fields are not those of a record")
        if not all(map(shelf.IDENTITY.fullmatch, steps)) or not names_a_folder(told["name"]):
            raise ValueError("its names are not those of a record")
        if set_of(steps) != told["set"]:
            raise ValueError("its steps are not those it was written with")
        record = Record(told["name"], told["set"], told["remembered"], told["version"], told["about"], steps)
        if file is not None and record.file != file:
            raise ValueError("its name is that of another")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise BadInput(
            f"this record of what is kept cannot be read: {why}",
            where=where,
            fix="Which steps it keeps is unknown, so nothing is removed. Put the file back; or remove it and run its "
            "study once more, which writes it anew.",
        ) from None
    return record


def _is_about(about: Any) -> bool:
    """Whether this can tell sets apart: words, numbers, and lists of them."""
    if not isinstance(about, dict) or not isinstance(about.get("sizes", []), list):
        return False
    values = [each for value in about.values() for each in (value if isinstance(value, list) else [value])]
    return all(each is None or isinstance(each, str | int | float) for each in values)


def undated(record: Record) -> Record:
    """As it travels: when a study was run last is nothing that another machine needs, and not of its contents."""
    return replace(record, remembered="")


def arrived(record: Record, name: str, known: Sequence[Record]) -> Record:
    """One from another machine, under its name here; it counts as last run now, unless this set was run here."""
    same = [each.remembered for each in known if (each.name, each.set) == (name, record.set)]
    return replace(record, name=name, remembered=max(same, default=_now()))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def chosen(known: Sequence[Record], word: str) -> list[Record]:
    """The records of a study, or the one of `STUDY@SET`, the latest run last. Raises BadInput where there is none."""
    name, digits = word, ""
    if "@" in word and all(record.name != word for record in known):
        name, _, digits = word.rpartition("@")
    found = [record for record in known if record.name == name and record.set.startswith(digits)]
    if word.endswith("@") and not digits and name != word:
        raise BadInput(f'"{word}" names no set', field="STUDY", fix=f"All sets are {name}; one is {name}@DIGITS.")
    if not found:
        names = dict.fromkeys(record.label if digits else record.name for record in known)
        raise BadInput(
            f'no study "{word}" is kept in this store{did_you_mean(word, names)}',
            field="STUDY",
            fix="A study is kept from its first run on; of one that was run by an earlier version, leaven run STUDY "
            "finds everything done and keeps it.",
        )
    return found


def forget(store: Store, word: str) -> list[Record]:
    """Keep a study (or one `STUDY@SET`) no longer; its steps stay until they are collected. Raises BadInput."""
    found = chosen(records(store), word)
    for record in found:
        shelf.drop_record(store, record.file)
    return found
