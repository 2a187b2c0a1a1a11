"""The log of one step: which step is meant, its last lines, and what is added while it runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from leaven.corpus.look.visible import visible
from leaven.engine.store import Store
from leaven.engine.watching.follow import ran
from leaven.engine.watching.outline import Outline, read
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json

LEAST_DIGITS = 6
"""Of an identity, as `leaven why` wants."""
BLOCK = 1 << 16
LOOK_EVERY = 0.5
"""Seconds between two looks at a log that is followed."""
LONGEST = 10_000
"""Characters of a line that are shown at once: a line may never end."""


@dataclass(frozen=True)
class Meant:
    """A step that somebody named. `folder`: of the study whose run knows it; None where only the store does."""

    identity: str
    name: str
    folder: Path | None


def find(word: str, runs: Path, store: Store, study: Path | None = None) -> Meant:
    """The step that is meant: by a name in the study, by `STUDY/name`, or by six digits of its identity or more.

    Args:
        study: the folder of the only study that is looked in; without it every study that was run in `runs`.

    Raises:
        BadInput: no such step, or several.
    """
    folders = [study] if study else ran(runs)
    outlines = {folder: outline for folder in folders if (outline := read(folder)) is not None}
    found = _named(word, outlines)
    if not found and "/" in word:
        head, _, rest = word.partition("/")
        found = _named(rest, {folder: one for folder, one in outlines.items() if folder.name == head})
    if not found and len(word) >= LEAST_DIGITS and set(word) <= set("0123456789abcdef"):
        found = _by_digits(word, outlines, store)
    if len({meant.identity for meant in found}) > 1:
        several = sorted({f"{meant.identity[:12]} of {meant.folder.name if meant.folder else '?'}" for meant in found})
        raise BadInput(
            f'"{word}" may be {" or ".join(several)}', field="STEP", fix="Give --study, or digits of its identity."
        )
    if found:
        return found[0]
    known = [name for one in outlines.values() for step in one.steps for name in step.names]
    near = did_you_mean(word, known)
    near = near if "did you mean" in near else ""  # a list of a thousand names helps nobody
    where = f"of {study.name}" if study else "of a study that was run here"
    raise BadInput(f'no step "{word}" {where}{near}', where=str(study or runs), field="STEP")


def _named(word: str, outlines: Mapping[Path, Outline]) -> list[Meant]:
    found = []
    for folder, outline in outlines.items():
        place = outline.places.get(word)
        if place is not None:
            found.append(Meant(outline.steps[place].identity, outline.steps[place].name, folder))
    return found


def _by_digits(word: str, outlines: Mapping[Path, Outline], store: Store) -> list[Meant]:
    """Steps whose identity begins so, in the studies and, where none has it, in the store."""
    found: dict[str, Meant] = {}
    for folder, outline in outlines.items():
        for step in outline.steps:
            if step.identity.startswith(word):
                found.setdefault(step.identity, Meant(step.identity, step.name, folder))
    if not found:
        for path in (*store.logs.glob(f"{word}*.log"), *store.steps.glob(f"{word}*")):
            identity = path.name.removesuffix(".log")
            found[identity] = Meant(identity, identity[:12], None)
    return list(found.values())


def start_of(path: Path, tail: int | None) -> int:
    """The byte at which the last `tail` lines begin; 0 without a number. Raises OSError."""
    if not tail:
        return 0 if tail is None else path.stat().st_size
    with path.open("rb") as file:
        at = file.seek(0, 2)
        found = -1  # the newline that ends the file begins no line
        while at > 0:
            begin = max(0, at - BLOCK)
            file.seek(begin)
            block = file.read(at - begin)
            if found < 0:
                found = 0 if block.endswith(b"\n") else 1
            place = len(block)
            while (place := block.rfind(b"\n", 0, place)) >= 0:
                found += 1
                if found > tail:
                    return begin + place + 1
            at = begin
    return 0


def _shown(line: bytes) -> str:
    return visible(line[: 4 * LONGEST].decode(errors="replace").rstrip("\r\n")[:LONGEST])


def follow(path: Callable[[], Path], begin: int, over: Callable[[], bool]) -> Iterator[str]:
    """The lines of a log from a byte on, made visible, until nothing more will come. Raises OSError.

    Args:
        path: where the log is now; asked at every look, as that of another machine has to be fetched.
        over: whether the step has ended.
    """
    at, rest = begin, b""
    while True:
        last = over()  # asked before reading: what was said before the end is read after it
        with contextlib.suppress(FileNotFoundError), path().open("rb") as file:
            if at > file.seek(0, 2):  # a shorter one was fetched
                at, rest = 0, b""
            file.seek(at)
            while data := file.read(BLOCK):
                at += len(data)
                *whole, rest = (rest + data).split(b"\n")
                yield from map(_shown, whole)
        if last:
            if rest:
                yield _shown(rest)
            return
        time.sleep(LOOK_EVERY)


def ended(meant: Meant, store: Store) -> bool:
    """Whether a step will say nothing more: it is done, has failed, or no run goes on."""
    if store.has(meant.identity):
        return True
    holder = store.holder()
    if holder is None or meant.folder is None:
        return holder is None
    try:
        status = read_json(meant.folder / "status.json")
        return status["process"] == holder and (status["ended"] or meant.name in status["failed"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
