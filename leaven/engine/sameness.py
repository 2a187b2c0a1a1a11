"""Whether a machine computes what this one would: the same leaven, the same libraries, the same store.

Results are addressed by what was asked for, so a machine with other code would put other results under the same name.
The first question is put by a function that needs nothing there but Python.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from leaven.engine.hardware import processor
from leaven.ground.errors import BadInput
from leaven.ground.version import __version__

PACKAGES = (
    "jax",
    "jaxlib",
    "numpy",
    "optax",
    "pyarrow",
    "pandas",
    "scipy",
    "tokenizers",
    "tiktoken",
    "safetensors",
    "zstandard",
    "lm-eval",
    "matplotlib",
)
"""Whose versions show in the bytes of results."""
PACKAGE = Path(__file__).parents[1]
"""The folder of leaven as it is installed."""
BOOT = Path("/proc/sys/kernel/random/boot_id")


@cache
def fingerprint() -> dict[str, str]:
    """Of the code that computes in this process: versions by package, and leaven's own files as they are installed."""
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "leaven": __version__,
        "leaven's files": _code(PACKAGE),
        **{name: _version(name) for name in PACKAGES},
    }


def _code(folder: Path) -> str:
    """A sha256 over the names and bytes of a package's files."""
    whole = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in files):
        data = path.read_bytes()
        whole.update(f"{name}\0{len(data)}\0".encode())
        whole.update(data)
    return whole.hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Sentences' parts: `jax is 0.10.1 there and 0.10.2 here`."""
    told = []
    for name, mine in ours.items():
        other = theirs.get(name, "not known")
        if other != mine:
            verb = "are" if name.endswith("s") and " " in name else "is"
            told.append(f"{name} {verb} {other} there and {mine} here")
    return told


def machine() -> str:
    """Names this computer among others: containers of one computer are told apart by their host names."""
    try:
        boot = BOOT.read_text().strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()} {boot}"


def facts(probe: str) -> dict[str, Any]:
    """What a machine says of itself. `probe`: a file of the store to read, or empty."""
    seen = None
    if probe:
        try:
            seen = Path(probe).read_text(encoding="utf-8")
        except (OSError, ValueError):
            seen = None
    return {"fingerprint": fingerprint(), "machine": machine(), "processor": processor(), "probe": seen}


def question() -> Callable[[str], dict[str, Any]]:
    """What is asked of every machine, leaven installed there or not: a function within a function travels with its
    code instead of its name."""

    def ask(probe: str) -> dict[str, Any]:
        import socket

        try:
            from leaven.engine.sameness import facts
        except ImportError as error:
            return {"host": socket.gethostname(), "missing": str(error)}
        return {"host": socket.gethostname(), **facts(probe)}

    return ask


def unfit(said: Mapping[str, Any], ours: Mapping[str, str]) -> str:
    """Why a machine that answered so cannot be used, or nothing."""
    if "missing" in said:
        return f"this leaven cannot be imported there: {said['missing']}"
    return "; ".join(differences(ours, said["fingerprint"]))


def scratch(place: str) -> Path:
    """This machine's own folder for what belongs to a store elsewhere (LEAVEN_SCRATCH, default in the temporary
    folder), made where it is not there.

    Raises BadInput where somebody else made it, or may write there: programs compiled on this machine lie in it.
    """
    import tempfile

    given = os.environ.get("LEAVEN_SCRATCH")
    base = Path(given or Path(tempfile.gettempdir()) / f"leaven-{os.getuid()}").absolute()
    own = base / hashlib.sha256(place.encode()).hexdigest()[:16]
    if given:  # may be a folder for many, under any name
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in (own,) if given else (base, own):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise BadInput(
                f"{folder} on {socket.gethostname()} is not a folder of this user's alone",
                field="LEAVEN_SCRATCH",
                fix="Set it to a folder of your own on a disk of each machine, or remove that one.",
            )
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    return own
