"""Votes of a judge, read from the folders of finished judge steps: one array a column, seeds × prompts.

Folders written before a column existed are read too; what needs that column is then unknown (None).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json

Floats = NDArray[np.float64]

SIGN = {"win": 1.0, "lose": -1.0, "tie": 0.0, "error": np.nan}
CONTROLS = ("n", "right", "wrong", "ties", "errors")
SIDE = {"a": 1.0, "b": -1.0, "tie": 0.0, "error": np.nan}


@dataclass(frozen=True)
class Votes:
    """All votes on one variant (a) against another arm (b), S seeds by P prompts.

    Attributes:
        outcomes: [S × P] of +1 win, −1 loss, 0 tie, NaN error.
        degenerate, flips: votes with a degenerate completion; votes whose two orders chose different sides.
        prompts: ids in the order of the columns.
        first, second: [S × P] whom the judge preferred where a stood first, and where b did: +1 a, −1 b, 0 tie, NaN.
        gap: [S × P] characters of a minus characters of b.
        rules: [S × P] name of the rule that decided without asking the judge, "" where it was asked.
        overlap: for each prompt the training sources it was found in, "" where in none; None where none was searched.
        controls: pairs with a known better side, summed over seeds: n, right, wrong, ties, errors.
        scripted: a script answered in the place of a judge.
        reasons: why votes are errors, and how many.
    """

    variant: str
    baseline: str
    outcomes: Floats
    degenerate: int
    flips: int
    judge: str
    judge_what: str
    prompts: tuple[str, ...] = ()
    first: Floats | None = None
    second: Floats | None = None
    gap: Floats | None = None
    rules: NDArray[np.str_] | None = None
    overlap: tuple[str, ...] | None = None
    controls: Mapping[str, int] | None = None
    scripted: bool = False
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> NDArray[np.bool_]:
        """[S × P] whether the judge was asked; true everywhere where the votes do not say."""
        if self.rules is None:
            return np.ones(self.outcomes.shape, dtype=bool)
        asked: NDArray[np.bool_] = self.rules == ""
        return asked


def read_votes(judgements: Sequence[Mapping[str, Any]]) -> list[Votes]:
    """Votes per pair of arms in the order of first appearance; seeds sorted, prompts joined.

    Args: `judgements`: `{variant, baseline, seed, folder}`.

    Raises LeavenError for a missing file, an unknown outcome, and a prompt that one seed has and another lacks.
    """
    by_pair: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for judgement in judgements:
        by_pair.setdefault((str(judgement["variant"]), str(judgement["baseline"])), []).append(judgement)
    return [_read_pair(*pair, group) for pair, group in by_pair.items()]


def _read_pair(variant: str, baseline: str, group: Sequence[Mapping[str, Any]]) -> Votes:
    tables: list[pd.DataFrame] = []
    said: list[Mapping[str, Any]] = []
    for judgement in sorted(group, key=lambda j: int(j["seed"])):
        where = f"judgement of {variant} seed {judgement['seed']}"
        folder = Path(judgement["folder"])
        if not (folder / "votes.parquet").is_file() or not (folder / "judge.json").is_file():
            raise LeavenError(f"{where}: votes.parquet or judge.json is missing")
        table = _read_table(folder / "votes.parquet", where)
        if tables and list(tables[0].index) != list(table.index):
            odd = sorted(set(tables[0].index) ^ set(table.index))
            raise LeavenError(
                f'{where}: prompt "{odd[0] if odd else table.index[0]}" is not judged alike in every seed'
            )
        tables.append(table)
        said.append(read_json(folder / "judge.json"))
    return Votes(
        variant,
        baseline,
        np.stack([table["outcome"].to_numpy(dtype=np.float64) for table in tables]),
        sum(int((table["degenerate_a"].astype(bool) | table["degenerate_b"].astype(bool)).sum()) for table in tables),
        sum(int(each.get("flips") or 0) for each in said),
        str(said[-1]["judge"]),
        str(said[-1]["what"]),
        prompts=tuple(str(name) for name in tables[0].index),
        first=_stacked(tables, "first_order"),
        second=_stacked(tables, "second_order"),
        gap=_stacked(tables, "gap"),
        rules=_rules(tables),
        overlap=_overlap(tables),
        controls=_controls(said),
        scripted=any(bool(each.get("scripted")) for each in said),
        reasons=_summed(each.get("reasons") or {} for each in said),
    )


def _read_table(path: Path, where: str) -> pd.DataFrame:
    """The votes of one seed sorted by prompt id, answers as numbers, `gap` beside them."""
    wanted = {"id", "prompt", "outcome", "first_order", "second_order", "degenerate_a", "degenerate_b"}
    wanted |= {"length_a", "length_b", "by_rule", "rule", "overlap"}
    names = set(pq.read_schema(path).names)
    table = pq.read_table(path, columns=sorted(wanted & names)).to_pandas()
    table.index = pd.Index(table["id" if "id" in table else "prompt"].to_numpy(dtype=str))
    table = table.sort_index(kind="stable")
    for column, meaning in (("outcome", SIGN), ("first_order", SIDE), ("second_order", SIDE)):
        if column not in table:
            continue
        unknown = sorted(set(table[column].astype(str)) - set(meaning))
        if unknown:
            raise LeavenError(f'{where}: unknown {column.replace("_", " ")} "{unknown[0]}"')
        table[column] = table[column].map(meaning)
    if {"length_a", "length_b"} <= names:
        table["gap"] = table["length_a"].astype(float) - table["length_b"].astype(float)
    return table


def _stacked(tables: Sequence[pd.DataFrame], column: str) -> Floats | None:
    if any(column not in table for table in tables):
        return None
    return np.stack([table[column].to_numpy(dtype=np.float64) for table in tables])


def _rules(tables: Sequence[pd.DataFrame]) -> NDArray[np.str_] | None:
    """Before rules had names there was one: degenerate completions were not put before a judge."""
    rows = []
    for table in tables:
        if "rule" in table:
            rows.append(table["rule"].fillna("").to_numpy(dtype=str))
        elif "by_rule" in table:
            rows.append(np.where(table["by_rule"].to_numpy(dtype=bool), "degenerate", ""))
        else:
            return None
    return np.stack(rows)


def _overlap(tables: Sequence[pd.DataFrame]) -> tuple[str, ...] | None:
    """Seeds meet the same prompts; a corpus built anew for a seed may hold others, so their sources are joined. A cell
    is null where nothing was searched."""
    if any("overlap" not in table for table in tables) or all(table["overlap"].isna().all() for table in tables):
        return None
    columns = [table["overlap"].fillna("").astype(str) for table in tables]
    return tuple(
        ", ".join(dict.fromkeys(name for cell in cells for name in cell.split(", ") if name))
        for cells in zip(*columns, strict=True)
    )


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))


def _controls(said: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    total: Counter[str] = Counter()
    for each in said:
        total.update({key: int(value) for key, value in (each.get("controls") or {}).items() if key in CONTROLS})
    return {key: total[key] for key in CONTROLS} if total["n"] else None
