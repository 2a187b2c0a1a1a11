"""The numbers of the report as files: every table as CSV and as Parquet, with fixed columns and types.

A missing part gives a table with its columns and no rows, so a program that reads them never has to ask. Text from
models goes to Parquet and JSON lines only: a spreadsheet would run a completion that begins with `=` as a formula.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaven.ground.files import write_json, write_text
from leaven.ground.tables import write_table
from leaven.report.contents import Contents, Row
from leaven.report.corpus import dropped
from leaven.report.curves import PREFIX
from leaven.report.scripted import any_scripted, is_scripted

TEXT, FLOAT, WHOLE, TRUTH, FLOATS = pa.string(), pa.float64(), pa.int64(), pa.bool_(), pa.list_(pa.float64())
KINDS = {"": TEXT, "float": FLOAT, "whole": WHOLE, "truth": TRUTH, "floats": FLOATS}
Schema = Mapping[str, pa.DataType]


def _schema(columns: str) -> Schema:
    """Columns as `name` (text) or `name:kind`, in order."""
    return {name: KINDS[kind] for name, _, kind in (word.partition(":") for word in columns.split())}


SCHEMAS: dict[str, Schema] = {
    "gains": _schema(
        "variant baseline measure primary:truth verdict effect:float low:float high:float unit margin:float better"
        " p:float p_holm:float p_equivalence:float p_equivalence_holm:float seeds:whole items:whole would_resolve"
        " size role ratio would_change"
    ),
    "scores": _schema(
        "variant point measure task counted:truth mean:float low:float high:float seeds:floats items:whole size"
    ),
    "winrates": _schema(
        "variant baseline wins:whole losses:whole ties:whole errors:whole prompts:whole seeds:whole"
        " net:float low:float high:float unit p:float p_holm:float p_seeds:float flips:whole degenerate:whole judge"
        " judge_what error_rate:float"
        " scripted:truth half:float half_low:float half_high:float flip_rate:float first_rate:float first_low:float"
        " first_high:float kappa:float kappa_low:float kappa_high:float longer_rate:float longer_low:float"
        " longer_high:float length_sd:float length_slope:float length_low:float length_high:float zero_gap:float"
        " zero_gap_low:float zero_gap_high:float length_why needed:whole resolvable:float overlapping:whole"
        " clean_net:float clean_low:float clean_high:float ruled_degenerate:whole ruled_identical:whole controls:whole"
        " controls_right:whole reasons warnings size"
    ),
    "strengths": _schema(
        "arm reference strength:float low:float high:float rate:float rate_low:float rate_high:float p:float"
        " p_holm:float identified:truth"
        " why scripted:truth size"
    ),
    "noise": _schema(
        "measure variant mean:float seed_sd:float item_se:float paired_seed_sd:float paired_item_sd:float unit"
        " seeds:whole items:whole clusters:whole size"
    ),
    "power": _schema("measure smallest_effect:float smallest_effect_quietest:float unit note size role"),
    "excluded": _schema("task measure reason chance:float variant value:float size"),
    "gates": _schema("gate size variant seed:whole task said effect"),
    "sizes": _schema("size parameters:whole baseline variants seeds"),
    "stages": _schema(
        "stage kind seed:whole variants parent mixture tokens:whole learning_rate_first:float"
        " learning_rate_last:float seconds:float identity size"
    ),
    "ledger": _schema("stage seed:whole source planned:whole tokens:whole rows:whole epochs_begun:whole"),
    "curves": _schema("stage seed:whole variants column tokens:whole value:float"),
    "corpus": _schema(
        "source documents:whole bytes:whole tokens:whole bytes_per_token:float heldout_documents:whole"
        " heldout_bytes:whole dropped languages licences note"
    ),
    "steps": _schema("name kind identity seconds:float cpu:float"),
}
SAMPLES = _schema(
    "prompt baseline variant baseline_text variant_text outcome score_a:float score_b:float id given category"
    " seed:whole first_order second_order rule reason overlap replies scripted:truth"
)
VOTES = _schema(
    "variant baseline seed:whole prompt outcome first_order second_order rule reason score_a:float score_b:float"
    " length_a:whole length_b:whole degenerate_a:truth degenerate_b:truth overlap category scripted:truth"
)
VERDICT = "verdict.json"
"""Everything that was found, for programs, and for `leaven compare`."""
STUDY = "study.json"
DECLARED = ("name", "question", "corpus", "variants", "mixtures", "baseline", "seeds", "model", "settings")
"""What the study's file said, as the page has it."""
JUDGED = ("winrates", "strengths")
"""The tables that a tournament has."""


def write(contents: Contents, folder: Path) -> None:
    """Write all tables of a study into `folder`, an existing empty folder."""
    _write(_rows(contents), folder)
    _write_samples(contents, folder)
    write_json(folder / VERDICT, _finite(contents.verdict))
    write_json(folder / STUDY, _finite({key: contents.study.get(key) for key in DECLARED if key in contents.study}))


def write_votes(contents: Contents, folder: Path, votes: Sequence[Row] = ()) -> None:
    """Write the tables of a tournament into `folder`; the votes themselves, where given, as votes.parquet."""
    rows = _rows(contents)
    _write({name: rows[name] for name in JUDGED}, folder)
    _write_samples(contents, folder)
    if votes:
        marked = [{**row, "scripted": row.get("scripted", any_scripted(contents))} for row in votes]
        write_table(folder / "votes.parquet", _columns(marked, VOTES), pa.schema(list(VOTES.items())))


