"""Write leaven/corpus/data/licences.toml: SPDX identifiers and names, and which of them are permissive.

    pip download --no-deps license-expression==30.4.4
    npm pack @blueoak/list@15.0.0
    npm pack spdx-license-list@6.12.0
    python tools/licences.py license_expression-*.whl blueoak-list-*.tgz spdx-license-list-*.tgz \
        > leaven/corpus/data/licences.toml

Equal packages give equal bytes.
"""

from __future__ import annotations

import json
import sys
import tarfile
import zipfile
from typing import Any

OPEN = ("Permissive", "Public Domain")
SCANCODE = "LicenseRef-scancode-"
HEADER = """\
# Licences by SPDX identifier, and which of them are permissive. Made by tools/licences.py; do not edit (what packages
# call their licences stands in licences_names.toml).
#
# Permissive is what The Stack v2 means by it (arXiv 2402.19173, section 2.1): on the Blue Oak Council's list, or in
# ScanCode's categories Permissive and Public Domain. Its own list, which its get_license_types.py reads from
# bigcode-data/license_list, was not at hand; this one is made anew from the two sources it names:
#   Blue Oak Council list {blueoak} (CC0-1.0), ratings model, gold, silver, bronze and lead
#   ScanCode LicenseDB as of {scancode} (CC-BY-4.0, nexB Inc.)
#   SPDX licence list, spdx-license-list {spdx} (CC0-1.0)
version = "licences/1"
"""


def member(path: str, name: str) -> Any:
    """A JSON member of an npm package or a wheel."""
    if path.endswith(".whl"):
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(name))
    with tarfile.open(path) as archive:
        held = archive.extractfile(name)
        if held is None:
            sys.exit(f"{path}: no {name}")
        return json.loads(held.read())


def written(name: str, values: list[str]) -> str:
    """A list of strings in lines of at most 120 characters."""
    lines, line = [], "   "
    for value in values:
        word = f" {json.dumps(value, ensure_ascii=False)},"
        if len(line) + len(word) > 120:
            lines.append(line)
            line = "   "
        line += word
    return f"\n{name} = [\n" + "\n".join([*lines, line]) + "\n]\n"


def main() -> None:
    """Merge the three packages named on the command line and write the table to standard output."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    wheel, blueoak, spdx = sys.argv[1:]
    index = member(wheel, "license_expression/data/scancode-licensedb-index.json")
    rated = {entry["id"] for rating in member(blueoak, "package/index.json") for entry in rating["licenses"]}
    names = {key: entry["name"] for key, entry in member(spdx, "package/spdx.json").items()}
    open_ids, exceptions, other, scancode = set(rated), set(), set(names), set()
    for entry in index:
        key = entry.get("spdx_license_key") or ""
        if key.startswith(SCANCODE) and entry["category"] in OPEN and not entry["is_exception"]:
            scancode.add(key.removeprefix(SCANCODE))
        if not key or key.startswith("LicenseRef-"):
            continue
        if entry["is_exception"]:
            exceptions.add(key)
            continue
        keys = {key, *entry["other_spdx_license_keys"]} & names.keys()
        (open_ids if entry["category"] in OPEN else other).update(keys)
    versions = {
        "blueoak": member(blueoak, "package/package.json")["version"],
        "scancode": "license-expression " + wheel.rpartition("/")[2].split("-")[1],
        "spdx": member(spdx, "package/package.json")["version"],
    }

    def by_name(ids: set[str]) -> list[str]:
        return sorted(ids, key=lambda key: (key.lower(), key))

    sys.stdout.write(HEADER.format(**versions))
    sys.stdout.write(written("permissive", by_name(open_ids)))
    sys.stdout.write(f"\n# ScanCode's own names, written with {SCANCODE} before them, in the same two categories.")
    sys.stdout.write(written("permissive_scancode", by_name(scancode)))
    sys.stdout.write(written("other", by_name(other - open_ids - exceptions)))
    sys.stdout.write(written("exceptions", by_name(exceptions)))
    sys.stdout.write("\n[names]\n")
    for key in by_name(set(names)):
        sys.stdout.write(f"{json.dumps(key)} = {json.dumps(names[key], ensure_ascii=False)}\n")


if __name__ == "__main__":
    main()
