"""`leaven corpus …`: built once, looked at in every way; mistakes end in a sentence; text of documents stays text."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path

import pytest

from leaven import cli
from leaven.corpora import load_corpus

CORPUS = """\
corpus: tiny
note: A few files.
sources:
  text: {kind: text, path: TEXT}
  web_code: {kind: web_code, path: CODE, rules: [floor, paper]}
  more: {kind: adjacent, optional: true}
heldout: 0.1
cut: 4000
tokenizer: {vocabulary: 400, sample: 100KB}
"""
EVIL = "evil\x1b]0;owned\x07\u202e.py"


@pytest.fixture(scope="session")
def shelf(material, tmp_path_factory) -> Path:
    """A folder with `tiny.yaml`, and `other.yaml` of half its code."""
    folder = tmp_path_factory.mktemp("shelf")
    shutil.copytree(material / "code", folder / "code")
    (folder / "code" / EVIL).write_text("# \x1b[31m\u202e red\n" + "def evil(a):\n    return a + 1\n" * 20)
    (folder / "code" / "hexadecimal.py").write_text("x = 0x10\n" * 40)
    shutil.copytree(folder / "code", folder / "half", ignore=lambda _, names: [n for n in names if n.endswith("0.py")])
    for name, code in (("tiny", "code"), ("other", "half")):
        text = CORPUS.replace("TEXT", str(material / "text")).replace("CODE", str(folder / code))
        (folder / f"{name}.yaml").write_text(text.replace("corpus: tiny", f"corpus: {name}"), encoding="utf-8")
    return folder


@pytest.fixture
def leaven(monkeypatch, capsys, shelf):
    """`leaven corpus …` in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(shelf)
    monkeypatch.setenv("COLUMNS", "120")

    before = signal.getsignal(signal.SIGTERM)

    def call(*words, runs="runs"):
        monkeypatch.setattr(sys, "argv", ["leaven", "corpus", *words, "--runs", str(shelf / runs)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        said, complained = capsys.readouterr()
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & {*said, *complained}
        return code, said, complained

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def built(leaven, shelf):
    """What `build --json` says of `tiny.yaml`; `other.yaml` is built, too."""
    kept = shelf / "built.json"
    if not kept.exists():
        for name in ("other.yaml", "tiny.yaml"):
            code, said, complained = leaven("build", name, "--json")
            assert code == 0, complained
        kept.write_text(said)
    return json.loads(kept.read_text())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stats", "tiny.yaml"], "leaven corpus build tiny.yaml"),
        (["inspect", "tiny.yaml", "web_code"], "2 of 2 steps"),
        (["inspect", "tiny.yaml", "web_code", "--token", "5"], "(next: corpus)"),
        (["sample", "tiny.yaml", "web_code"], "leaven corpus build tiny.yaml"),
        (["diff", "tiny.yaml", "other.yaml"], "of corpus tiny have not been built"),
        (["sample", "tiny.yaml", "text", "-n", "0"], "-n"),
        (["inspect", "tiny.yaml", "webcode"], 'did you mean "web_code"?'),
        (["inspect", "tiny.yaml", "more"], "nothing of its kind was found"),
        (["stats", "tiny.yaml", "--sweep", "starcoder1.max_line"], "--sweep"),
        (["stats", "tiny.yaml", "--sweep", "starcoder1.max_lin=3"], 'did you mean "starcoder1.max_line"?'),
        (["stats", "tiny.yaml", "--sweep", "starcoder1.max_line=3,x"], "is not a threshold with values"),
    ],
)
def test_mistakes(leaven, words, says):
    code, said, complained = leaven(*words, runs="nothing")
    assert (code, said) == (2, "")
    assert says in complained
    assert complained.startswith("leaven: ")


def test_build_ends_with_a_summary(leaven, built, shelf):
    row = built["sources"]["web_code"]
    assert row["train"]["tokens"] > 1000
    assert row["removed"]["rules"] == {"paper: contains 0x": 1}
    assert (shelf / "runs/corpora/tiny" / row["shards"] / "train.bin").is_file()
    assert any("more" in line for line in built["left_out"])
    code, said, _ = leaven("build", "tiny.yaml")
    assert code == 0
    head, *lines = said.splitlines()
    assert head.split() == ["source", "documents", "bytes", "tokens", "bytes/token", "held", "out", "left", "out"]
    assert [line.split()[0] for line in lines] == ["text", "web_code", "all", "left", "corpus"]


def test_stats(leaven, built):
    code, said, _ = leaven("stats", "tiny.yaml")
    assert code == 0
    assert "A few files." in said
    assert "paper: contains 0x 1" in said
    assert "none of the paper's java" in said
    assert "no task's items were looked for" in said
    data = json.loads(leaven("stats", "tiny.yaml", "--json")[1])
    assert data["sources"]["web_code"]["seen"] == 62
    alone = json.loads(leaven("stats", "tiny.yaml", "--source", "web_code", "--json")[1])
    assert list(alone["sources"]) == ["web_code"]
    assert alone == json.loads(leaven("stats", "tiny.yaml", "web_code", "--json")[1])


