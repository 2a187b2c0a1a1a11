"""A PEP 517 build backend that reads name and version from `PKG-INFO` and runs nothing."""

from __future__ import annotations

import os
import re

LONGEST = 1 << 20
"""Bytes read of a `PKG-INFO`: name and version stand at its top."""


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: object = None) -> str:
    """Write the smallest `METADATA` for the archive unpacked in the current folder; the name of its folder."""
    with open("PKG-INFO", encoding="utf-8", errors="replace") as file:
        head = file.read(LONGEST).partition("\n\n")[0]
    fields = dict(line.split(": ", 1) for line in head.split("\n") if ": " in line and not line[0].isspace())
    name, version = fields["Name"].strip(), fields["Version"].strip()
    stem = "-".join(re.sub(r"[^\w.+!]+", "_", part) for part in (name, version))
    folder = f"{stem}.dist-info"
    os.mkdir(os.path.join(metadata_directory, folder))
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w", encoding="utf-8") as file:
        file.write(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    return []


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    raise RuntimeError("nothing of a package is built")
