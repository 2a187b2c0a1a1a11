"""How a data set and a file of one are named: `owner/name` and `hf://datasets/owner/name@commit/path`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from leaven.ground.errors import BadInput

_DATASET = re.compile(r"[A-Za-z0-9][\w.\-]{0,95}/[\w][\w.\-]{0,95}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SCHEME = "hf://datasets/"


@dataclass(frozen=True, slots=True)
class Address:
    """One file of a data set at one commit."""

    dataset: str
    commit: str
    path: str

    def __str__(self) -> str:
        return f"{_SCHEME}{self.dataset}@{self.commit}/{quote(self.path)}"

    @classmethod
    def parse(cls, url: str) -> Address:
        """The address written as `url`. Raises BadInput where it is none, or its commit is not 40 hex digits."""
        rest = url.removeprefix(_SCHEME)
        dataset, at, rest = rest.partition("@")
        commit, _, path = rest.partition("/")
        path = unquote(path)
        if not url.startswith(_SCHEME) or not at or not is_commit(commit) or not is_inside(path):
            raise BadInput(f'"{url}" is not an address of a file on the hub', fix=f"{_SCHEME}owner/name@<commit>/path")
        return cls(checked(dataset), commit, path)


def checked(dataset: str) -> str:
    """`dataset`, if it can be the name of one. Raises BadInput otherwise."""
    if not _DATASET.fullmatch(dataset) or ".." in dataset or "--" in dataset:
        raise BadInput(
            f'"{dataset}" is not the name of a data set',
            fix="A data set's page shows it as owner/name; a folder of yours is given by path.",
        )
    return dataset


def is_commit(revision: str | None) -> bool:
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def is_inside(path: str) -> bool:
    """Whether a path of a listing stays inside its data set's folder."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\\" not in path and "\0" not in path
