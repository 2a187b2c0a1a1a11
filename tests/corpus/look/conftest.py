"""A built source with something of everything: each rule, twins, duplicates, an evaluation item, text that attacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leaven.corpus.assemble import Assembly, assemble
from leaven.corpus.dedup.near import preset
from leaven.corpus.document import Document
from leaven.corpus.look.judged import Judged
from leaven.corpus.look.steps import Steps
from leaven.corpus.plan import SourcePlan
from leaven.corpus.scored import Writer
from leaven.corpus.select import Selection, select_documents
from leaven.corpus.shards import write_shards
from leaven.corpus.tokenizer import train_tokenizer
from leaven.ground.canonical import key64
from leaven.ground.files import write_json

RULES = ("floor", "paper")
HOSTILE = "evil\x1b]0;owned\x07\x1b[2J\u202e\x9b31m.py"
ITEM = "def has_close(numbers, threshold): return any(abs(a - b) < threshold for a in numbers for b in numbers)"


def code(name: str, lines: int = 24) -> str:
    """A module of which no two are alike."""
    words = [f"w{key64('look', name, n) % 10**9}" for n in range(lines)]
    return "".join(f"def {word}(left, right):\n    return left + right * {len(word)}  # {word}\n" for word in words)


def _documents() -> list[Document]:
    made = [
        Document(f"p{n % 12}/m{n:03}.py", code(f"m{n}"), f"p{n % 12}/m{n:03}.py", f"p{n % 12}", "python", "MIT")
        for n in range(60)
    ]
    near = code("near", 60)
    made += [
        Document("q/long.py", "x = '" + "a b " * 600 + "'\n" + code("l"), "q/long.py", "q", "python", "MIT"),
        Document("q/hex.py", "y = 0x10\n" + code("hex"), "q/hex.py", "q", "python", ""),
        Document("q/short.py", "import q\n", "q/short.py", "q", "python", "GPL-3.0-only"),
        Document("q/twin.py", code("first"), "q/twin.py", "q", "python", "MIT"),
        Document("q/twin.py", code("second"), "q/twin.py", "q", "python", "MIT"),
        Document("q/copy.py", code("m1"), "q/copy.py", "q", "python", "GPL-3.0-only"),
        Document("q/near_a.py", near, "q/near_a.py", "q", "python", "MIT"),
        Document("q/near_b.py", near + "# the end\n", "q/near_b.py", "q", "python", "GPL-3.0-only"),
        Document("q/item.py", f"{code('item')}\n\n{ITEM}\n", "q/item.py", "q", "python", "MIT"),
        Document(
            HOSTILE, f"# \x1b[31m\u202e\n{code('h')}", HOSTILE, "q", "python", "\x1b[5mMIT", "o/\x9bn", {"a": "\x07"}
        ),
        Document("q/a.c", "int a(void);\n" * 60, "q/a.c", "q", "c", "MIT"),
    ]
    return made


CHOSEN = Selection("code", "web_code", 10**9, rules=RULES, licences="any")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`read`, `source`, `corpus`, `tokenizer` and `shards` of the source `code`."""
    folder = tmp_path_factory.mktemp("looked")
    for name in ("read/documents", "source", "corpus", "state", "tokenizer", "shards"):
        (folder / name).mkdir(parents=True)
    made = _documents()
    plan = SourcePlan("code", "web_code", "path", 10**9, rules=RULES)
    for number in range(3):
        place = folder / f"part{number}"
        place.mkdir()
        with Writer(place, plan) as writer:
            for document in made[number * 25 : number * 25 + 25]:
                writer.add(document)
        (place / "00000.parquet").rename(folder / "read/documents" / f"{number:05d}.parquet")
    told = {"source": "code", "kind": "web_code", "origin": "path", "files": 75, "note": "source files"}
    counts = {"skipped": {"not UTF-8": 2}, "dropped": {"little prose": 3}, "redacted": {"EMAIL": 1}}
    write_json(folder / "read/report.json", told | counts)
    select_documents(folder / "read", folder / "source", CHOSEN)
    (folder / "items.jsonl").write_text(json.dumps({"id": "close", "text": ITEM}) + "\n", encoding="utf-8")
    assembly = Assembly(
        heldout=0.1,
        near=preset("starcoder1"),
        near_sources=frozenset({"code"}),
        decontaminate={"close_items": folder / "items.jsonl"},
        cut=2000,
    )
    assemble({"code": folder / "read"}, {"code": folder / "source"}, folder / "corpus", folder / "state", assembly)
    train_tokenizer(folder / "corpus", folder / "tokenizer", vocab=400)
    write_shards(folder / "corpus", "code", folder / "tokenizer", folder / "shards")
    return folder


@pytest.fixture(scope="session")
def steps(folder: Path) -> Steps:
    names = ("read", "source", "corpus", "tokenizer", "shards")
    return Steps("code", CHOSEN, **{name: folder / name for name in names})


@pytest.fixture(scope="session")
def judged(steps: Steps) -> Judged:
    return Judged.of(steps)
