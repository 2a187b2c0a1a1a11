"""A data set of the hub: exactly the files of one split, fetched only because the user named the hub as a place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from leaven.corpus.hub import snapshot
from leaven.corpus.hub.client import endpoint, explained, library
from leaven.corpus.hub.listing import RemoteEntry, fingerprint, listing
from leaven.corpus.hub.revision import resolve
from leaven.evaluate.data.card import CARD, Card, NotHere, files_of, read_card
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.files import write_text
from leaven.ground.progress import Progress

OFFLINE, TRUE = snapshot._OFFLINE, snapshot._TRUE
"""The variables that say offline, and what they hold then."""


@dataclass(frozen=True)
class Remote:
    """The files of a split at a commit."""

    dataset: str
    commit: str
    entries: tuple[RemoteEntry, ...]
    card: Card

    def fingerprint(self) -> str:
        """Equal before and after the files are fetched: a commit names its content."""
        return identity(["hub", fingerprint(self.dataset, self.commit, self.entries)])

    def fetch(self, progress: Progress) -> list[Path]:
        """The files in the hub's cache; what is not there yet is downloaded, and told before it begins.

        Raises BadInput where a file may not be read, LeavenError where the hub cannot be reached.
        """
        missing = [entry for entry in self.entries if self._local(entry) is None]
        size = sum(entry.size for entry in missing)
        count = "1 file" if len(missing) == 1 else f"{len(missing)} files"
        note = f"downloading {self.dataset}: {count}, {_mb(size)}"
        before = 0
        for entry in missing:
            progress(before, size, note)
            _download(self.dataset, self.commit, entry.path)
            before += entry.size
        if missing:
            progress(size, size, note)
            self._remember()
        return [path for entry in self.entries if (path := self._local(entry)) is not None]

    def _remember(self) -> None:
        """Write down where the main branch stood, as the hub's tools do: offline that tells which snapshot it is."""
        path = snapshot.storage(self.dataset) / "refs" / "main"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, self.commit)

    def _local(self, entry: RemoteEntry) -> Path | None:
        return snapshot.local_file(self.dataset, self.commit, entry.path)


def remote(dataset: str, config: str | None, split: str) -> Remote:
    """The files of a split on the hub, or, where the environment says offline, in its cache.

    Raises:
        NotHere: no such data set, configuration or split; conditions to accept first; offline and not in the cache.
        BadInput: the library huggingface_hub is missing.
        LeavenError: the hub cannot be reached.
    """
    snapshot.ask_the_hub()
    offline = snapshot.is_offline()
    if not offline:
        library()
    try:
        commit = resolve(dataset, None)
        entries = {entry.path: entry for entry in listing(dataset, commit, ["**"])}
        card = _card(dataset, commit, entries)
        taken = tuple(entries[path] for path in files_of(entries, card, dataset, config, split))
        if offline:
            snapshot.require_local(dataset, commit, [entry.path for entry in taken])
    except BadInput as error:
        if error.where:  # a file of the data set is malformed: that is not a matter of asking elsewhere
            raise
        raise NotHere(error.what, error.fix) from None
    return Remote(dataset, commit, taken, card)


def told_offline() -> str | None:
    """The variable by which the user's environment says that the hub is not to be asked; None where it does not, or
    where leaven itself set it."""
    if os.environ.get(snapshot.UNASKED) is not None:
        return None
    given = ((name, os.environ.get(name, "")) for name in OFFLINE)
    return next((f"{name}={value}" for name, value in given if value.upper() in TRUE), None)


def _card(dataset: str, commit: str, entries: Mapping[str, RemoteEntry]) -> Card:
    if CARD not in entries:
        return Card()
    path = snapshot.local_file(dataset, commit, CARD)
    if path is None and not snapshot.is_offline():
        path = _download(dataset, commit, CARD)
    return read_card(path.read_text(encoding="utf-8", errors="replace"), f"{dataset}/{CARD}") if path else Card()


def _download(dataset: str, commit: str, path: str) -> Path:
    hub = library()
    try:
        return Path(
            hub.hf_hub_download(
                dataset,
                path,
                repo_type="dataset",
                revision=commit,
                cache_dir=snapshot.cache_folder(),
                endpoint=endpoint(),
                tqdm_class=partial(hub.utils.tqdm, disable=True),  # `progress` tells instead
            )
        )
    except Exception as error:
        raise explained(error, dataset, path) from None


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size / 1e3:.0f} kB"
