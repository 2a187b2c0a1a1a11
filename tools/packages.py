"""Make the pins of the corpus `packages`.

    python tools/packages.py --cache FOLDER

reads `tools/packages.txt`, fetches every release named there through pip and npm (nothing of them is run), looks at its
licences and languages, and writes `leaven/corpus/data/packages.toml`. A line of the list is
`registry name==version licence`, then `without: path …` for what a person decided to leave out. The licence is what a
person read; here it is checked against the archive's metadata and its own licence file, and every folder with a
licence file of its own and every file with a notice of another licence is sorted into kept or left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from archive_licences import Licences, agrees, declared, has_notice, is_licence, sort_in

from leaven.corpus.packages import clients
from leaven.corpus.packages.table import SUFFIXES, Package
from leaven.ground.files import sha256_file, write_text

HERE = Path(__file__).parent
LIST = HERE / "packages.txt"
TABLE = HERE.parent / "leaven" / "corpus" / "data" / "packages.toml"
LARGEST = 4_000_000
"""Bytes of a file that is looked into."""

PROSE = {"Markdown", "reStructuredText", "Text"}
LANGUAGES = {
    "Python": "py pyi", "C": "c h", "C++": "cc cpp cxx hpp hh hxx ipp tpp", "Cython": "pyx pxd pxi", "Rust": "rs",
    "Fortran": "f f77 f90 f95 f03 for", "JavaScript": "js mjs cjs jsx", "TypeScript": "ts tsx mts cts", "Vue": "vue",
    "CSS": "css", "SCSS": "scss", "Sass": "sass", "Less": "less", "HTML": "html htm", "Markdown": "md mdx",
    "reStructuredText": "rst", "Text": "txt", "YAML": "yaml yml", "TOML": "toml", "JSON": "json", "SQL": "sql",
    "Shell": "sh bash zsh", "Java": "java", "Kotlin": "kt kts", "Swift": "swift", "Objective-C": "m mm", "C#": "cs",
    "Go": "go", "PHP": "php", "Ruby": "rb podspec", "Lua": "lua", "Scala": "scala", "Haskell": "hs", "Dart": "dart",
    "Clojure": "clj cljs", "R": "r", "Julia": "jl", "TeX": "tex sty cls", "Notebook": "ipynb", "CMake": "cmake",
    "Protocol Buffer": "proto", "CUDA": "cu cuh", "GLSL": "glsl frag vert", "SystemVerilog": "sv svh", "XML": "xml",
    "VHDL": "vhd vhdl", "Perl": "pl pm", "Erlang": "erl", "Elixir": "ex exs", "OCaml": "ml mli", "F#": "fs fsx",
    "PowerShell": "ps1", "Assembly": "s asm", "Jinja": "jinja j2", "Nim": "nim", "Groovy": "gradle groovy",
}  # fmt: skip
BY_SUFFIX = {suffix: name for name, suffixes in LANGUAGES.items() for suffix in suffixes.split()}
BY_NAME = {"Makefile": "Makefile", "Dockerfile": "Dockerfile", "CMakeLists.txt": "CMake", "meson.build": "Meson"}


def wanted(lines: list[str]) -> Iterator[Package]:
    """The packages of the list, without what only their archives tell."""
    for line in lines:
        line = line.partition("#")[0].strip()
        if line:
            head, _, without = line.partition("without:")
            registry, release, licence = head.split(None, 2)
            name, _, version = release.rpartition("==")
            yield Package(registry, name, version, "", licence.strip(), (), 0, tuple(without.split()))  # type: ignore[arg-type]


def kept(package: Package, cache: Path) -> Path:
    """The archive, fetched where the cache has none of that name."""
    path = cache / f"{package.name.replace('/', '__')}-{package.version}{SUFFIXES[package.registry]}"
    if not path.is_file():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            arrived = clients.download(package, Path(folder))
            if not arrived.name.endswith(SUFFIXES[package.registry]):
                sys.exit(f"{package.label}: {arrived.name} is not a {SUFFIXES[package.registry]}")
            arrived.replace(path)
    return path


def look(path: Path, decided: Package) -> tuple[Licences, Counter[str]]:
    """Licences of an archive, and bytes of source by language of what would be kept."""
    licences, files = Licences(), {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            if not member.isfile() or not name or member.size > LARGEST or decided.leaves_out(name):
                continue
            language = language_of(name)
            licence = is_licence(name) and (language is None or language in PROSE)
            described = name in ("PKG-INFO", "package.json")
            if not (language or licence or described):
                continue
            file = archive.extractfile(member)
            try:
                text = file.read().decode() if file else ""
            except UnicodeDecodeError:
                continue
            if described:
                licences.metadata = declared(name, text)
            if licence:
                sort_in(name, text, licences)
            elif has_notice(text):
                licences.without.add(name)
            elif language and ".min." not in name and "\0" not in text:
                files[name] = (language, member.size)
    left = replace(decided, without=(*decided.without, *licences.without))
    sizes: Counter[str] = Counter()
    for name, (language, size) in files.items():
        sizes[language] += 0 if left.leaves_out(name) else size
    return licences, sizes


def language_of(name: str) -> str | None:
    """By name and extension only: enough to say what a package is for."""
    path = PurePosixPath(name)
    return BY_NAME.get(path.name) or BY_SUFFIX.get(path.suffix[1:].lower())


def pin(package: Package, cache: Path) -> tuple[Package | None, Counter[str]]:
    path = kept(package, cache)
    licences, sizes = look(path, package)
    good = agrees(package.licence, licences)
    without = topmost({*package.without, *licences.without})
    vendored = {
        folder: licence
        for folder, licence in sorted(licences.vendored.items())
        if licence != package.licence and not replace(package, without=without).leaves_out(folder)
    }
    print(
        f"{'ok ' if good else 'NO '}{package.label}  {path.stat().st_size / 1e6:.1f} MB → {sizes.total() / 1e6:.1f} MB"
        f"  licence {package.licence}; metadata {licences.metadata!r}; files {sorted(licences.own)}"
        f"\n     without {without}\n     vendored {vendored}"
        f"\n     {', '.join(f'{name} {size / 1e6:.2f}' for name, size in sizes.most_common(14))}",
        flush=True,
    )
    languages = tuple(name for name, size in sizes.most_common(8) if size > 0.02 * sizes.total())
    pinned = replace(
        package,
        sha256=sha256_file(path),
        bytes=path.stat().st_size,
        languages=languages,
        without=without,
        vendored=tuple(vendored.items()),
    )
    return (pinned if good else None), sizes


def topmost(paths: set[str]) -> tuple[str, ...]:
    """Without those that lie below another."""
    return tuple(sorted(p for p in paths if not any(p.startswith(f"{other}/") for other in paths)))


def toml(packages: list[Package]) -> str:
    head = (
        "# Released packages with permissive licences, for the corpus `packages`.\n"
        "# Made by tools/packages.py from tools/packages.txt: change that list and run it again.\n"
        "# Source of every row: the archive itself, as its registry serves it.\n"
    )
    rows = []
    for package in sorted(packages, key=lambda package: (package.registry, package.name)):
        row = {name: getattr(package, name) for name in Package.__dataclass_fields__}
        rows.append("[[package]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in row.items() if v != ()))
    return head + "\n" + "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder where fetched archives are kept")
    cache = parser.parse_args().cache
    cache.mkdir(parents=True, exist_ok=True)
    clients.rehearse()
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(partial(pin, cache=cache), wanted(LIST.read_text().splitlines())))
    total: Counter[str] = sum((sizes for _, sizes in rows), Counter())
    for name, size in total.most_common():
        print(f"{name:18} {size / 1e6:8.2f} MB")
    packages = [package for package, _ in rows if package]
    print(
        f"{len(packages)} of {len(rows)} packages, {sum(p.bytes for p in packages) / 1e6:.0f} MB of archives;"
        f" files of prose {sum(total[name] for name in PROSE) / 1e6:.0f} MB, all {total.total() / 1e6:.0f} MB"
    )
    if len(packages) < len(rows):
        sys.exit("not written: a licence above does not agree with what the list says of it")
    write_text(TABLE, toml(packages))


if __name__ == "__main__":
    main()
