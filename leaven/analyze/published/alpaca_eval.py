"""AlpacaEval's leaderboards (tatsu-lab/alpaca_eval, data CC BY-NC 4.0), from its judgements and from their own counts.

A row says how often one annotator preferred a model to the baseline. With p = preference − 1 (0 is a draw, as 1.5 is;
null is dropped) the win rate is 100·mean p and its standard error 100·sd p/√n: leaven's own tie-half rate, so it is
computed by `leaven.analyze.half`. A preference above 1.5 is a win, below it a loss; the discrete rate counts those and
half of the draws; the mean length is cut to a whole number.

* Where a model's annotations are at hand, every figure of its row is computed from them.
* Every row is audited by its own counts: they add up, the discrete rate follows from them, and, of an annotator that
  gives no weights, so do the win rate and the standard error. Where a length-controlled rate is printed, no two
  models share it together with win rate and standard error; counts and rate alone can be equal by chance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

from leaven.analyze.half import half, points_of
from leaven.analyze.published.alpaca_files import (
    Board,
    Row,
    annotation_files,
    boards,
    outputs,
    read_annotations,
    read_length,
)
from leaven.analyze.published.check import Check, compare, unchecked

STALE = "it is the standard error of {} on {} prompts, most likely an earlier count, not of the counts beside it"
FALCON = (
    "the annotations of falcon-7b-instruct hold the answers of falcon-40b-instruct, so both models have one row; only "
    "the length is its own"
)
DEFECTS = {
    ("humpback-llama2-70b", "standard_error", "1.154547675"): STALE.format("700 won, 96 lost, 1 tied", 797),
    ("humpback-llama-65b", "standard_error", "1.307103474"): STALE.format("668 won, 130 lost, 1 tied", 799),
    ("baize-v2-7b", "standard_error", "1.694598186"): STALE.format("514 won, 290 lost", 804),
    ("aligner-2b_gpt-4-turbo-2024-04-09", "discrete_win_rate", "40.18633540372671"): (
        "323.5 of 805 prompts; 371 wins and 17 draws are 379.5"
    ),
    ("falcon-7b-instruct", "win_rate", "45.71428571428572"): FALCON,
}
"""(model, column, printed digits) -> what is wrong with the published figure, found by these checks."""
LENGTH_CONTROLLED = (
    "{} rows: the model behind it needs a difficulty of each instruction, a file that is on a hub and in no repository"
)
NO_OUTPUTS = "the model's outputs are not in the folder"
ANNOTATED = "rates from the annotations"
COUNTED = "counts from the annotations"


def checks(folder: Path) -> list[Check]:
    """All checks that the files of a folder allow; none where it holds no leaderboard.

    Raises BadInput for a file or a row that cannot be read.
    """
    found = boards(folder)
    checked = [check for board in found for check in _audit(board)]
    annotated: dict[str, set[str]] = defaultdict(set)
    for model, annotator, path in annotation_files(folder) if found else ():
        name = str(path.relative_to(folder))
        of = [board for board in found if board.annotator == annotator]
        if not any(model in board.rows for board in of):
            names = ", ".join(board.file for board in of)
            why = f"it has no row in {names}" if of else "no leaderboard of this annotator is there"
            checked.append(unchecked(ANNOTATED, f"{model} by {annotator}", name, why))
        for board in of:
            if model in board.rows:
                annotated[board.file].add(model)
                checked += _recomputed(folder, model, board, path, name)
    return checked + [check for board in found for check in _left(board, len(annotated[board.file]))]


def _recomputed(folder: Path, model: str, board: Board, path: Path, name: str) -> list[Check]:
    """Every figure of a row from the annotations behind it."""
    row = board.rows[model]
    read = read_annotations(path, name)
    rate = half(read.points)
    won, lost = int((read.points > 0.5).sum()), int((read.points < 0.5).sum())
    tied = rate.n - won - lost
    ours = {
        "win_rate": rate.rate,
        "standard_error": rate.se,
        "discrete_win_rate": half(points_of(won, lost, tied)).rate,
        "n_wins": won,
        "n_wins_base": lost,
        "n_draws": tied,
        "n_total": rate.n,
    }
    note = f"{read.without:,} prompts have no preference" if read.without else ""
    made = [
        _compare(COUNTED if column.startswith("n_") else ANNOTATED, model, column, row, board, value, name, note)
        for column, value in ours.items()
        if row.printed[column]
    ]
    file = outputs(folder, model)
    if row.printed["avg_length"]:
        what = "mean lengths of outputs"
        if file is None:
            return [
                *made,
                unchecked(what, f"{model} by {board.annotator}: avg_length", _source(board, row), NO_OUTPUTS),
            ]
        source = str(file.relative_to(folder))
        length = read_length(file, source)
        apart = read.judged is not None and abs(read.judged - length) > 0.5
        note = f"{length:.2f} before it is cut" + (f"; the texts judged have {read.judged:.2f}" if apart else "")
        made.append(_compare(what, model, "avg_length", row, board, math.floor(length), source, note))
    return made


def _audit(board: Board) -> list[Check]:
    """What must hold within a leaderboard, row by row."""
    weighted = _weighted(board)
    made = []
    for model, row in board.rows.items():
        won, lost, tied = (row.count(column) for column in ("n_wins", "n_wins_base", "n_draws"))
        made.append(_compare(f"counts add up, {board.annotator}", model, "n_total", row, board, won + lost + tied))
        if won + lost + tied == 0:
            continue
        rate = half(points_of(won, lost, tied))
        if row.printed["discrete_win_rate"]:
            group = f"discrete rates from counts, {board.annotator}"
            made.append(_compare(group, model, "discrete_win_rate", row, board, rate.rate))
        if not weighted:
            group = f"win rates from counts, {board.annotator}"
            made.append(_compare(group, model, "win_rate", row, board, rate.rate))
            if rate.n > 1:
                group = f"standard errors from counts, {board.annotator}"
                made.append(_compare(group, model, "standard_error", row, board, rate.se))
    return made + _twins(board)


def _twins(board: Board) -> list[Check]:
    """Rows whose rate, error and length-controlled rate agree to the last digit: one model's figures printed twice."""
    by_figures: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for model, row in board.rows.items():
        if row.printed["length_controlled_winrate"]:
            columns = ("win_rate", "standard_error", "length_controlled_winrate")
            by_figures[tuple(row.printed[column] for column in columns)].append(model)
    group = f"rows of their own, {board.annotator}"
    made = []
    for models in by_figures.values():
        first = board.rows[models[0]]
        printed = first.printed["win_rate"]
        defect = next((DEFECTS[key] for model in models if (key := (model, "win_rate", printed)) in DEFECTS), "")
        own = len(models) == 1
        what = f"{' and '.join(sorted(models))}: a row for each"
        note = "" if own else "equal win rate, standard error and length-controlled rate, to the last digit"
        source = _source(board, first)
        rows = float(len(models))
        made.append(Check(group, what, source, rows, 1.0, 0.0, own, note, "" if own else defect))
    return made


