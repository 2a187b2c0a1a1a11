"""Data sets in the hub's own form: copies in a folder, and the hub itself on loopback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leaven.evaluate.data.places import Found, Missing, Wanted, find, survey
from leaven.ground.errors import BadInput, LeavenError

from .conftest import COMMIT, OLDER, snapshot_of
from .test_layouts import GOOD, dialogue

SCIQ = [{**GOOD["sciq"], "question": f"q{n}"} for n in range(3)]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


CARD = b"""---
license: cc-by-nc-3.0
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-*
---
# SciQ
"""
FILES = {
    "README.md": CARD,
    ".gitattributes": b"x",
    "data/test-00000-of-00002.parquet": parquet(SCIQ[:2]),
    "data/test-00001-of-00002.parquet": parquet(SCIQ[2:]),
    "data/train-00000-of-00001.parquet": parquet(SCIQ) * 1,
}


def got(wanted: Wanted, *places: object) -> Found:
    found = find(wanted, [str(place) for place in places])
    assert isinstance(found, Found), found
    return found


def laid(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def as_downloaded(tmp_path: Path) -> tuple[Path, str | None]:
    root = laid(tmp_path / "allenai" / "sciq", FILES)
    meta = root / ".cache/huggingface/download/data/test.parquet.metadata"
    meta.parent.mkdir(parents=True)
    meta.write_text(f"{COMMIT}\netag\n1.0\n")
    return tmp_path, COMMIT


def as_cached(tmp_path: Path) -> tuple[Path, str | None]:
    snapshot_of(tmp_path, FILES, dataset="allenai/sciq")
    return tmp_path, COMMIT


def as_cached_without_links(tmp_path: Path) -> tuple[Path, str | None]:
    storage = snapshot_of(tmp_path, FILES, links=False, dataset="allenai/sciq")
    (storage / "snapshots" / OLDER).mkdir()
    return tmp_path, COMMIT


def as_cloned(tmp_path: Path) -> tuple[Path, str | None]:
    root = laid(tmp_path / "allenai" / "sciq", FILES)
    laid(root / ".git", {"HEAD": b"ref: refs/heads/main\n", "refs/heads/main": f"{COMMIT}\n".encode()})
    return tmp_path, COMMIT


def as_copied(tmp_path: Path) -> tuple[Path, str | None]:
    laid(tmp_path / "allenai" / "sciq", FILES)
    return tmp_path, None


SHAPES = [as_downloaded, as_cached, as_cached_without_links, as_cloned, as_copied]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_copy_in_each_form_that_tools_leave(tmp_path: Path, wanted, shape) -> None:
    place, revision = shape(tmp_path)
    found = got(wanted["sciq"], place)
    assert list(found.rows) == SCIQ
    assert found.origin == {
        "dataset": "allenai/sciq",
        "config": None,
        "split": "test",
        "revision": revision,
        "licence": "cc-by-nc-3.0",
        "source": "the hub's allenai/sciq",
        "rows": 3,
        "layout": "rows",
        "cut": False,
        "notes": [],
    }
    assert survey(wanted["sciq"], [str(place)])


def test_rows_are_those_of_load_dataset(tmp_path: Path, wanted) -> None:
    place, _ = as_downloaded(tmp_path / "here")
    theirs = datasets.load_dataset(
        str(place / "allenai" / "sciq"), split="test", cache_dir=str(tmp_path / "cache"), keep_in_memory=True
    )
    assert list(got(wanted["sciq"], place).rows) == [dict(row) for row in theirs]


def test_a_folder_of_save_to_disk(tmp_path: Path, wanted) -> None:
    made = datasets.DatasetDict(
        {"test": datasets.Dataset.from_list(SCIQ), "train": datasets.Dataset.from_list(SCIQ[:1])}
    )
    made.save_to_disk(str(tmp_path / "allenai" / "sciq"))
    assert list(got(wanted["sciq"], tmp_path).rows) == SCIQ


def test_class_names_and_nested_columns(tmp_path: Path, wanted) -> None:
    card = (
        b"---\nconfigs:\n- config_name: cb\n  data_files:\n  - {split: validation, path: cb/val.jsonl}\ndataset_info:\n"
        b"- config_name: cb\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n"
        b"          '0': entailment\n          '1': contradiction\n          '2': neutral\n---\n"
    )
    row = {"premise": "p", "hypothesis": "h", "label": "neutral", "idx": 0}
    laid(tmp_path / "aps/super_glue", {"README.md": card, "cb/val.jsonl": json.dumps(row).encode()})
    assert got(wanted["cb"], tmp_path).rows[0]["label"] == 2
    laid(tmp_path / "allenai/ai2_arc", {"ARC-Easy/test-00000-of-00001.parquet": parquet([GOOD["arc"]])})
    assert got(wanted["arc_easy"], tmp_path).rows == (GOOD["arc"],)
    _, flat = dialogue()
    laid(tmp_path / "allenai/quac", {"data/validation-00000-of-00001.parquet": parquet([flat])})
    assert [row["id"] for row in got(wanted["quac"], tmp_path).rows] == ["d_q#0", "d_q#1", "d_q#2"]


def test_what_a_copy_may_lack(tmp_path: Path, wanted) -> None:
    def reason(name: str, **change: str) -> str:
        found = find(replace(wanted[name], **change), [str(tmp_path)])
        assert isinstance(found, Missing)
        return found.reason

    laid(tmp_path / "allenai/sciq", {"sciq.py": b"raise SystemExit", "README.md": b""})
    assert "scripts that load a data set are not run" in reason("sciq")
    laid(tmp_path / "allenai/sciq", {"README.md": CARD, "data/train-0.parquet": parquet(SCIQ)})
    assert "of allenai/sciq the files of the split test are not here" in reason("sciq")
    assert "has no split dev; it has test, train" in reason("sciq", split="dev")
    assert "has no configuration big; it has default" in reason("sciq", config="big")
    storage = snapshot_of(tmp_path, {"a/validation.jsonl": b"{}"}, links=False, dataset="baber/piqa")
    (storage / "snapshots" / OLDER).mkdir()
    (storage / "refs/main").unlink()
    assert "there are 2 snapshots of baber/piqa" in reason("piqa")


def test_a_malformed_copy_is_named(tmp_path: Path, wanted) -> None:
    laid(tmp_path / "allenai/sciq", {"test.jsonl": b'{"question": 1}\n'})
    with pytest.raises(BadInput, match=r"allenai/sciq/test\.jsonl:1: expected the fields question, correct_answer"):
        find(wanted["sciq"], [str(tmp_path)])
    laid(tmp_path / "allenai/sciq", {"test.jsonl": json.dumps({**SCIQ[0], "distractor1": ""}).encode()})
    with pytest.raises(BadInput, match=r"test\.jsonl:1: distractor1: the text is empty"):
        find(wanted["sciq"], [str(tmp_path)])


def told() -> tuple[list[tuple[float, float, str]], Any]:
    said: list[tuple[float, float, str]] = []
    return said, lambda done, total, note="": said.append((done, total, note))


def test_exactly_the_files_of_the_split_are_downloaded(hub, cache: Path, wanted) -> None:
    hub.files = FILES
    before = survey(wanted["sciq"], ["hub"])
    assert [path for path, _ in hub.served] == ["README.md"], "a survey fetches no data"
    said, progress = told()
    found = find(wanted["sciq"], ["hub"], progress)
    assert isinstance(found, Found)
    assert list(found.rows) == SCIQ
    assert found.origin["revision"] == COMMIT
    assert found.origin["dataset"] == "allenai/sciq"
    assert found.origin["licence"] == "cc-by-nc-3.0"
    assert [path for path, _ in hub.served] == ["README.md", *(path for path in FILES if "/test-" in path)]
    size = sum(len(data) for path, data in FILES.items() if "/test-" in path)
    assert said[0] == (0, size, f"downloading allenai/sciq: 2 files, {size / 1e3:.0f} kB")
    assert said[-1][:2] == (size, size)
    count = len(hub.served)
    assert find(wanted["sciq"], ["hub"]) == found
    assert len(hub.served) == count, "what is in the cache is not fetched again"
    assert survey(wanted["sciq"], ["hub"]) == before
    assert got(wanted["sciq"], cache) == found, "the cache's folder is a place as well"


def test_offline_the_cache_is_read_and_nothing_asked(hub, cache: Path, wanted, monkeypatch) -> None:
    hub.files = FILES
    online = got(wanted["sciq"], "hub")
    asked = len(hub.asked)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert got(wanted["sciq"], "hub") == online
    train = find(replace(wanted["sciq"], split="train"), ["hub"])
    assert isinstance(train, Missing)
    missing = find(wanted["piqa"], ["hub"])
    assert isinstance(missing, Missing)
    assert "cannot be told offline" in missing.reason
    assert "hf download baber/piqa" in missing.fix
    assert "the environment says offline (HF_HUB_OFFLINE=1)" in missing.reason
    assert "Unset HF_HUB_OFFLINE " in missing.fix
    assert "Give hub" not in missing.fix
    assert len(hub.asked) == asked


def test_a_step_that_is_offline_by_default_asks_the_hub_when_it_is_a_place(hub, wanted, monkeypatch) -> None:
    hub.files = FILES
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("LEAVEN_OFFLINE_UNASKED", "1")
    assert len(got(wanted["sciq"], "hub").rows) == 3


def test_the_hub_is_never_asked_unless_it_is_a_place(hub, tmp_path: Path, wanted) -> None:
    hub.files = FILES
    missing = find(wanted["sciq"], [str(tmp_path)])
    assert isinstance(missing, Missing)
    assert "the hub was not to be asked" in missing.reason
    assert survey(wanted["sciq"], [str(tmp_path)]) is None
    assert not hub.asked


def test_a_folder_before_the_hub_keeps_it_from_being_asked(hub, tmp_path: Path, wanted) -> None:
    place, _ = as_copied(tmp_path)
    assert got(wanted["sciq"], place, "hub").rows
    assert not hub.asked


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(403, "GatedRepo", "asks its readers to accept conditions"), (404, "RepoNotFound", "is not on the hub")],
)
def test_what_the_hub_refuses_is_missing(hub, wanted, status: int, code: str, said: str) -> None:
    hub.refuse["allenai/sciq"] = (status, code)
    missing = find(wanted["sciq"], ["hub"])
    assert isinstance(missing, Missing)
    assert said in missing.reason
    assert "log" in missing.fix
    assert "Give hub" not in missing.fix


def test_a_data_set_of_the_hub_that_has_only_a_script(hub, wanted) -> None:
    hub.files = {"quac.py": b"raise SystemExit", "README.md": b"# QuAC"}
    missing = find(wanted["quac"], ["hub"])
    assert isinstance(missing, Missing)
    assert "scripts that load a data set are not run" in missing.reason
    assert "val_v0.2.json" in missing.fix
    hub.files = {"README.md": CARD}
    assert survey(wanted["sciq"], ["hub"]) is None


def test_a_hub_that_fails_is_not_a_missing_benchmark(hub, wanted, monkeypatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.refuse["allenai/sciq"] = (500, "")
    with pytest.raises(LeavenError, match="the hub answered 500"):
        find(wanted["sciq"], ["hub"])


def test_without_the_library_it_is_said_how_to_install_it(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["huggingface_hub"] = None
from leaven.evaluate.data.places import Wanted, find
from leaven.ground.errors import BadInput
try:
    find(Wanted("sciq", "allenai/sciq", None, "test"), ["hub"])
except BadInput as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"HF_HOME": str(tmp_path)}
    )
    assert "pip install 'leaven[hub]'" in done.stdout


def test_a_task_without_a_data_set_of_the_hub(wanted) -> None:
    missing = find(Wanted("mine", None, None, "test"), ["hub"])
    assert isinstance(missing, Missing)
    assert "names no data set of the hub" in missing.reason
