"""Where a prompt set is: a file of the user's own, a folder or mapping file, a copy of a hub data set, or the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from leaven.corpus.hub import snapshot
from leaven.corpus.hub.client import library
from leaven.corpus.hub.listing import listing
from leaven.corpus.hub.revision import resolve
from leaven.evaluate.data.card import Card, NotHere, matching
from leaven.evaluate.data.download import Remote, told_offline
from leaven.evaluate.data.local import mapping_of
from leaven.evaluate.data.mapping import read_mapping
from leaven.evaluate.data.places import HUB
from leaven.evaluate.data.snapshot import snapshot_in
from leaven.evaluate.prompts.sets import KNOWN, PromptSet
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import sha256_file
from leaven.ground.progress import Progress

VERSION = "prompts/1"
"""Part of every fingerprint: raise it when equal files would give other prompts."""
PACKED = (".gz", ".zst")


@dataclass(frozen=True)
class Located:
    """The files of a set.

    Args:
        files: (path, how the user knows it), in order; none while they are on the hub.
        origin: what is told of them, without a path of this computer.
        known: the set, where it is a known one.
        fields: our field → the file's, where a mapping says so.
        remote: the files on the hub.
    """

    files: tuple[tuple[Path, str], ...]
    origin: str
    known: PromptSet | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    remote: Remote | None = None

    def fingerprint(self) -> str:
        """The identity of the files' bytes and of how they are read; where they lie and their names do not count."""
        content = [self.remote.fingerprint()] if self.remote else [sha256_file(path) for path, _ in self.files]
        return identity([VERSION, self.known.name if self.known else "", content, dict(self.fields)])

    def fetched(self, progress: Progress) -> tuple[tuple[Path, str], ...]:
        """The files on this computer. Raises as `Remote.fetch`."""
        if self.remote is None:
            return self.files
        shown = [f"{self.remote.dataset}/{entry.path}" for entry in self.remote.entries]
        return tuple(zip(self.remote.fetch(progress), shown, strict=True))


def find_set(name: str, places: Sequence[str]) -> Located:
    """The set `name`, from the first place that has it; a file of the user's own is looked for under its path alone.

    Raises:
        BadInput: it is not there (what was looked for, and how to get it), a place does not exist, or a file is there
            twice with different content.
        LeavenError: `hub` is among the places and cannot be reached.
    """
    known = KNOWN.get(name)
    if known is None:
        return _own(name)
    reasons: list[str] = []
    for place in places:
        try:
            found = _on_hub(known) if place == HUB else _in_place(known, place)
        except NotHere as error:
            reasons.append(error.reason)
            continue
        if found is not None:
            return found
    raise _missing(known, places, reasons)


def _own(name: str) -> Located:
    path = Path(name).expanduser()
    if path.is_file():
        return Located(((path, name),), path.name)
    what = "this is a folder, not a file of prompts" if path.is_dir() else f'no set and no file is called "{name}"'
    raise BadInput(
        f"{what}{'' if path.is_dir() else did_you_mean(name, KNOWN)}",
        fix=f"Give the path of a file of prompts, or a known set: {', '.join(KNOWN)}.",
    )


def _in_place(known: PromptSet, place: str) -> Located | None:
    root = Path(place).expanduser()
    mapping = mapping_of(place)
    if mapping is None and not root.is_dir():
        raise BadInput(
            "this is neither a folder nor a mapping file" if root.exists() else "there is no such folder",
            where=place,
            field="data",
            fix="Give the folder that holds the prompts, a data.yaml that names them, or the word hub.",
        )
    if mapping is not None and (found := _mapped(known, mapping)):
        return found
    if root.is_dir() and (named := _named(known, root)):
        path, name = named
        return Located(((path, path.as_posix()),), name, known)
    return _copied(known, root if root.is_dir() else root.parent)


