"""Files of prompts, training documents that the corpus room made of records, and the hub of the data room's tests."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from leaven.corpus.document import Document, write_documents
from leaven.corpus.plan import SourcePlan
from leaven.corpus.sources import read_source
from leaven.evaluate.item import read_lines
from leaven.evaluate.prompts.build import build_prompts
from leaven.evaluate.prompts.plan import PromptPlan
from leaven.ground.files import read_json


def _data_tests() -> Any:
    path = Path(__file__).parents[1] / "data" / "conftest.py"
    spec = importlib.util.spec_from_file_location("evaluate_data_conftest", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


served = _data_tests()
hub, cache, snapshot_of, COMMIT = served.hub, served.cache, served.snapshot_of, served.COMMIT


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "benchdata"
    if not (folder / "judge_prompts").is_dir():
        pytest.skip("no shared prompts: benchdata is not beside the checkout and LEAVEN_SHARED does not name it")
    return folder


def parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), out)
    return out.getvalue()


def lines(rows: Sequence[Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def content(name: str, rows: Sequence[Any]) -> bytes:
    """Rows as a file of this name holds them."""
    name = name.lower()
    if name.endswith(".parquet"):
        return parquet(rows)
    plain = json.dumps(list(rows)).encode() if ".json" in name and ".jsonl" not in name else lines(rows)
    if name.endswith(".gz"):
        return gzip.compress(plain, mtime=0)
    return zstandard.compress(plain) if name.endswith(".zst") else plain


Put = Callable[[str, Sequence[Any]], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes rows to a file below the test's folder, in the form of its name."""

    def written(name: str, rows: Sequence[Any]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(name, rows))
        return path

    return written


def built(plan: PromptPlan, places: Sequence[object], out: Path, **more: Any) -> tuple[list[Any], dict[str, Any]]:
    """The rows and the summary of a prompts step."""
    out.mkdir(parents=True)
    build_prompts(plan, [str(place) for place in places], out, **more)
    return read_lines(out / "prompts.jsonl"), read_json(out / "prompts.json")


def instruct_source(corpus: Path, name: str, rows: Sequence[dict[str, Any]], shape: str = "dolly") -> Path:
    """A source of a corpus with the documents that the corpus room makes of records of instructions."""
    work = corpus.parent / f"{name}-work"
    (work / "out").mkdir(parents=True)
    (work / "state").mkdir()
    (work / "rows.jsonl").write_bytes(lines(rows))
    plan = SourcePlan(name, "instruct", "path", 1 << 24, path=work / "rows.jsonl", shape=shape)
    read_source(plan, work / "out", work / "state")
    (corpus / "train").mkdir(parents=True, exist_ok=True)
    (work / "out" / "documents").rename(corpus / "train" / name)
    return corpus


def text_source(corpus: Path, name: str, texts: Sequence[str]) -> Path:
    (corpus / "train").mkdir(parents=True, exist_ok=True)
    documents = [Document(f"{name}-{n}", text, f"{n}.txt", f"{n}") for n, text in enumerate(texts)]
    write_documents(corpus / "train" / f"{name}.parquet", documents)
    return corpus
