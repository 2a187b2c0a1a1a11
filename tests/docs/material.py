"""What a page may find before its first command: `<!-- page: needs writing code -->`. Each is made on this computer."""

from __future__ import annotations

import csv
import os
import pydoc_data.topics
import random
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import ROOT


def writing(folder: Path) -> None:
    """Prose: what Python's own help says of its topics, a text file each (about 700 KB)."""
    (folder / "writing").mkdir()
    for name, text in sorted(pydoc_data.topics.topics.items()):
        (folder / "writing" / f"{name}.txt").write_text(text, encoding="utf-8")


def code(folder: Path) -> None:
    """Programs: packages of Python's standard library (about 2 MB)."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for name in ("asyncio", "concurrent", "email", "html", "http", "importlib", "json", "logging", "unittest", "urllib"):
        for path in sorted((library / name).rglob("*.py")):
            if "test" not in path.parent.name:
                target = folder / "code" / path.relative_to(library)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def results(folder: Path) -> None:
    """results.csv: three recipes, three seeds, a loss and an accuracy with its standard error."""
    draw = random.Random(8)
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["recipe", "seed", "metric", "value", "stderr"])
        for recipe, loss, right in (("no-code", 1.0, 0.42), ("code-25", 0.972, 0.43), ("code-90", 1.043, 0.38)):
            for seed in (1, 2, 3):
                table.writerow([recipe, seed, "val_bpb", f"{loss + draw.gauss(0, 0.001):.4f}", ""])
                table.writerow([recipe, seed, "arc_easy:acc", f"{right + draw.gauss(0, 0.004):.4f}", "0.0100"])


def benchmarks(folder: Path) -> None:
    """benchmarks/: public benchmark files, where LEAVEN_SHARED has them; else the page is skipped."""
    shared = Path(os.environ.get("LEAVEN_SHARED", ROOT / "../shared")) / "benchdata"
    if not shared.is_dir():
        pytest.skip("no shared benchmark files: benchdata is not beside the checkout and LEAVEN_SHARED does not name it")
    (folder / "benchmarks").symlink_to(shared.resolve())


def checkout(folder: Path) -> None:
    """leaven/ and tests/, a copy of what is tested: the page changes it, and its commands run the copy."""
    for name in ("leaven", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")


MATERIAL: dict[str, Callable[[Path], None]] = {f.__name__: f for f in (writing, code, results, benchmarks, checkout)}
