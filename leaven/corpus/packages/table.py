"""The pinned list of released packages: `data/packages.toml`, made by `tools/packages.py`."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from leaven.ground.canonical import identity

Registry = Literal["pypi", "npm"]
REGISTRIES: tuple[Registry, ...] = ("npm", "pypi")
SUFFIXES = {"npm": ".tgz", "pypi": ".tar.gz"}


@dataclass(frozen=True, slots=True)
class Package:
    """One archive of source as its author released it.

    Attributes:
        registry: "pypi" (a source distribution) or "npm" (a tarball).
        name: as the registry spells it; npm names may have a scope, `@owner/name`.
        version: exact.
        sha256: of the archive, hex.
        licence: SPDX expression, checked against the archive's own licence file when it was pinned.
        languages: what it mostly holds, by share of bytes, largest first.
        bytes: size of the archive.
        without: folders and files (inside the archive's top folder, `/` between) to be left out: another licence stands
            in them or beside them.
        vendored: folders, mostly of somebody else's work, with a permissive licence of their own, and that licence.
    """

    registry: Registry
    name: str
    version: str
    sha256: str
    licence: str
    languages: tuple[str, ...]
    bytes: int
    without: tuple[str, ...] = ()
    vendored: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """`npm:vue@3.5.0`: what a document's `repository` says."""
        return f"{self.registry}:{self.name}@{self.version}"

    @property
    def file(self) -> str:
        """Its name in a cache: the content, and a suffix by which archives are known."""
        return f"{self.sha256}{SUFFIXES[self.registry]}"

    def leaves_out(self, path: str) -> bool:
        """Whether `path` (inside the archive, its top folder taken off) is one of `without` or below one."""
        return any(_is_below(path, part) for part in self.without)

    def licence_of(self, path: str) -> str:
        """The licence of a file (`path` as above): the nearest folder's that has one of its own, else the package's."""
        nearest = max(
            (row for row in self.vendored if _is_below(path, row[0])), key=lambda row: len(row[0]), default=None
        )
        return nearest[1] if nearest else self.licence


def table(registries: Collection[Registry] = REGISTRIES) -> tuple[Package, ...]:
    """The packages of `registries`, by registry and name."""
    return tuple(package for package in _all() if package.registry in registries)


def fingerprint(packages: Sequence[Package]) -> str:
    """The identity of what a source of `packages` reads; nothing needs to be fetched for it."""
    rows = sorted([p.registry, p.name, p.version, p.sha256, sorted(p.without)] for p in packages)
    return identity(["packages/1", rows])


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _is_below(path: str, part: str) -> bool:
    return path == part or path.startswith(f"{part}/")


@cache
def _all() -> tuple[Package, ...]:
    text = (files("leaven.corpus") / "data" / "packages.toml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["package"]
    packages = [Package(**{key: _frozen(value) for key, value in row.items()}) for row in rows]
    return tuple(sorted(packages, key=lambda package: (package.registry, package.name)))
