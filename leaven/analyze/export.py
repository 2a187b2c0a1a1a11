"""Tables as CSV and Parquet with the same rows, and numbers rounded so that equal inputs give equal bytes.

Sums of floats may differ in their last digits with the number of threads of a linear algebra library; eight significant
digits are far more than any interval deserves and do not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaven.ground.files import write_text
from leaven.ground.tables import write_table

DIGITS = 8

TEXT, FLOAT, COUNT, FLAG, VALUES = pa.string(), pa.float64(), pa.int64(), pa.bool_(), pa.list_(pa.float64())
TEXTS = pa.list_(pa.string())

SCORES = pa.schema(
    [
        ("size", TEXT),
        ("variant", TEXT),
        ("point", TEXT),
        ("measure", TEXT),
        ("task", TEXT),
        ("counted", FLAG),
        ("mean", FLOAT),
        ("low", FLOAT),
        ("high", FLOAT),
        ("seeds", VALUES),
        ("items", COUNT),
    ]
)
GAINS = pa.schema(
    [
        ("size", TEXT),
        ("variant", TEXT),
        ("baseline", TEXT),
        ("point", TEXT),
        ("measure", TEXT),
        ("role", TEXT),
        ("primary", FLAG),
        ("verdict", TEXT),
        ("effect", FLOAT),
        ("low", FLOAT),
        ("high", FLOAT),
        ("unit", TEXT),
        ("margin", FLOAT),
        ("better", TEXT),
        ("p", FLOAT),
        ("p_holm", FLOAT),
        ("p_equivalence", FLOAT),
        ("p_equivalence_holm", FLOAT),
        ("seeds", COUNT),
        ("items", COUNT),
        ("ratio", TEXT),
        ("would_resolve", TEXT),
        ("would_change", TEXT),
        ("clean_effect", FLOAT),
        ("clean_low", FLOAT),
        ("clean_high", FLOAT),
        ("clean_unit", TEXT),
        ("clean_verdict", TEXT),
    ]
)
WINRATES = pa.schema(
    [
        ("size", TEXT),
        ("variant", TEXT),
        ("baseline", TEXT),
        ("wins", COUNT),
        ("losses", COUNT),
        ("ties", COUNT),
        ("errors", COUNT),
        ("reasons", TEXT),
        ("prompts", COUNT),
        ("seeds", COUNT),
        ("net", FLOAT),
        ("low", FLOAT),
        ("high", FLOAT),
        ("unit", TEXT),
        ("half", FLOAT),
        ("half_low", FLOAT),
        ("half_high", FLOAT),
        ("p", FLOAT),
        ("p_holm", FLOAT),
        ("p_seeds", FLOAT),
        ("flips", COUNT),
        ("degenerate", COUNT),
        ("flip_rate", FLOAT),
        ("first_rate", FLOAT),
        ("first_low", FLOAT),
        ("first_high", FLOAT),
        ("kappa", FLOAT),
        ("kappa_low", FLOAT),
        ("kappa_high", FLOAT),
        ("error_rate", FLOAT),
        ("longer_rate", FLOAT),
        ("longer_low", FLOAT),
        ("longer_high", FLOAT),
        ("length_sd", FLOAT),
        ("length_slope", FLOAT),
        ("length_low", FLOAT),
        ("length_high", FLOAT),
        ("zero_gap", FLOAT),
        ("zero_gap_low", FLOAT),
        ("zero_gap_high", FLOAT),
        ("length_why", TEXT),
        ("needed", COUNT),
        ("resolvable", FLOAT),
        ("overlapping", COUNT),
        ("clean_net", FLOAT),
        ("clean_low", FLOAT),
        ("clean_high", FLOAT),
        ("ruled_degenerate", COUNT),
        ("ruled_identical", COUNT),
        ("controls", COUNT),
        ("controls_right", COUNT),
        ("scripted", FLAG),
        ("judge", TEXT),
        ("judge_what", TEXT),
        ("warnings", TEXTS),
    ]
)
NOISE = pa.schema(
    [
        ("size", TEXT),
        ("measure", TEXT),
        ("variant", TEXT),
        ("mean", FLOAT),
        ("seed_sd", FLOAT),
        ("item_se", FLOAT),
        ("paired_seed_sd", FLOAT),
        ("paired_item_sd", FLOAT),
        ("unit", TEXT),
        ("seeds", COUNT),
        ("items", COUNT),
        ("clusters", COUNT),
    ]
)


def rounded(data: Any) -> Any:
    """The same data with every float at DIGITS significant digits."""
    if isinstance(data, float):
        return float(f"{data:.{DIGITS}g}") + 0.0  # + 0.0 turns −0.0 into 0.0
    if isinstance(data, Mapping):
        return {key: rounded(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [rounded(value) for value in data]
    return data


def gain_row(row: Mapping[str, Any], point: str) -> dict[str, Any]:
    """A row of `comparisons` with one value a cell, for `gains`: without the items that occur in training documents the
    columns `clean_…`."""
    clean = row.get("clean") or {}
    return {
        **row,
        "point": point,
        **{f"clean_{name}": clean.get(name) for name in ("effect", "low", "high", "unit", "verdict")},
    }


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    """Columns of the schema in its order; nothing for a missing value, a list as its values with spaces between."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(schema.names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in schema.names])
    write_text(path, text.getvalue())


def write_both(out: Path, name: str, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    """`name`.csv and `name`.parquet in `out`."""
    write_csv(out / f"{name}.csv", rows, schema)
    write_table(out / f"{name}.parquet", {key: [row.get(key) for row in rows] for key in schema.names}, schema)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    return "" if value is None else value
