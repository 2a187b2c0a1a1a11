"""What archives and repositories have in common: a raw file, what its name may be, and how much may come out."""

from __future__ import annotations

from dataclasses import dataclass

from leaven.corpus.read.forms import is_archive, limits
from leaven.corpus.tree import TOOL_FOLDERS, Unreadable

TOO_LARGE = "larger than 4 MiB"
_TOOLS = TOOL_FOLDERS - {"venv", "env"}
"""Folders of tools by name alone; a virtual environment is told by what is in it, and is in no archive."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """The bytes of one file and where it is published.

    Attributes:
        path: relative to the source, with `/`; of a member, the path of its archive or repository comes first.
        data: at most 4 MiB.
        repository: `package@version`, `owner/name` or a folder's name, "" where unknown.
        licence: what the package's own metadata says, "" where it does not.
    """

    path: str
    data: bytes
    repository: str
    licence: str = ""


class TooMuch(Exception):
    """An archive or repository that goes on beyond every bound; the message is the reason, as counted."""


@dataclass(slots=True)
class Budget:
    """How much may come out of `stored` bytes, and how many files."""

    stored: int
    unpacked: int = 0
    files: int = 0

    def spend(self, size: int) -> None:
        """Raises TooMuch once more has come out than any source compresses to."""
        self.unpacked += size
        if self.unpacked > limits()["floor"] and self.unpacked > limits()["ratio"] * self.stored:
            raise TooMuch("unpacks to far more than it holds")

    def count(self) -> None:
        """One more file. Raises TooMuch."""
        self.files += 1
        if self.files > limits()["members"]:
            raise TooMuch(f"more than {limits()['members']} files")


def member_path(name: bytes) -> str:
    """The name of a member as a relative path; "" for what tools keep for themselves. Raises Unreadable.

    Nothing is ever written under these names. They are refused all the same where they lead out of their archive: what
    is named so was made to harm, or is not what it seems.
    """
    try:
        path = name.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("file name is not UTF-8") from error
    if "\0" in path or len(path) > limits()["field"]:
        raise Unreadable("file name beyond use")
    parts = path.split("/")
    if path.startswith(("/", "\\")) or path[1:3] in (":\\", ":/"):
        raise Unreadable("absolute path in an archive")
    if ".." in path and ".." in path.replace("\\", "/").split("/"):
        raise Unreadable("path leads out of its archive")
    kept = [part for part in parts if part not in ("", ".")]
    if any(part.startswith(".") or part in _TOOLS for part in kept):
        return ""
    return "/".join(kept)


def unwanted(path: str) -> str:
    """Why a member that no source of its kind reads is not read."""
    return "archive in an archive" if is_archive(path) else "other kind of file"
