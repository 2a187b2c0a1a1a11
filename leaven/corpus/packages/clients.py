"""Archives through the ordinary clients, pip and npm, as this computer has them configured.

Nothing of a package is run. npm is told so (`--ignore-scripts`, and a release's tarball is only copied). pip runs the
build code of a source archive to learn its name and version; the folder `inert` stands before the interpreter that
would do so and answers in its place. `rehearse` tries that, with an archive made to tell, before anything is fetched.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from leaven.corpus.packages.table import Package
from leaven.ground.errors import LeavenError

INERT = Path(__file__).with_name("inert")
TIMEOUT = 1800
"""Seconds for one archive; both clients have their own, shorter, for a silent connection."""

_REHEARSAL = "leaven-rehearsal"
_ADDRESS = re.compile(r"\b[a-z][a-z+]{1,9}://\S+")


def pip() -> list[str] | None:
    """The command that is pip: this interpreter's, else the one on the path; None where there is none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    return [found] if found else None


def npm() -> list[str] | None:
    """The command that is npm, None where there is none."""
    found = shutil.which("npm")
    return [found] if found else None


def download(package: Package, folder: Path) -> Path:
    """Fetch the archive of `package` into the empty `folder`; its path. Its content is for the caller to check.

    Without a `sha256` (a list being made) pip takes what the index has.

    Raises:
        LeavenError: the client failed or left no archive.
    """
    if package.registry == "npm":
        command = [*(npm() or []), "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--silent"]
        _run([*command, "--pack-destination", str(folder)], folder, package)
    else:
        wanted = folder / "wanted.txt"
        pin = f" --hash=sha256:{package.sha256}" if package.sha256 else ""
        wanted.write_text(f"{package.name}=={package.version}{pin}\n")
        _run(_pip_download(folder, "-r", str(wanted)), folder, package)
    found = sorted(path for path in folder.iterdir() if path.name.endswith((".tgz", ".tar.gz")))
    if len(found) != 1:
        raise LeavenError(f"{package.label}: {package.registry} left {len(found)} archives instead of one")
    return found[0]


def rehearse() -> None:
    """Let pip fetch an archive whose build code tells when it is run. Takes about half a second.

    Raises:
        LeavenError: it was run, or this pip cannot fetch a source archive without building.
    """
    with tempfile.TemporaryDirectory(prefix="leaven-") as name:
        folder = Path(name)
        told, links, out = folder / "told", folder / "links", folder / "out"
        links.mkdir()
        out.mkdir()
        _telling_archive(links / f"{_REHEARSAL.replace('-', '_')}-1.0.tar.gz", told)
        command = _pip_download(out, "--no-index", "--find-links", str(links), f"{_REHEARSAL}==1.0")
        done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=TIMEOUT)
        if told.exists() or done.returncode != 0:
            what = (
                "would run code of the packages it fetches" if told.exists() else "could not be told to build nothing"
            )
            raise LeavenError(f"this pip {what}, so no package was fetched ({_last_words(done)}); update pip")


def _pip_download(folder: Path, *what: str) -> list[str]:
    flags = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--use-pep517", "--ignore-requires-python"]
    return [*(pip() or []), "download", "--quiet", "--no-input", *flags, "--dest", str(folder), *what]


def _telling_archive(path: Path, told: Path) -> None:
    tell = f"open({str(told)!r}, 'w').close()\n"
    project = '[build-system]\nrequires = []\nbuild-backend = "tell"\nbackend-path = ["."]\n'
    head = f"Metadata-Version: 2.1\nName: {_REHEARSAL}\nVersion: 1.0\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in {"PKG-INFO": head, "pyproject.toml": project, "setup.py": tell, "tell.py": tell}.items():
            member = tarfile.TarInfo(f"{_REHEARSAL}-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


def _environment() -> dict[str, str]:
    own = {"PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}
    path = os.pathsep.join([str(INERT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **own, "PYTHONPATH": path}


def _run(command: Sequence[str], folder: Path, package: Package) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environment(), capture_output=True, text=True, errors="replace", timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise LeavenError(f"{package.label}: nothing after {TIMEOUT} s; run again, what has arrived is kept") from None
    if done.returncode != 0:
        raise LeavenError(
            f"{package.label} was not fetched: {_last_words(done)}\n"
            "  Run again when the registry can be reached; what has arrived is kept."
        )


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The client's last line that says something, without addresses: an index's may hold a password."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(?i)(npm )?err", line)] or lines
    return _ADDRESS.sub("(address)", telling[-1])[:300] if telling else f"exit status {done.returncode}"
