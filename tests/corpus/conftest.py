"""Small trees of files for the corpus room, and the shared texts where they exist."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SENTENCES = (
    "The parser keeps the whole of the input that it has seen, so that a later rule can look back at it.",
    "When the buffer is full, the oldest entry is written to the disk and its place is given to the new one.",
    "A value that was never set is reported as missing, and the caller decides what should happen then.",
    "This is only needed when several threads share one connection and none of them may wait for long.",
)


@pytest.fixture(scope="session")
def shared_texts() -> Path:
    """The folder of shared texts; skips where it is absent."""
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[2] / "../shared")) / "text"
    if not folder.is_dir():
        pytest.skip(f"no shared texts: {folder.name} is not beside the checkout and LEAVEN_SHARED does not name it")
    return folder


def module(name: str, lines: int = 12) -> str:
    """A Python module with docstrings, `name` in every line so that no two modules are alike."""
    doc = "\n\n    ".join(f"{sentence[:-1]} in the module called {name}." for sentence in SENTENCES)
    body = "".join(f"    total_{name}_{n} = first + {n} * second  # step {n}\n" for n in range(lines))
    head = f'"""{SENTENCES[0][:-1]} of {name}."""\n\n\ndef work_{name}(first, second):\n'
    return f'{head}    """{doc}\n    """\n{body}    return first\n'


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    """A standard library of eight modules and twelve packages with metadata, source, markup and tests."""
    stdlib, packages = tmp_path / "lib", tmp_path / "packages"
    stdlib.mkdir()
    for name in "abcdefgh":
        (stdlib / f"std{name}.py").write_text(module(f"std{name}"))
    (stdlib / "site-packages" / "foreign").mkdir(parents=True)
    (stdlib / "site-packages" / "foreign" / "mod.py").write_text(module("foreign"))
    for number in range(12):
        name = f"pack{number}"
        (packages / name / "tests").mkdir(parents=True)
        (packages / name / "__pycache__").mkdir()
        (packages / name / "__pycache__" / "core.py").write_text(module("cached"))
        (packages / name / "__init__.py").write_text("")
        (packages / name / "core.py").write_text(module(f"{name}core"))
        (packages / name / "tests" / "test_core.py").write_text(module(f"{name}test"))
        (packages / name / "style.css").write_text(
            f".{name} {{\n  color: red;\n  background: white;\n  margin: none;\n}}\n"
        )
        info = packages / f"{name}-1.{number}.dist-info"
        info.mkdir()
        readme = "\n\n".join(f"{sentence[:-1]} of {name}." for sentence in SENTENCES)
        (info / "METADATA").write_text(f"Name: {name}\nLicense-Expression: MIT\n\n# {name}\n\n{readme}\n")
        (info / "LICENSE.md").write_text("Permission is hereby granted to do as you like with all of this.\n" * 9)
    (packages / "leaven").mkdir()
    (packages / "leaven" / "own.py").write_text(module("own"))
    return {"stdlib": stdlib, "packages": packages}
