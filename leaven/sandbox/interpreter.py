"""Which Python runs the programs, and which host folders it needs to exist inside the sandbox."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from leaven.ground.errors import BadInput

SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Top-level names beside /usr where a dynamically linked program looks: links into /usr on merged systems."""

PYTHON_FLAGS = ("-s", "-S", "-P", "-B")
"""No user site, no site folder (whatever packages and start-up hooks this computer has change no score, and cost no
time), no unsafe path, no bytecode files. Not `-I`: it implies `-E`, which ignores PYTHONHASHSEED, so the order of sets
would differ from run to run. The environment is ours alone, so `-E` would add nothing."""

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
}


@dataclass(frozen=True)
class Interpreter:
    """A Python outside any virtual environment: real path of the program, and its folders that are not under /usr."""

    program: str
    folders: tuple[str, ...]


@functools.cache
def interpreter(python: str | None = None) -> Interpreter:
    """The base interpreter of `python` (default: the one that runs leaven).

    Raises:
        BadInput: `python` does not run, or is not Python.
    """
    if python is None:
        return _interpreter(getattr(sys, "_base_executable", sys.executable), sys.base_prefix, sys.base_exec_prefix)
    question = "import json,sys;print(json.dumps([sys._base_executable,sys.base_prefix,sys.base_exec_prefix]))"
    try:
        answer = subprocess.run(
            [python, "-I", "-c", question], capture_output=True, timeout=30, check=True, stdin=subprocess.DEVNULL
        )
        program, prefix, exec_prefix = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise BadInput(
            f"{python} is not a usable Python: {error}", fix="give the path of a Python 3.11 or newer"
        ) from error
    return _interpreter(program, prefix, exec_prefix)


def _interpreter(program: str, *prefixes: str) -> Interpreter:
    real = os.path.realpath(program)
    needed = {*prefixes, *(os.path.realpath(prefix) for prefix in prefixes)}
    if not any(Path(real).is_relative_to(folder) for folder in (*needed, "/usr")):
        needed.add(str(Path(real).parent))
    return Interpreter(real, _outside(needed))


def _outside(needed: Iterable[str]) -> tuple[str, ...]:
    """The folders that are neither system folders nor inside one another."""
    covered = ("/usr", *SYSTEM)
    outside = sorted({folder for folder in needed if not any(Path(folder).is_relative_to(top) for top in covered)})
    return tuple(f for f in outside if not any(f != other and Path(f).is_relative_to(other) for other in outside))


def widened(python: Interpreter, folders: Iterable[str]) -> Interpreter:
    """`python` with further host folders that exist, read-only, inside the sandbox, at the same place."""
    return replace(python, folders=_outside([*python.folders, *folders]))


def homes(packages: Iterable[str]) -> tuple[str, ...] | str:
    """The folders that installed packages are imported from, to put on `sys.path` inside; or the first package that is
    not installed.

    Nothing is imported. A package's own dependencies are expected in the same folders.
    """
    found: dict[str, None] = {}
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None or not spec.submodule_search_locations:
            return package
        found[os.path.realpath(Path(spec.origin).parent.parent)] = None
    return tuple(found)


def system_links() -> dict[str, str]:
    """`{"/lib": "usr/lib", …}`: the system names that are links here."""
    return {name: os.readlink(name) for name in SYSTEM if os.path.islink(name)}


def system_folders() -> list[str]:
    """/usr and the system names that are folders of their own here."""
    return ["/usr", *(name for name in SYSTEM if os.path.isdir(name) and not os.path.islink(name))]
