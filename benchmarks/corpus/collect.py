"""Real source files of this computer as JSONL, the same for every side of every benchmark.

Usage: python benchmarks/corpus/collect.py OUT [--bytes 200000000] [--files 16] [--root FOLDER …] [--npm]

Without `--root`: every CPython beside this one and all their site-packages, and leaven's own environments. `--npm` adds
a pinned list of packages from npm (nothing of them is run). Files are taken in the order of a hash of their relative
path until there are enough bytes, so the choice does not depend on the file system's order; what was taken is
written to OUT.json. Two computers hold different files: compare ratios, not seconds, between computers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = {
    ".py": "python", ".pyi": "python", ".pyx": "cython", ".c": "c", ".h": "c", ".cc": "c++", ".cpp": "c++",
    ".hpp": "c++", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".ts": "typescript",
    ".jsx": "javascript", ".tsx": "typescript", ".css": "css", ".scss": "scss", ".html": "html", ".md": "markdown",
    ".rst": "restructuredtext", ".sh": "shell", ".java": "java", ".go": "go", ".rs": "rust", ".rb": "ruby",
    ".php": "php", ".pl": "perl", ".lua": "lua", ".sql": "sql", ".cmake": "cmake", ".f": "fortran", ".f90": "fortran",
}  # fmt: skip
LARGEST = 1_000_000
NPM = (
    "three@0.170.0", "lodash@4.17.21", "react-dom@18.3.1", "vue@3.5.13", "d3@7.9.0", "rxjs@7.8.1",
    "moment@2.30.1", "highlight.js@11.10.0", "date-fns@4.1.0", "ramda@0.30.1", "webpack@5.96.1", "eslint@9.15.0",
    "prettier@3.3.3", "mathjs@14.0.0", "bootstrap@5.3.3", "codemirror@5.65.18", "@babel/core@7.26.0",
    "typescript@5.6.3", "zod@3.23.8", "echarts@5.5.1", "cesium@1.123.1", "ol@10.2.1", "antd@5.22.1",
    "@mui/material@6.1.7",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--bytes", type=int, default=200_000_000)
    parser.add_argument("--files", type=int, default=16, help="JSONL files that the documents are dealt to")
    parser.add_argument("--root", type=Path, action="append")
    parser.add_argument("--npm", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    roots = {str(n): root for n, root in enumerate(options.root)} if options.root else own_roots()
    if options.npm:
        roots["npm"] = npm_packages(options.out.parent / "npm")
    print(json.dumps(collect(roots, options.out, options.bytes, options.files), indent=1))


def own_roots() -> dict[str, Path]:
    """Label → folder of every CPython library beside this one, the system's, and leaven's environments."""
    here = Path(__file__).resolve().parents[2]
    found = {"system": Path("/usr/lib/python3"), "leaven": here / ".venv/lib", "bench": here / ".venv-bench/lib"}
    base = Path(sys.base_prefix)
    found |= {f"cpython-{folder.name}": folder / "lib" for folder in base.parent.iterdir() if (folder / "lib").is_dir()}
    return {label: folder for label, folder in found.items() if folder.is_dir()}


def npm_packages(folder: Path) -> Path:
    """The pinned packages, fetched by npm's own client and unpacked without running anything."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NPM:
        target = folder / name.replace("/", "+")
        if target.is_dir():
            continue
        fetched = subprocess.run(
            ["npm", "pack", "--silent", "--ignore-scripts", name],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if fetched.returncode:
            print(f"left out: {name} ({fetched.stderr.strip().splitlines()[-1:]})", file=sys.stderr)
            continue
        archive = folder / fetched.stdout.strip().splitlines()[-1]
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")
        archive.unlink()
    return folder


def collect(roots: dict[str, Path], out: Path, most: int, files: int) -> dict[str, object]:
    """Deal documents to `out/NNNNN.jsonl`; returns (and writes) what was taken."""
    ranked = sorted(
        (hashlib.sha256(f"{label}/{path}".encode()).hexdigest(), label, path, file)
        for label, root in roots.items()
        for path, file in candidates(root)
    )
    taken, total = 0, 0
    listing = hashlib.sha256()
    languages: Counter[str] = Counter()
    sinks = [(out / f"{n:05d}.jsonl").open("w", encoding="utf-8") for n in range(files)]
    try:
        for _, label, path, file in ranked:
            text = read(file)
            if text is None:
                continue
            size = len(text.encode())
            name = f"{label}/{path}"
            language = SUFFIXES[Path(path).suffix]
            record = {"id": name, "text": text, "metadata": {"path": name, "language": language}}
            sinks[taken % files].write(json.dumps(record, ensure_ascii=False) + "\n")
            listing.update(f"{name}\t{hashlib.sha256(text.encode()).hexdigest()}\n".encode())
            languages[language] += size
            taken, total = taken + 1, total + size
            if total >= most:
                break
    finally:
        for sink in sinks:
            sink.close()
    about = {
        "documents": taken,
        "bytes": total,
        "bytes_by_language": dict(languages.most_common()),
        "files": files,
        "roots": sorted(roots),
        "sha256_of_list": listing.hexdigest(),
    }
    about_of(out).write_text(json.dumps(about, indent=1) + "\n")
    return about


def candidates(root: Path) -> Iterator[tuple[str, Path]]:
    """Relative path and file of every regular source file below `root`; links and bytecode folders are left alone."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name != "__pycache__")
        for name in sorted(files):
            file = Path(folder, name)
            if file.suffix in SUFFIXES and file.is_file() and not file.is_symlink():
                yield file.relative_to(root).as_posix(), file


def about_of(docs: Path) -> Path:
    """The file that says what a collection holds; beside the folder, so that the folder has documents only."""
    return docs.with_name(docs.name + ".json")


def read(file: Path) -> str | None:
    """The text of a file; None for what no pipeline here would keep: empty, binary, not UTF-8, larger than 1 MB."""
    try:
        data = file.read_bytes()
        if not data.strip() or len(data) > LARGEST or b"\0" in data:
            return None
        return data.decode().replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError):
        return None


if __name__ == "__main__":
    main()
