"""What of a data set lies on this computer, in the cache that `hf download` and `datasets` fill.

    $HF_HUB_CACHE/datasets--owner--name/refs/main                  the commit a branch or tag stood at
                                        snapshots/<commit>/path    a link to ../../blobs/<etag>, or the file itself
                                        trees/<commit>.json        all files of the commit, from huggingface_hub 2 on

Read here without any library, so that a machine without network and without the extra can use a snapshot.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from leaven.corpus.hub.address import is_commit, is_inside
from leaven.ground.errors import BadInput

_TRUE = {"1", "ON", "YES", "TRUE"}
MOST_SHOWN = 5


UNASKED = "LEAVEN_OFFLINE_UNASKED"
"""Set where leaven itself, and not the user, told the hub's library to stay offline."""
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")


def ask_the_hub() -> None:
    """Let this process reach the hub, unless the user said that it must not: steps are offline by default."""
    if os.environ.pop(UNASKED, None) is None:
        return
    for name in _OFFLINE:
        os.environ.pop(name, None)
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:  # it read the environment when it was imported
        constants.HF_HUB_OFFLINE = False  # type: ignore[attr-defined]


def is_offline() -> bool:
    """Whether the environment says that the hub is not to be asked."""
    return any(os.environ.get(name, "").upper() in _TRUE for name in _OFFLINE)


def cache_folder() -> Path:
    """Where snapshots are, by the variables that the hub's own tools read."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if found := os.environ.get(name):
            return Path(os.path.expandvars(found)).expanduser()
    home = os.environ.get("HF_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def storage(dataset: str) -> Path:
    return cache_folder() / f"datasets--{dataset.replace('/', '--')}"


def commits(dataset: str) -> list[str]:
    """Commits of which there is a snapshot."""
    folder = storage(dataset) / "snapshots"
    return sorted(path.name for path in folder.iterdir() if is_commit(path.name)) if folder.is_dir() else []


def ref(dataset: str, revision: str) -> str | None:
    """The commit at which `revision` stood when it was last downloaded."""
    if not is_inside(revision):
        return None
    try:
        commit = (storage(dataset) / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if is_commit(commit) else None


def local_file(dataset: str, commit: str, path: str) -> Path | None:
    """The complete file `path` of a snapshot, None where it is not here. Links may not lead out of the cache."""
    if not is_inside(path):
        return None
    try:
        found = (storage(dataset) / "snapshots" / commit / path).resolve(strict=True)
        root = cache_folder().resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    return found if found.is_file() and found.is_relative_to(root) else None


def digest_of(dataset: str, commit: str, path: str) -> str:
    """The content's name as far as the cache tells it: "sha256:…", "git:…" or "" (a file that is no link)."""
    try:
        name = os.path.basename(os.readlink(storage(dataset) / "snapshots" / commit / path))
    except OSError:
        return ""
    return {64: f"sha256:{name}", 40: f"git:{name}"}.get(len(name), "")


def files(dataset: str, commit: str) -> Iterator[tuple[str, int, str]]:
    """Path, size and digest of every file of the snapshot that is here, in no order."""
    root = storage(dataset) / "snapshots" / commit
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name).relative_to(root).as_posix()
            if found := local_file(dataset, commit, path):
                yield path, found.stat().st_size, digest_of(dataset, commit, path)


def tree(dataset: str, commit: str) -> list[tuple[str, int, str]] | None:
    """Path, size and digest of every file of the commit, here or not; None where nobody wrote that down."""
    try:
        rows = json.loads((storage(dataset) / "trees" / f"{commit}.json").read_text(encoding="utf-8"))
        if rows["format_version"] != 1:
            return None
        return [
            (path, int(row.get("lfs_size") or row["size"]), _digest(row.get("lfs_sha256"), row["blob_id"]))
            for path, row in rows["files"].items()
            if is_inside(path)
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _digest(sha256: str | None, blob: str) -> str:
    return f"sha256:{sha256}" if sha256 else f"git:{blob}"


def require_local(dataset: str, commit: str, paths: Iterable[str]) -> None:
    """Refuse, before anything is built offline, files that the snapshot has not got. Raises BadInput."""
    missing = [path for path in paths if local_file(dataset, commit, path) is None]
    if missing:
        count = "one file" if len(missing) == 1 else f"{len(missing)} files"
        shown = ", ".join(missing[:MOST_SHOWN]) + (", …" if len(missing) > MOST_SHOWN else "")
        raise BadInput(
            f"{count} of {dataset} missing on this computer, and the hub is not to be asked: {shown}",
            fix=f"hf download {dataset} --repo-type dataset --revision {commit}; or name the files that are here.",
        )
