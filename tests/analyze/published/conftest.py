"""A small AlpacaEval of made-up models, in the two layouts its files come in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAD = (
    "win_rate,standard_error,n_wins,n_wins_base,n_draws,n_total,discrete_win_rate,mode,avg_length,"
    "length_controlled_winrate"
)
ROWS = {
    # 2 won, 1 lost, 1 tied: 62.5 ± 23.94; weighted .9, .6, .2, .5: 55 ± 14.43
    "plain": "tiny-1.5,62.5,23.935677693908453,2,1,1,4,62.5,dev,7,51.25",
    "weighted_plain": "tiny-1.5,55.0,14.433756729740644,2,1,1,4,62.5,dev,7,49.5",
}
OTHER = "other,50.0,50.0,1,1,0,2,,dev,9,\n"
PREFERENCES: dict[str, list[Any]] = {"plain": [2, 1, 0, 2, None], "weighted_plain": [1.9, 1.6, 1.2, 1.5, None]}
TEXTS = ["a", "bb", "cc ccc ccc", "ddd dddd ddddd", "eleven char"]
"""Mean length 7.6."""


def annotations(annotator: str) -> list[dict[str, Any]]:
    pairs = zip(TEXTS, PREFERENCES[annotator], strict=True)
    return [{"instruction": "say", "output_2": text, "preference": preference} for text, preference in pairs]


def board(annotator: str) -> str:
    return f",{HEAD}\n{ROWS[annotator]}\n{OTHER if annotator == 'plain' else ''}"


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Gzipped files side by side."""
    folder = tmp_path / "flat"
    folder.mkdir()
    for annotator in ROWS:
        (folder / f"leaderboard_v1_{annotator}.csv").write_text(board(annotator))
        data = gzip.compress(json.dumps(annotations(annotator)).encode())
        (folder / f"tiny-1.5.{annotator}.annotations.json.gz").write_bytes(data)
    made = json.dumps([{"output": text} for text in TEXTS]).encode()
    (folder / "tiny-1.5.model_outputs.json.gz").write_bytes(gzip.compress(made))
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The layout of the repository itself."""
    folder = tmp_path / "repository"
    results = folder / "results" / "tiny-1.5"
    results.mkdir(parents=True)
    for place, annotator in (("data_AlpacaEval", "plain"), ("data_AlpacaEval_2", "weighted_plain")):
        boards = folder / "src/alpaca_eval/leaderboards" / place
        boards.mkdir(parents=True)
        (boards / f"{annotator}_leaderboard.csv").write_text(board(annotator))
        (results / annotator).mkdir()
        (results / annotator / "annotations.json").write_text(json.dumps(annotations(annotator)))
    (results / "model_outputs.json").write_text(json.dumps([{"output": text} for text in TEXTS]))
    return folder


Edit = Callable[[str, Any], Path]


@pytest.fixture
def edited(flat: Path) -> Edit:
    """Writes text, bytes, or rows as JSON, in the place of a file (its .gz goes), and returns the folder."""

    def edit(name: str, content: Any) -> Path:
        (flat / f"{name}.gz").unlink(missing_ok=True)
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        (flat / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return flat

    return edit
