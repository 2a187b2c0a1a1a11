"""The files of a data set at a commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from leaven.corpus.hub import snapshot
from leaven.corpus.hub.address import Address, checked, is_inside
from leaven.corpus.hub.client import endpoint, explained, library
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput

DATA = (".parquet", ".jsonl", ".ndjson", ".json", ".arrow", ".txt", ".csv", ".tsv", ".tar", ".zip")
PACKED = (".zst", ".zstd", ".gz", ".xz", ".bz2")
ABOUT = {"dataset_infos.json", "dataset_info.json", "state.json", "dataset_dict.json", "package.json", "croissant.json"}
"""Files that describe a data set: taken only where a pattern names them."""


@dataclass(frozen=True, slots=True, order=True)
class RemoteEntry:
    """One file: its path in the data set, its size in bytes, and its content's name (`sha256:…`, `git:…` or "")."""

    path: str
    size: int
    digest: str = ""

    def url(self, dataset: str, commit: str) -> str:
        return str(Address(dataset, commit, self.path))


def listing(dataset: str, commit: str, patterns: Sequence[str] = (), *, offline: bool = False) -> list[RemoteEntry]:
    """The data files that match one of `patterns`, by path.

    A pattern is a path in which `*` and `?` stay inside a folder and `**` does not; a pattern without a wildcard is a
    file or a folder. Without patterns: all files of a known form of data. Code (`.py`) is never taken: scripts that
    load a data set are not run.

    Offline the listing is the commit's own where the cache has written it down, so that it is the same as online,
    whether or not all files are here (`require_local` tells); else the files that are here.

    Raises:
        BadInput: nothing matches, or the data set cannot be read.
        LeavenError: the hub cannot be reached.
    """
    checked(dataset)
    offline = offline or snapshot.is_offline()
    if offline:
        if commit not in snapshot.commits(dataset):
            raise BadInput(
                f"there is no snapshot {commit} of {dataset} on this computer, and the hub is not to be asked",
                fix=f"Where there is a network: hf download {dataset} --repo-type dataset --revision {commit}",
            )
        rows: Iterable[tuple[str, int, str]] = snapshot.tree(dataset, commit) or snapshot.files(dataset, commit)
    else:
        rows = _from_hub(dataset, commit, patterns)
    wanted = re.compile("|".join(translate(pattern) for pattern in patterns)) if patterns else None
    found = sorted({RemoteEntry(*row) for row in rows if is_inside(row[0]) and _is_wanted(row[0], wanted)})
    if not found:
        what = " or ".join(f'"{pattern}"' for pattern in patterns) if patterns else "a form that can be read"
        raise BadInput(f"{dataset} has no data file of {what}", fix="Look at the list of files on its page.")
    return found


def fingerprint(dataset: str, commit: str, entries: Iterable[RemoteEntry]) -> str:
    """The identity of what is read: a commit names its content, so paths and sizes are enough and nothing is hashed."""
    return identity(["hub/1", dataset, commit, [[entry.path, entry.size] for entry in sorted(entries)]])


def translate(pattern: str) -> str:
    """A pattern as a regular expression for a whole path."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern.strip("/"))
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(words.get(part, re.escape(part)) for part in parts)
    return rf"(?:{body}{'' if len(parts) > 1 else '(?:/.*)?'})\Z"


def is_data(path: str) -> bool:
    """Whether the name is one of a data file: neither code nor a description of the data set."""
    name = PurePosixPath(path).name.lower()
    for suffix in PACKED:
        name = name.removesuffix(suffix)
    hidden = any(part.startswith(".") for part in PurePosixPath(path).parts)
    return name.endswith(DATA) and name not in ABOUT and not hidden


def _is_wanted(path: str, wanted: re.Pattern[str] | None) -> bool:
    if path.endswith((".py", ".pyc")):
        return False
    return is_data(path) if wanted is None else wanted.match(path) is not None


def _from_hub(dataset: str, commit: str, patterns: Sequence[str]) -> Iterable[tuple[str, int, str]]:
    """Asks only for the folder that all patterns share: some data sets have a million files."""
    hub = library()
    folder = _shared_folder(patterns)
    try:
        tree = hub.HfApi(endpoint=endpoint()).list_repo_tree(
            dataset, folder or None, recursive=True, revision=commit, repo_type="dataset"
        )
        for item in tree:
            if isinstance(item, hub.hf_api.RepoFile):
                digest = f"sha256:{item.lfs.sha256}" if item.lfs else f"git:{item.blob_id}"
                yield item.path, item.lfs.size if item.lfs else item.size, digest
    except Exception as error:
        raise explained(error, dataset, f"a folder {folder}" if folder else "its files") from None


def _shared_folder(patterns: Sequence[str]) -> str:
    heads = [re.split(r"[*?]", pattern.strip("/"))[0].split("/")[:-1] for pattern in patterns]
    shared: list[str] = []
    for parts in zip(*heads, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)