def test_sweeps(leaven, built):
    words = ("stats", "tiny.yaml", "--sweep", "paper.max_hex_prefixes=0,39,40", "--sweep", "floor.min_code=1")
    code, said, _ = leaven(*words)
    assert code == 0
    assert "web_code: floor.min_code, now 200" in said
    rows = json.loads(leaven(*words, "--json")[1])["paper.max_hex_prefixes"]["web_code"]
    assert [row["documents"] for row in rows] == [61, 61, 61, 62]


def test_inspect(leaven, built):
    code, said, _ = leaven("inspect", "tiny.yaml", "web_code")
    assert code == 0
    assert "hexadecimal.py" in said
    assert "rules/paper/1" in said
    assert "starcoder1.drop_unlisted" in said
    assert leaven("inspect", "tiny.yaml", "text")[0] == 0
    data = json.loads(leaven("inspect", "tiny.yaml", "web_code", "--json")[1])
    assert [row["reason"] for row in data["drops"]] == ["paper: contains 0x"]


def test_inspect_a_document_and_a_token(leaven, built):
    code, said, _ = leaven("inspect", "tiny.yaml", "web_code", "--document", "hexadecimal.py")
    assert code == 0
    assert "left out: paper: contains 0x" in said
    assert "max_hex_prefixes  refuses" in said
    code, _, complained = leaven("inspect", "tiny.yaml", "web_code", "--document", "evil")
    assert (code, "\\x1b]0;owned\\x07\\u202e.py" in complained) == (2, True)
    code, said, _ = leaven("inspect", "tiny.yaml", "web_code", "--document", EVIL)
    assert code == 0
    assert "# \\x1b[31m\\u202e red" in said
    data = json.loads(leaven("inspect", "tiny.yaml", "text", "--token", "700", "--json")[1])
    assert data["first"] <= 700 < data["end"]
    code, said, _ = leaven("inspect", "tiny.yaml", "text", "--token", "3", "--split", "heldout")
    assert code == 0
    assert "token 3 of heldout is number 4 of" in said
    assert leaven("inspect", "tiny.yaml", "text", "--token", "3", "--split", "held")[0] == 2


def test_samples(leaven, built):
    first = leaven("sample", "tiny.yaml", "web_code", "-n", "3", "--seed", "7")
    assert first[0] == 0
    assert "kept by its rules; " in first[1]
    assert first == leaven("sample", "tiny.yaml", "web_code", "-n", "3", "--seed", "7")
    assert leaven("sample", "tiny.yaml", "web_code", "-n", "1000")[1].count("│ # \\x1b[31m") == 1
    for options in (["--dropped"], ["--rule", "paper: contains 0x"]):
        data = json.loads(leaven("sample", "tiny.yaml", "web_code", *options, "--json")[1])
        assert [row["id"] for row in data["documents"]] == ["hexadecimal.py"]
    assert leaven("sample", "tiny.yaml", "web_code", "--language", "python")[0] == 0
    assert "Languages: python" in leaven("sample", "tiny.yaml", "web_code", "--language", "c")[2]


def test_diff(leaven, built):
    data = json.loads(leaven("diff", "tiny.yaml", "other.yaml", "--json")[1])
    assert "sources.web_code.path" in [row["field"] for row in data["fields"]]
    own = data["sources"]["web_code"]["documents"]
    assert own["only_a"]["documents"] == 6
    assert own["only_b"]["documents"] == 0
    assert data["sources"]["text"]["documents"]["only_a"]["documents"] == 0
    code, said, _ = leaven("diff", "tiny.yaml", "other.yaml")
    assert code == 0
    assert "only in a" in said
    assert "same documents" in leaven("diff", "tiny.yaml", "tiny.yaml")[1]


def test_a_corpus_that_is_partly_built(leaven, built, shelf):
    shutil.copytree(shelf / "runs", shelf / "partly", dirs_exist_ok=True)
    prepared = load_corpus(str(shelf / "tiny.yaml"), runs=shelf / "partly").prepare()
    for name, step in prepared.names.items():
        if not name.startswith(("read/", "source/")):
            shutil.rmtree(shelf / "partly/store/steps" / step)
    for words in (["stats"], ["inspect", "web_code"], ["sample", "web_code"]):
        code, said, complained = leaven(words[0], "tiny.yaml", *words[1:], runs="partly")
        assert (code, complained) == (0, "")
        assert "not assembled" in said
    assert leaven("inspect", "tiny.yaml", "web_code", "--token", "1", runs="partly")[0] == 2
    assert "corpus tiny have not" in leaven("diff", "tiny.yaml", "other.yaml", runs="partly")[2]
    assert "corpus tiny have not" in leaven("diff", "other.yaml", "tiny.yaml", runs="partly")[2]
