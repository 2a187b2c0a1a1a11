"""Arms of a tournament: words on the command line, and files of completions that were written elsewhere."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from leaven.arms import Arm, arms_of, read_written
from leaven.ground.errors import BadInput

SHARED = Path(os.environ.get("LEAVEN_SHARED", "../shared")) / "benchdata"


def write(path: Path, rows, *, lines: bool = True) -> Path:
    text = "\n".join(json.dumps(row) for row in rows) + "\n" if lines else json.dumps(rows)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_words_name_models_and_files(tmp_path):
    file = write(tmp_path / "old.jsonl.gz", [{"prompt": "p", "completion": "c"}])
    assert arms_of(["new=runs/m", f"then={file}", "pocket:text-only/seed-1/cooldown"]) == [
        Arm("new", model="runs/m"),
        Arm("then", file=file),
        Arm("pocket text-only seed-1 cooldown", model="pocket:text-only/seed-1/cooldown"),
    ]
    two = arms_of([f"pocket:{variant}/seed-1/cooldown" for variant in ("text-only", "code→text")])
    assert [arm.name for arm in two] == ["text-only", "code→text"]
    assert arms_of([str(file), "owner/name"])[0] == Arm("old", file=file)


def test_completions_of_leaven_are_called_after_their_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    file = write(tmp_path / "mine" / "completions.jsonl", [{"id": "1", "prompt": "p", "completion": "c"}])
    assert arms_of([str(file), "m"])[0].name == "mine"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["one"], "two arms at least"),
        (["a=m", "a=n"], 'two arms are called "a"'),
        (["x/m", "y/m"], 'two arms are called "m"'),
        (["a=not-there.jsonl", "b=m"], "no such file of completions"),
        (["a\tb=m", "b=n"], "cannot name an arm"),
    ],
)
def test_words_that_make_no_arms(words, says):
    with pytest.raises(BadInput, match=says):
        arms_of(words)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"id": "7", "prompt": "p", "completion": "c", "degenerate": False}, ("7", "p", "c")),
        ({"id": 7, "instruction": "i", "prompt": "framed i", "completion": "c"}, ("7", "i", "c")),
        ({"question_id": 81, "model_id": "m", "choices": [{"index": 0, "turns": ["one", "two"]}]}, ("81", "", "one")),
        ({"question": "q", "response": ""}, (None, "q", "")),
        ({"prompt": "p", "text": "t"}, (None, "p", "t")),
        ({"prompt": "p", "output": "half \ud800"}, (None, "p", "half ?")),
    ],
)
def test_forms_of_rows(tmp_path, row, found):
    (written,) = read_written(write(tmp_path / "x.jsonl", [row]))
    assert (written.prompt, written.text) == found[1:]
    assert found[0] is None or written.id == found[0]


def test_a_list_is_read_as_lines_are(tmp_path):
    rows = [{"instruction": f"i{n}", "output": f"o{n}", "generator": "m"} for n in range(3)]
    assert read_written(write(tmp_path / "x.json", rows, lines=False)) == read_written(
        write(tmp_path / "x.jsonl", rows)
    )


def test_lines_end_at_newlines_only(tmp_path):
    text = json.dumps({"prompt": "p", "completion": "a\u2028b\x85c"}, ensure_ascii=False)
    (tmp_path / "x.jsonl").write_text(text + "\n", encoding="utf-8")
    assert read_written(tmp_path / "x.jsonl")[0].text == "a\u2028b\x85c"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"prompt": "p"}\n', r"x.jsonl:1: a row has no text"),
        (b'{"completion": "c"}\n', r"x.jsonl:1: a row names no prompt"),
        (2 * b'{"prompt": "p", "completion": "c"}\n', "x.jsonl:2: a prompt is completed twice"),
        (b'{"prompt": "p", "completion": "c"}\n{"prompt": ', "x.jsonl:2: not JSON"),
        (b"[1]", "x.jsonl:1: a row is not a mapping"),
        (b"", "holds no completion"),
        (b"\xff\xfe", "not a JSON list and not JSON lines"),
        (b"[" * 100_000, "not a JSON list and not JSON lines"),
    ],
)  # fmt: skip
def test_damaged_files_are_told(tmp_path, content, says):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=says):
        read_written(path)


@pytest.mark.parametrize("damage", [lambda data: data[:-12], lambda data: data[:12] + b"\xff" * 8 + data[20:]])
def test_a_damaged_archive_is_told(tmp_path, damage):
    path = write(tmp_path / "x.jsonl.gz", [{"prompt": "p", "completion": "c"}])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match="cannot read the file"):
        read_written(path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared benchmark files are not here (LEAVEN_SHARED)")
def test_outputs_of_alpaca_eval_are_an_arm():
    written = read_written(SHARED / "alpaca_eval" / "alpaca-7b.model_outputs.json.gz")
    assert len(written) == 805
    assert written[0].prompt.startswith("What are the names of some famous actors")