def _mapped(known: PromptSet, mapping: Path) -> Located | None:
    """What the user's mapping says that the set is. Raises BadInput where that is not there."""
    for entry in read_mapping(mapping, str(mapping)).get(known.name, ()):
        here = next((mapping.parent / name for name in entry.names if (mapping.parent / name).is_file()), None)
        if here is None:
            raise BadInput(
                f"there is no file {' or '.join(entry.names)} beside the mapping",
                where=entry.where,
                field=f"{known.name}.file",
                fix="Paths are relative to the folder of the mapping.",
            )
        return Located(((here, here.as_posix()),), here.name, known, entry.fields)
    return None


def _named(known: PromptSet, root: Path) -> tuple[Path, str] | None:
    """The file of a known name in a folder or one below, and that name. Raises BadInput where two of a name differ."""
    for name in known.names:
        every = [name] if name.endswith(".parquet") else [name, *(f"{name}{ending}" for ending in PACKED)]
        for one in every:
            folder, _, inside = one.partition("/")
            # the place may be the folder itself that the name begins with
            for path in (root / one, *([root / inside] if inside and folder == root.resolve().name else [])):
                if path.is_file():
                    return path, one
        below = sorted((path, one) for one in every for path in root.glob(f"*/{one}") if path.is_file())
        below = [(path, one) for path, one in below if not path.relative_to(root).as_posix().startswith(".")]
        if len(below) > 1 and len({sha256_file(path) for path, _ in below}) > 1:
            shown = ", ".join(path.relative_to(root).as_posix() for path, _ in below)
            raise BadInput(
                f"{known.name} is there more than once, and not the same: {shown}",
                where=str(root),
                fix="Leave one of them, or give the one that is meant by its path.",
            )
        if below:
            return below[0]
    return None


def _copied(known: PromptSet, root: Path) -> Located | None:
    """The set in a folder's copy of its data set."""
    for dataset in known.datasets:
        copy = snapshot_in(root, dataset)
        if copy is None:
            continue
        paths = matching(copy.paths(), known.files)
        if not paths:
            raise NotHere(f"the copy of {dataset} has no file {known.files}", known.get)
        files = tuple((copy.root / path, (copy.root / path).as_posix()) for path in paths)
        return Located(files, _at(f"{dataset} {', '.join(paths)}", copy.revision), known)
    return None


def _on_hub(known: PromptSet) -> Located:
    """The set's files on the hub, or, where the environment says offline, in its cache. Raises NotHere."""
    if not known.datasets:
        raise NotHere("it is not looked for on the hub", known.get)
    dataset = known.datasets[0]
    snapshot.ask_the_hub()
    offline = snapshot.is_offline()
    if not offline:
        library()
    try:
        commit = resolve(dataset, None)
        entries = tuple(listing(dataset, commit, [known.files]))
        if offline:
            snapshot.require_local(dataset, commit, [entry.path for entry in entries])
    except BadInput as error:
        raise NotHere(error.what, error.fix) from None
    origin = _at(f"{dataset} {', '.join(entry.path for entry in entries)}", commit)
    return Located((), origin, known, remote=Remote(dataset, commit, entries, Card()))


def _at(what: str, revision: str | None) -> str:
    return f"{what} @ {revision[:12]}" if revision else what


def _missing(known: PromptSet, places: Sequence[str], reasons: Sequence[str]) -> BadInput:
    folders = [place for place in places if place != HUB]
    parts = []
    if folders:
        copy = f" and no copy of {known.datasets[0]}" if known.datasets else ""
        where = ", ".join(folders)
        parts.append(f"none of {', '.join(known.names)} (or with .gz or .zst behind){copy} in {where}")
    elif not places:
        parts.append("no place was given to look in")
    parts += dict.fromkeys(reasons)
    ways = [known.get]
    if known.datasets and HUB not in places:
        parts.append("the hub was not to be asked")
        ways.append("Give the folder that holds it as data, or the word hub to have it downloaded.")
    else:
        ways.append("Give the folder that holds it as data, or its path as the set.")
    if known.datasets and HUB in places and (offline := told_offline()):
        parts.append(f"the environment says offline ({offline})")
    return BadInput(f"no prompts of {known.name}: {'; '.join(parts)}", fix=" ".join(ways))
