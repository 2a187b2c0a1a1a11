"""Write leaven/corpus/data/linguist.toml from the npm package `linguist-languages`.

    npm pack linguist-languages@9.5.0
    python tools/languages.py linguist-languages-9.5.0.tgz > leaven/corpus/data/linguist.toml

Needs `node`, which reads the package's own files. Equal packages give equal bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FIELDS = ("type", "extensions", "filenames", "interpreters", "aliases")
HEADER = """\
# Languages as GitHub Linguist knows them: kind, extensions (the first is the language's own), file names, interpreters
# and aliases. Made by tools/languages.py from the npm package linguist-languages {version} (licence: {licence}); the
# table itself is GitHub Linguist's languages.yml (MIT licence, copyright GitHub, Inc.). Do not edit: what leaven sees
# otherwise stands in languages_paper.toml.
version = "linguist-languages {version}"
"""


def table(package: Path) -> str:
    """The TOML text for an unpacked package."""
    facts = json.loads((package / "package.json").read_text(encoding="utf-8"))
    script = (
        f"import * as all from {json.dumps((package / 'index.js').as_uri())}; console.log(JSON.stringify({{...all}}))"
    )
    made = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    languages = json.loads(made.stdout)
    parts = [HEADER.format(version=facts["version"], licence=facts["license"])]
    for name in sorted(languages, key=lambda name: (name.lower(), name)):
        language = languages[name]
        parts.append(f"\n[languages.{json.dumps(name, ensure_ascii=False)}]\n")
        parts.extend(
            f"{field} = {json.dumps(language[field], ensure_ascii=False)}\n" for field in FIELDS if language.get(field)
        )
    return "".join(parts)


def main() -> None:
    """Unpack the package named on the command line and write its table to standard output."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sys.argv[1]) as archive:
            archive.extractall(folder, filter="data")
        sys.stdout.write(table(Path(folder) / "package"))


if __name__ == "__main__":
    main()
