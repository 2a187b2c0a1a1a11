"""A page of the documentation as a list of what a reader does: files to write, commands to type, Python to run.

    ```console              commands begin with `$ `; lines after one are what it prints; `\\` at an end continues it
    ```yaml title="a.yaml"  a file, written where the reader is; ```diff title="a.py" changes lines of one
    ```python               a program of its own

A comment on the line before a block says what is special about it: `<!-- not executed: reason -->`,
`<!-- exit 2 -->`, `<!-- one run: … -->` (what is printed differs from run to run). The first line of a page may be a
comment too: `<!-- page: needs writing code; long; alone -->` names prepared material, says that it takes minutes, and
that it begins with nothing that other pages have computed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = {"reference/study.md", "reference/cli.md", "reference/python.md", "decisions/index.md"}
FENCE = re.compile(r"^(\s*)```(\w*)\s*(.*)$")
COMMENT = re.compile(r"^\s*<!--\s*(.*?)\s*-->\s*$")


@dataclass(frozen=True)
class Command:
    """What is typed at a `$`. `reason`: why it is not executed; `shown`: None where what it prints is not compared."""

    page: str
    line: int
    text: str
    shown: tuple[str, ...] | None
    reason: str
    exit: int


@dataclass(frozen=True)
class Block:
    """A file to write (`title`), or a program; `reason`: why it is not executed."""

    page: str
    line: int
    language: str
    title: str
    text: str
    reason: str


@dataclass(frozen=True)
class Page:
    """A page: its name under docs/ (or README.md), what it needs, whether it takes minutes, whether it is `alone`."""

    name: str
    needs: tuple[str, ...]
    long: bool
    alone: bool
    parts: tuple[Command | Block, ...]

    @property
    def commands(self) -> list[Command]:
        return [part for part in self.parts if isinstance(part, Command)]

    @property
    def typed(self) -> list[Command | Block]:
        """Commands and programs."""
        return [part for part in self.parts if isinstance(part, Command) or not part.title]

    @property
    def done(self) -> list[Command | Block]:
        """Those that are executed."""
        return [part for part in self.typed if not part.reason]


def read(path: Path) -> Page:
    """Raises ValueError for a fence that is not closed or a comment that means nothing here."""
    name = path.name if path.parent == ROOT else str(path.relative_to(DOCS))
    lines = path.read_text(encoding="utf-8").split("\n")
    needs, words = _head(lines[0])
    parts: list[Command | Block] = []
    number = 0
    while number < len(lines):
        opened = FENCE.match(lines[number])
        if not opened:
            number += 1
            continue
        indent, language, rest = opened.groups()
        end = next((n for n in range(number + 1, len(lines)) if lines[n].strip() == "```"), None)
        if end is None:
            raise ValueError(f"{name}:{number + 1}: the block has no end")
        body = [line.removeprefix(indent) for line in lines[number + 1 : end]]
        mark = _mark(lines, number)
        parts += _parts(name, number + 1, language, rest, body, mark)
        number = end + 1
    return Page(name, needs, "long" in words, "alone" in words, tuple(parts))


def pages() -> list[Page]:
    """Every page that a person wrote, README first. Decisions and the notebook are history: nothing in them is a
    command for today."""
    written = [p for p in sorted(DOCS.rglob("*.md")) if str(p.relative_to(DOCS)) not in GENERATED]
    return [read(p) for p in [ROOT / "README.md", *written] if p.parent.name != "decisions" and p.name != "notebook.md"]


def _head(line: str) -> tuple[tuple[str, ...], set[str]]:
    found = COMMENT.match(line)
    if not found or not found[1].startswith("page:"):
        return (), set()
    needs: tuple[str, ...] = ()
    said: set[str] = set()
    for clause in found[1].removeprefix("page:").split(";"):
        word, *names = clause.split()
        if word == "needs":
            needs = tuple(names)
        elif word in ("long", "alone") and not names:
            said.add(word)
        else:
            raise ValueError(f"a page says `{clause.strip()}`, which means nothing")
    return needs, said


def _mark(lines: list[str], number: int) -> str:
    """The comment before a block, an empty line between or not; `page:` belongs to the page."""
    above = [lines[n] for n in (number - 1, number - 2) if n >= 0]
    if above and not above[0].strip():
        above = above[1:]
    found = COMMENT.match(above[0]) if above else None
    return "" if not found or found[1].startswith("page:") else found[1]


def _parts(
    page: str, line: int, language: str, rest: str, body: list[str], mark: str
) -> list[Command] | list[Block] | list[Command | Block]:
    reason = mark.removeprefix("not executed:").strip() if mark.startswith("not executed:") else ""
    title = (re.findall(r'title="([^"]+)"', rest) or [""])[0]
    if language == "console":
        known = re.fullmatch(r"(not executed:.+|exit \d+|one run: .+)?", mark)
        if known is None:
            raise ValueError(f"{page}:{line}: `{mark}` before a block means nothing")
        exit_code = int(mark.removeprefix("exit ")) if mark.startswith("exit ") else 0
        return _commands(page, line, body, reason, exit_code, compared=not mark.startswith("one run:"))
    if language == "python" or title:
        return [Block(page, line, language, title, "\n".join(body) + "\n", reason)]
    return []


def _commands(page: str, line: int, body: list[str], reason: str, exit_code: int, *, compared: bool) -> list[Command]:
    found: list[Command] = []
    text: list[str] = []
    shown: list[str] = []
    start = line

    def finish() -> None:
        if text:
            found.append(Command(page, start, "\n".join(text), tuple(shown) if compared else None, reason, exit_code))

    more = False
    for offset, row in enumerate(body, 1):
        if more:
            text.append(row)
        elif row.startswith("$ "):
            finish()
            text, shown, start = [row[2:]], [], line + offset
        elif not text:
            raise ValueError(f"{page}:{line + offset}: a console block begins with `$ `")
        else:
            shown.append(row)
        more = (more or row.startswith("$ ")) and row.endswith("\\")
    finish()
    return found