def _write(tables: Mapping[str, Sequence[Row]], folder: Path) -> None:
    for name, rows in tables.items():
        columns = _columns(rows, SCHEMAS[name])
        write_table(folder / f"{name}.parquet", columns, pa.schema(list(SCHEMAS[name].items())))
        write_text(folder / f"{name}.csv", _csv(columns))


def _write_samples(contents: Contents, folder: Path) -> None:
    rows = [
        {
            **row,
            "replies": json.dumps(row["replies"], ensure_ascii=False) if row.get("replies") else None,
            "scripted": any_scripted(contents),
        }
        for row in contents.samples
    ]
    columns = _columns(rows, SAMPLES)
    write_table(folder / "samples.parquet", columns, pa.schema(list(SAMPLES.items())))
    lines = (json.dumps({name: columns[name][i] for name in columns}, ensure_ascii=False) for i in range(len(rows)))
    write_text(folder / "samples.jsonl", "".join(f"{line}\n" for line in lines))


def _rows(contents: Contents) -> dict[str, list[Row]]:
    verdict = contents.verdict
    return {
        "gains": list(contents.comparisons),
        "scores": list(contents.scores),
        "winrates": [_winrate(row) for row in contents.winrates],
        "strengths": [{**row, "scripted": any_scripted(contents)} for row in contents.strengths],
        "noise": list(verdict.get("noise") or []),
        "power": list(verdict.get("power") or []),
        "excluded": [
            {**row, "variant": variant, "value": value}
            for row in contents.excluded
            for variant, value in ((row.get("values") or {}).items() or [(None, None)])
        ],
        "gates": list(contents.gates),
        "sizes": [
            {**row, "variants": _list(row.get("variants")), "seeds": _list(row.get("seeds"))} for row in contents.sizes
        ],
        "stages": [_stage(stage) for stage in contents.stages],
        "ledger": [row for stage in contents.stages for row in _ledger(stage)],
        "curves": [row for stage in contents.stages for row in _curve(stage)],
        "corpus": [_source(name, row) for name, row in contents.corpus.items()],
        "steps": list(contents.steps),
    }


def _winrate(row: Row) -> Row:
    """A row with one value a cell; how many controls there were and how many of them were judged rightly."""
    rules, controls = row.get("rules") or {}, row.get("controls") or {}
    return {
        **row,
        "scripted": is_scripted(row),
        "ruled_degenerate": rules.get("degenerate"),
        "ruled_identical": rules.get("identical"),
        "controls": controls.get("n"),
        "controls_right": controls.get("right"),
        "reasons": _sorted(row["reasons"]) if row.get("reasons") else None,
        "warnings": " ".join(map(str, row.get("warnings") or ())) or None,
    }


def _sorted(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _stage(stage: Row) -> Row:
    rate = stage.get("learning_rate") or {}
    return {
        **stage,
        "stage": stage.get("name"),
        "variants": _list(stage.get("variants")),
        "mixture": _sorted(stage.get("mixture") or {}),
        "learning_rate_first": rate.get("first"),
        "learning_rate_last": rate.get("last"),
    }


def _list(values: Iterable[Any] | None) -> str:
    return "; ".join(str(value) for value in values or ())


def _ledger(stage: Row) -> list[Row]:
    drawn, planned = stage.get("ledger") or {}, stage.get("planned") or {}
    base = {"stage": stage.get("name"), "seed": stage.get("seed")}
    return [
        {**base, **drawn.get(source, {}), "source": source, "planned": planned.get(source)}
        for source in dict.fromkeys([*planned, *drawn])
    ]


def _curve(stage: Row) -> list[Row]:
    curve = stage.get("curve") or {}
    base = {"stage": stage.get("name"), "seed": stage.get("seed"), "variants": _list(stage.get("variants"))}
    names = [name for name in curve if name.startswith(PREFIX) or name == "train_loss"]
    return [
        {**base, "column": name, "tokens": tokens, "value": value}
        for name in names
        for tokens, value in zip(curve.get("tokens") or [], curve[name], strict=False)
    ]


def _source(name: str, row: Row) -> Row:
    return {
        **row,
        "source": name,
        "dropped": _sorted(dropped(row)),
        "languages": _counts(row.get("languages") or (), "language"),
        "licences": _counts(row.get("licences") or (), "licence"),
    }


def _counts(rows: Iterable[Row], name: str) -> str:
    counts = {str(row[name]): row["documents"] for row in rows}
    return _sorted(counts)


def _columns(rows: Iterable[Row], schema: Schema) -> dict[str, list[Any]]:
    found = list(rows)
    return {name: [_cast(row.get(name), kind) for row in found] for name, kind in schema.items()}


def _finite(value: Any) -> Any:
    """The same with null for what is no number: JSON has no word for it."""
    if isinstance(value, Mapping):
        return {str(key): _finite(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cast(value: Any, kind: pa.DataType) -> Any:
    """`value` in the column's type, or null where it does not fit: an export never fails over one odd cell."""
    if value is None:
        return None
    if kind == TEXT:
        return str(value).encode("utf-8", "replace").decode()
    if kind == FLOATS:
        return [float(part) for part in value if isinstance(part, int | float)]
    if kind == TRUTH:
        return bool(value)
    if not isinstance(value, int | float):
        return None
    return float(value) if kind == FLOAT else int(value) if value == value and abs(value) < 2**63 else None


def _csv(columns: Mapping[str, list[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(
            [" ".join(repr(part) for part in cell) if isinstance(cell, list) else _cell(cell) for cell in row]
        )
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    """A cell; text that a spreadsheet would run as a formula gets an apostrophe (the Parquet file has it as it is)."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else {True: "true", False: "false"}[value] if isinstance(value, bool) else value
