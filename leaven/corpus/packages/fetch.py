"""The archives of the list, each once, kept by content: a second use needs no network."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from leaven.corpus.packages import clients
from leaven.corpus.packages.table import Package
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sha256_file, sync_folder
from leaven.ground.progress import Progress, silent

AT_ONCE = 4
"""Clients running at the same time: each mostly waits."""


def fetch(packages: Sequence[Package], cache: Path, progress: Progress = silent) -> dict[Package, Path]:
    """The archive of each package in `cache`; what is there already, and is what the list says, is not fetched.

    An archive appears whole or not at all, so a fetch that was stopped goes on where it was, archive by archive.

    Args:
        packages: `table()` or some of it.
        cache: a folder, made where absent; several fetches may share it at once.
        progress: told bytes of archives.

    Raises:
        BadInput: pip or npm is needed and missing.
        LeavenError: an archive could not be fetched, or is not what the list says.
    """
    cache.mkdir(parents=True, exist_ok=True)
    total = sum(package.bytes for package in packages)
    paths = {package: cache / package.file for package in packages}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        there = dict(zip(packages, pool.map(_is_there, packages, paths.values()), strict=True))
        missing = [package for package in packages if not there[package]]
        done = total - sum(package.bytes for package in missing)
        progress(done, total)
        if missing:
            _need_clients(missing, packages)
        waiting = {pool.submit(_fetch_one, package, paths[package]): package for package in missing}
        try:
            for future in as_completed(waiting):
                future.result()
                done += waiting[future].bytes
                progress(done, total, waiting[future].label)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return paths


def _is_there(package: Package, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == package.bytes and sha256_file(path) == package.sha256


def _fetch_one(package: Package, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".part-", dir=path.parent) as name:
        arrived = clients.download(package, Path(name))
        digest = sha256_file(arrived)
        if digest != package.sha256:
            raise LeavenError(
                f"{package.label} is not the archive of the list: sha256 {digest} instead of {package.sha256}\n"
                "  The registry or a mirror serves another file under that version; nothing of it was kept."
            )
        arrived.replace(path)
        sync_folder(path.parent)


def _need_clients(missing: Sequence[Package], packages: Sequence[Package]) -> None:
    """Refuse before anything is fetched: a corpus without a registry would be another corpus."""
    wanted = {package.registry for package in missing}
    if "npm" in wanted and clients.npm() is None:
        raise BadInput(
            f"npm is not installed; {_share('npm', packages)} come from it",
            fix='Install Node.js, which brings it, or choose the smaller corpus by name: "packages: pypi".',
        )
    if "pypi" in wanted:
        if clients.pip() is None:
            raise BadInput(
                f"pip is not installed; {_share('pypi', packages)} come from it", fix="python -m ensurepip --upgrade"
            )
        clients.rehearse()


def _share(registry: str, packages: Sequence[Package]) -> str:
    of = [package for package in packages if package.registry == registry]
    share = sum(package.bytes for package in of) / max(1, sum(package.bytes for package in packages))
    return f"{len(of)} of {len(packages)} packages ({share:.0%} of the bytes)"
