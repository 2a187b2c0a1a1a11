"""Files of AlpacaEval (tatsu-lab/alpaca_eval): leaderboards, annotations, outputs, in two layouts, gzipped or not.

* flat: `leaderboard_v1_alpaca_eval_gpt4.csv`, `<model>.<annotator>.annotations.json`, `<model>.model_outputs.json`
* the repository's own: `src/alpaca_eval/leaderboards/data_AlpacaEval*/<annotator>_leaderboard.csv`,
  `results/<model>/<annotator>/annotations.json`, `results/<model>/model_outputs.json`

They come from anywhere, so every cell that is used is looked at, and what is wrong is named with its file and row.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.ground.errors import BadInput

LARGEST = 1 << 29
"""Bytes of a file, unpacked. The largest of the repository has 40 million."""
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,30})?([eE]-?\d{1,2})?")
MOST_PROMPTS = 10**6
COUNTS = ("n_wins", "n_wins_base", "n_draws", "n_total")
FIGURES = ("win_rate", "standard_error", *COUNTS)
"""Columns that a leaderboard must have."""
FURTHER = ("discrete_win_rate", "avg_length", "length_controlled_winrate", "lc_standard_error")
"""Columns that it may have, and whose cells may be empty."""
SHORT = {"weighted_gpt4_turbo": "weighted_alpaca_eval_gpt4_turbo"}
"""Annotators that a leaderboard's file calls by less than their name."""


@dataclass(frozen=True)
class Row:
    """A model's row: the printed digits of each figure ("" where there are none), and the line it ends on."""

    line: int
    printed: Mapping[str, str]

    def count(self, column: str) -> int:
        return int(float(self.printed[column]))


@dataclass(frozen=True)
class Board:
    """A leaderboard of one annotator: model -> row."""

    file: str
    annotator: str
    rows: Mapping[str, Row]


@dataclass(frozen=True)
class Annotations:
    """One judge's preferences for one model: `points` [P] in 0…1 of the prompts that have one, `without` those that
    have none, `judged` the mean length in characters of the texts that were judged (None: they are not in the file)."""

    file: str
    points: Floats
    without: int
    judged: float | None


def boards(folder: Path) -> list[Board]:
    """All leaderboards of a folder, by name. Raises BadInput for one that is not as it should be."""
    flat = [path for pattern in ("leaderboard_*.csv", "*_leaderboard.csv") for path in _glob(folder, pattern)]
    own = _glob(folder, "src/alpaca_eval/leaderboards/data_AlpacaEval*/*_leaderboard.csv")
    return [_board(path, str(path.relative_to(folder))) for path in [*flat, *own]]


def annotation_files(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Model, annotator and file of all annotations, by name."""
    for path in _glob(folder, "*.annotations.json"):
        model, _, annotator = path.name.partition(".annotations.json")[0].rpartition(".")
        if model and annotator:
            yield model, annotator, path
    for path in _glob(folder, "results/*/*/annotations.json"):
        yield path.parts[-3], path.parts[-2], path


def outputs(folder: Path, model: str) -> Path | None:
    """The file of a model's outputs, if it is there."""
    for stem in (f"{model}.model_outputs.json", f"results/{model}/model_outputs.json"):
        for path in (folder / stem, folder / f"{stem}.gz"):
            if path.is_file():
                return path
    return None


def read_annotations(path: Path, name: str) -> Annotations:
    """Preferences as points: 1 the baseline's answer, 2 the model's, 1.5 or 0 a draw, between them a weight; null none.

    Raises BadInput for anything else, with the row.
    """
    points: list[float] = []
    lengths: list[int] = []
    without = 0
    for number, row in _objects(path, name):
        if "preference" not in row:
            _wrong(name, number, "preference", "is missing")
        preference, text = row["preference"], row.get("output_2")
        if isinstance(text, str):
            lengths.append(len(text))
        if preference is None:
            without += 1
            continue
        if isinstance(preference, bool) or not isinstance(preference, int | float):
            _wrong(name, number, "preference", "is no number")
        if preference != 0 and not 1 <= preference <= 2:
            _wrong(name, number, "preference", "is neither 0 nor within 1 and 2")
        points.append(0.5 if preference == 0 else float(preference) - 1)
    if not points:
        raise BadInput("no row has a preference", where=name)
    judged = float(np.mean(lengths)) if len(lengths) == len(points) + without else None
    return Annotations(name, np.array(points), without, judged)


def read_length(path: Path, name: str) -> float:
    """The mean length of a model's outputs, in characters. Raises BadInput for a row without one."""
    lengths = []
    for number, row in _objects(path, name):
        if not isinstance(row.get("output"), str):
            _wrong(name, number, "output", "is no text")
        lengths.append(len(row["output"]))
    if not lengths:
        raise BadInput("there are no outputs", where=name)
    return float(np.mean(lengths))


def _glob(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for each in (pattern, f"{pattern}.gz") for path in folder.glob(each) if path.is_file())


def _board(path: Path, name: str) -> Board:
    core = path.name.partition(".csv")[0].removesuffix("_leaderboard").removeprefix("leaderboard_")
    core = re.sub(r"^v\d+_", "", core)
    lines = csv.reader(io.StringIO(_text(path, name), newline=""))
    rows: dict[str, Row] = {}
    try:
        head = next(lines, [])
        missing = [column for column in FIGURES if head.count(column) != 1]
        if missing or head[:1] not in ([""], ["name"]):
            raise BadInput("no leaderboard: a first column of names and one win_rate, n_wins, … each", where=name)
        for cells in lines:
            where = f"{name}:{lines.line_num}"
            if len(cells) != len(head):
                raise BadInput(f"{len(cells)} cells under {len(head)} columns", where=where)
            found = dict(zip(head, cells, strict=True))
            if cells[0] in rows:
                raise BadInput("the model has a row already", where=where)
            rows[cells[0]] = _row(found, where, lines.line_num)
    except csv.Error as error:
        raise BadInput(f"no CSV: {error}", where=f"{name}:{lines.line_num}") from None
    return Board(name, SHORT.get(core, core), rows)


def _row(cells: Mapping[str, str], where: str, line: int) -> Row:
    printed = {column: cells.get(column, "").strip() for column in (*FIGURES, *FURTHER)}
    for column, text in printed.items():
        if not text and column in FURTHER:
            continue
        if not NUMBER.fullmatch(text):
            raise BadInput("is no number", where=where, field=column)
        if column in COUNTS and not (float(text).is_integer() and 0 <= float(text) <= MOST_PROMPTS):
            raise BadInput("is no number of prompts", where=where, field=column)
    if float(printed["n_total"]) < 1:
        raise BadInput("no prompt at all", where=where, field="n_total")
    return Row(line, printed)


def _objects(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a JSON list, counted from 1."""
    try:
        rows = json.loads(_text(path, name), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"no JSON: {error}", where=name) from None
    if not isinstance(rows, list):
        raise BadInput("no JSON list", where=name)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise BadInput("is no JSON object", where=f"{name}, row {number}")
        yield number, row


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _wrong(name: str, number: int, field: str, what: str) -> NoReturn:
    raise BadInput(what, where=f"{name}, row {number}", field=field)


def _text(path: Path, name: str) -> str:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"cannot be read to its end: {error}", where=name) from None
    if len(data) > LARGEST:
        raise BadInput(f"more than {LARGEST:,} bytes", where=name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"is no UTF-8: {error.reason} at byte {error.start:,}", where=name) from None
