"""Packages of the host inside the sandbox: there, readable, and not writable."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaven.sandbox.interpreter import homes, interpreter, widened
from leaven.sandbox.level import Level, none
from leaven.sandbox.run import run_program

PROGRAM = """
import sys
sys.path.append({folder!r})
import island
print(island.DEPTH)
try:
    open({folder!r} + "/island/more.py", "w")
except OSError:
    print("read-only")
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    tmp_path.chmod(0o755)  # where the tests run as root, the program is somebody else
    (tmp_path / "island").mkdir()
    (tmp_path / "island" / "__init__.py").write_text("DEPTH = 7\n")
    return str(tmp_path)


def test_a_package_is_there_when_its_folder_is_named(folder: str, level: Level) -> None:
    source = PROGRAM.format(folder=folder)
    assert run_program(source, level=level, folders=(folder,)).stdout.split() == ["7", "read-only"]
    assert "ModuleNotFoundError" in run_program(source, level=level).stderr


def test_without_isolation_it_is_there_anyway(folder: str) -> None:
    source = PROGRAM.format(folder=folder)
    assert run_program(source, level=none(), folders=(folder,), allow_unisolated=True).stdout.startswith("7")


def test_homes_are_folders_or_the_name_that_is_missing() -> None:
    found = homes(["numpy", "pyarrow"])
    assert isinstance(found, tuple)
    assert all((Path(place) / "numpy").is_dir() or (Path(place) / "pyarrow").is_dir() for place in found)
    assert homes(["numpy", "no_such_package"]) == "no_such_package"


def test_folders_that_exist_inside_anyway_are_not_named_twice() -> None:
    python = interpreter()
    assert widened(python, ["/usr/lib/python3/dist-packages", *python.folders]) == python
    assert "/nowhere/packages" in widened(python, ["/nowhere/packages", "/nowhere/packages/inner"]).folders