def _left(board: Board, annotated: int) -> list[Check]:
    """What no file of the folder can say of a leaderboard."""
    made = []
    for column in ("length_controlled_winrate", "lc_standard_error"):
        printed = sum(1 for row in board.rows.values() if row.printed[column])
        if printed:
            made.append(unchecked("length-controlled rates", column, board.file, LENGTH_CONTROLLED.format(printed)))
    rest = len(board.rows) - annotated
    if rest:
        lacking = "win_rate, standard_error, n_wins … and avg_length" if _weighted(board) else "n_wins … and avg_length"
        why = f"{rest} rows: their annotations and outputs are not in the folder"
        made.append(unchecked("rows without annotations", lacking, board.file, why))
    return made


def _weighted(board: Board) -> bool:
    """Whether preferences have weights, so that counts do not give the win rate."""
    return board.annotator.startswith("weighted_")


def _source(board: Board, row: Row) -> str:
    return f"{board.file}:{row.line}"


def _compare(
    group: str, model: str, column: str, row: Row, board: Board, ours: float, file: str = "", note: str = ""
) -> Check:
    printed = row.printed[column]
    source = f"{_source(board, row)}{f', {file}' if file else ''}"
    exact = 0.0 if column.startswith("n_") or column == "avg_length" else None
    defect = DEFECTS.get((model, column, printed), "")
    return compare(
        group,
        f"{model} by {board.annotator}: {column}",
        source,
        printed,
        ours,
        tolerance=exact,
        note=note,
        defect=defect,
    )
