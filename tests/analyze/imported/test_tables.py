"""Long and wide tables to verdicts: what is guessed, what is refused, what noise is taken."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leaven.ground.errors import BadInput
from tests.analyze.imported.tables import judge, long_rows, verdicts, write

BPB = {"val_bpb": {"margin": 0.5}}


def wide(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        run = found.setdefault((row["variant"], row["seed"]), {"variant": row["variant"], "seed": row["seed"]})
        run[row["metric"]] = row["value"]
        if "stderr" in row:
            run[f"{row['metric']}_stderr"] = row["stderr"]
    return list(found.values())


def test_a_long_table_gives_the_truth(tmp_path: Path) -> None:
    made = judge(write(tmp_path / "r.csv", long_rows()), baseline="no-code", metrics={**BPB, "acc": {"margin": 2}})
    assert verdicts(made) == {
        ("code-25", "val_bpb"): "better",
        ("code-25", "acc"): "equivalent",
        ("code-90", "val_bpb"): "worse",
        ("code-90", "acc"): "worse",
    }
    row = made.data["comparisons"][0]
    assert row["unit"] == "%"
    assert row["effect"] == pytest.approx(-5, abs=0.5)
    assert row["items"] is None
    assert any("column stderr" not in said and "by their names" in said for said in made.told)


@pytest.mark.parametrize("se", [False, True])
def test_wide_is_long(tmp_path: Path, se: bool) -> None:
    rows = long_rows(se=se)
    long = judge(write(tmp_path / "long.csv", rows), baseline="no-code")
    other = judge(write(tmp_path / "wide.csv", wide(rows)), baseline="no-code")
    assert long.data["comparisons"] == other.data["comparisons"]
    assert long.data["noise"] == other.data["noise"]


def test_several_files_are_one_table_and_the_order_of_rows_is_no_matter(tmp_path: Path) -> None:
    rows = long_rows(se=True)
    whole = judge(write(tmp_path / "whole.csv", rows), baseline="no-code").data
    parts = [write(tmp_path / f"{i}.csv", part) for i, part in enumerate((rows[20:][::-1], rows[:20]))]
    assert judge(*parts, baseline="no-code").data["comparisons"] == whole["comparisons"]


def test_standard_errors_add_and_do_not_shrink_with_seeds(tmp_path: Path) -> None:
    """Two arms without noise between seeds: the interval is that of the two scores' own errors, unpaired."""
    rows = [
        {"variant": variant, "seed": seed, "acc": level, "acc_stderr": 0.02, "n": 500}
        for variant, level in (("baseline", 0.501), ("new", 0.601))
        for seed in range(20)
    ]
    made = judge(write(tmp_path / "r.csv", rows), draws=20_000)
    row = made.data["comparisons"][0]
    half = 1.96 * 100 * 0.02 * math.sqrt(2)
    assert row["effect"] == pytest.approx(10)
    assert row["items"] == 500
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half, rel=0.03)
    assert "baseline is the baseline, by its name" in made.told


def test_shares_with_a_count_of_items_have_the_binomials_error(tmp_path: Path) -> None:
    rows = [{"variant": v, "seed": s, "acc": 0.5, "n": 101} for v in ("a", "b") for s in (1, 2)]
    made = judge(write(tmp_path / "r.csv", rows), baseline="a", columns={"n": "n"}, draws=20_000)
    assert [row["item_se"] for row in made.data["noise"]] == pytest.approx([0.05, 0.05], rel=0.03)


def test_what_noise_is_not_known_is_told(tmp_path: Path) -> None:
    made = judge(write(tmp_path / "r.csv", long_rows()), baseline="no-code", metrics=BPB)
    assert "val_bpb: no error of items is given, so intervals hold the spread of seeds only" in made.data["left_out"]
    made = judge(write(tmp_path / "s.csv", long_rows(se=True)), baseline="no-code", metrics=BPB)
    assert made.data["left_out"] == []


def test_noise_of_items_that_nobody_counted_is_not_none(tmp_path: Path) -> None:
    for count in (None, 400):
        rows = [{**row, "n": count} if count else row for row in long_rows(se=True)]
        made = judge(write(tmp_path / f"{count}.csv", rows), baseline="no-code", columns={"n": "n"} if count else {})
        paired = [row for row in made.data["noise"] if row["variant"] != "no-code"]
        assert all((row["paired_item_sd"] or 0) > 0 for row in paired) == bool(count)
        assert all((row["paired_item_sd"] is None) == (count is None) for row in paired)


def test_one_seed_is_unresolved_and_never_certain(tmp_path: Path) -> None:
    rows = long_rows(1, se=True)
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code", metrics=BPB)
    assert set(verdicts(made).values()) == {"unresolved"}
    assert all(row["p"] == 1 and row["low"] < row["effect"] < row["high"] for row in made.data["comparisons"])
    made = judge(write(tmp_path / "s.csv", long_rows(1)), metrics=BPB)
    assert made.data["comparisons"] == []
    assert all(row["low"] is None for row in made.data["scores"])
    assert any("trained once" in said for said in made.told)
    assert any(said.startswith("every variant ran once") for said in made.data["left_out"])
    told = judge(write(tmp_path / "s.csv", long_rows(1)), baseline="no-code", metrics=BPB).data
    assert [row["gate"] for row in told["gates"]] == ["few seeds"]
    assert told["gates_run"] == [{"size": "", "gates": ["few seeds"]}]


def test_a_single_run_beside_arms_with_seeds_is_told_apart(tmp_path: Path) -> None:
    rows = [row for row in long_rows() if row["variant"] != "code-90" or row["seed"] == 1]
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code", metrics=BPB)
    assert verdicts(made) == {("code-25", "val_bpb"): "better"}
    assert "val_bpb: code-90 ran once" in " ".join(made.data["left_out"])


def test_equal_repeats_are_no_evidence(tmp_path: Path) -> None:
    """Copies of a run under other seeds have no spread; that is not certainty."""
    rows = [{"variant": v, "seed": s, "loss": x} for v, x in (("base", 2.0), ("new", 1.9)) for s in range(5)]
    made = judge(write(tmp_path / "r.csv", rows))
    assert made.data["comparisons"] == []
    assert all(row["low"] is None for row in made.data["scores"])
    (said,) = made.data["left_out"]
    assert "more than once with the very same value" in said
    assert made.data["gates"] == []


@pytest.mark.parametrize(
    ("base", "new", "se"),
    [
        ((0.401, 0.412, 0.408), (0.403, 0.414, 0.410), None),  # the same difference in every seed
        ((40, 42), (41, 43), None),
        ((40, 42), (41, 43), 0.01),  # an error of items far below the last digit
        ((0.1, 0.2, 0.3), (0.1 + 1 / 3, 0.2 + 1 / 3, 0.3 + 1 / 3), None),  # equal but for the arithmetic
    ],
)
def test_a_spread_that_rounding_hides_is_no_certainty(
    tmp_path: Path, base: tuple[float, ...], new: tuple[float, ...], se: float | None
) -> None:
    rows = [
        {"variant": name, "seed": seed, "acc": value, "loss": 2 + seed / 7 + gain} | ({"acc_stderr": se} if se else {})
        for name, values, gain in (("base", base, 0.0), ("new", new, -0.1), ("third", (0.3, 0.1, 0.2), 0.01))
        for seed, value in enumerate(values[: len(base)])
    ]
    made = judge(write(tmp_path / "r.csv", rows), baseline="base", metrics={"acc": None, "loss": None})
    assert ("new", "acc") not in verdicts(made)
    assert {("new", "loss"), ("third", "acc")} <= set(verdicts(made))
    said = next(note for note in made.data["left_out"] if "rounding" in note)
    assert said.startswith("acc: the differences of new from base vary less between seeds than rounding to")
    (score,) = [row for row in made.data["scores"] if (row["variant"], row["measure"]) == ("new", "acc")]
    assert score["low"] < score["mean"] < score["high"]
    (noise,) = [row for row in made.data["noise"] if (row["variant"], row["measure"]) == ("new", "acc")]
    assert noise["seed_sd"] > 0
    assert noise["paired_seed_sd"] is None


def test_a_spread_that_rounding_shows_is_one(tmp_path: Path) -> None:
    rows = [
        {"variant": name, "seed": seed, "acc": value}
        for name, values in (("base", (0.401, 0.412, 0.408)), ("new", (0.503, 0.514, 0.511)))
        for seed, value in enumerate(values)
    ]
    assert verdicts(judge(write(tmp_path / "r.csv", rows), baseline="base")) == {("new", "acc"): "better"}


def test_seeds_without_common_labels_are_paired_in_order(tmp_path: Path) -> None:
    rows = [{**row, "seed": row["seed"] + 10 * (row["variant"] == "code-25")} for row in long_rows()]
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code", metrics=BPB)
    assert made.data["comparisons"][0]["seeds"] == 5
    assert any("paired in the order" in note for note in made.data["left_out"])


def test_seed_one_is_seed_one_however_it_is_written(tmp_path: Path) -> None:
    rows = long_rows()
    mixed = [{**row, "seed": f"{row['seed']}.0" if row["variant"] == "no-code" else row["seed"]} for row in rows]
    paths = [write(tmp_path / name, each) for name, each in (("r.csv", rows), ("s.csv", mixed))]
    made, same = (judge(path, baseline="no-code").data for path in paths)
    assert made["comparisons"] == same["comparisons"]
    assert made["left_out"] == same["left_out"]


def test_shares_and_per_cent_in_one_column_are_asked_about(tmp_path: Path) -> None:
    rows = [{**row, "acc": row["acc"] * (100 if row["seed"] == 2 else 1)} for row in wide(long_rows())]
    path = write(tmp_path / "r.csv", rows)
    with pytest.raises(BadInput, match="shares and per cent may be mixed"):
        judge(path, baseline="no-code")
    assert judge(path, baseline="no-code", metrics={"acc": {"scale": "percent"}}).data["comparisons"]


def test_an_arm_with_other_labels_changes_no_other_pair(tmp_path: Path) -> None:
    """The noise of a seed is large and shared: paired by label code-25 is better, in the order of labels it is not."""
    noise = {1: 0.0, 2: 0.1, 3: 0.2, 4: 0.3}
    rows = [{"variant": "no-code", "seed": seed, "val_bpb": 1 + noise[seed]} for seed in noise]
    rows += [{"variant": "code-25", "seed": s, "val_bpb": 0.99 + noise[s] + 0.0003 * (s % 2)} for s in (2, 3, 4)]
    alone = judge(write(tmp_path / "alone.csv", rows), baseline="no-code").data["comparisons"]
    assert alone[0]["verdict"] == "better"
    rows += [{"variant": name, "seed": s + 10, "val_bpb": 0.98 + noise[s]} for name in ("x", "y") for s in (1, 2)]
    rows += [{"variant": "z", "seed": s, "val_bpb": 0.99 + 0.02 * s} for s in (4, 5)]
    made = judge(write(tmp_path / "more.csv", rows), baseline="no-code").data
    found = {row["variant"]: row for row in made["comparisons"]}
    assert {key: found["code-25"][key] for key in ("effect", "p", "seeds")} == {
        key: alone[0][key] for key in ("effect", "p", "seeds")
    }
    assert {name: row["seeds"] for name, row in found.items()} == {"code-25": 3, "x": 2, "y": 2, "z": 2}
    notes = [said for said in made["left_out"] if said.startswith("seeds of")]
    assert notes[0].startswith("seeds of x and y have no labels in common with no-code, so their runs")
    assert notes[1].startswith("seeds of z have one label in common with no-code (4), so their other runs")


@pytest.mark.parametrize(
    ("change", "mapping", "said"),
    [
        ({}, {}, "which variant is the baseline is not known .variants: code-25, code-90, no-code"),
        ({}, {"baseline": "no_code"}, 'no variant "no_code"; did you mean "no-code"'),
        ({"variant": ""}, {"baseline": "no-code"}, "no row names a variant"),
        ({"seed": ""}, {"baseline": "no-code"}, r"two different values for the same run and metric"),
        ({"value": "n/a"}, {"baseline": "no-code"}, "no row holds a number"),
        ({"value": "high"}, {"baseline": "no-code"}, r"r\.csv:2: value: 'high' is no number"),
        ({"variant": "=1+1"}, {}, "formula"),
        ({}, {"columns": {"seed": "sed"}}, r'r\.csv: columns\.seed: there is no column "sed"; did you mean "seed"'),
        ({}, {"metrics": {"bpb": None}, "baseline": "no-code"}, 'no metric "bpb"'),
        ({}, {"where": {"seed": ["77"]}}, "no row has the values"),
        ({}, {"metrics": {"val_bpb": {"scale": "share"}}, "baseline": "no-code"}, "no share"),
        ({}, {"sizes": {"1B": 0}}, "sizes: no column names a size"),
        ({}, {"variants": ["no-code", "x"]}, 'there is no variant "x"'),
    ],
)
def test_what_cannot_be_known_is_asked_for(
    tmp_path: Path, change: dict[str, Any], mapping: dict[str, Any], said: str
) -> None:
    rows = [{**row, **change} for row in long_rows()]
    with pytest.raises(BadInput, match=said):
        judge(write(tmp_path / "r.csv", rows), **mapping)


def test_a_direction_is_never_assumed(tmp_path: Path) -> None:
    rows = [{**row, "metric": {"val_bpb": "quality"}.get(row["metric"], row["metric"])} for row in long_rows()]
    path = write(tmp_path / "r.csv", rows)
    made = judge(path, baseline="no-code")
    assert {row["measure"] for row in made.data["comparisons"]} == {"acc"}
    assert "quality not compared: which way is better is not known" in made.told
    with pytest.raises(BadInput, match="whether more or less of quality is better is not known"):
        judge(path, baseline="no-code", metrics={"quality": None})
    lower = judge(path, baseline="no-code", metrics={"quality": {"better": "lower"}})
    higher = judge(path, baseline="no-code", metrics={"quality": {"better": "higher"}})
    assert verdicts(lower)["code-25", "quality"] == "better"
    assert verdicts(higher)["code-25", "quality"] == "worse"


def test_runs_without_a_value_are_named(tmp_path: Path) -> None:
    rows = long_rows()
    rows[2]["value"], rows[4]["value"] = "inf", ""
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code", metrics=BPB)
    note = next(said for said in made.data["left_out"] if "no finite value" in said)
    assert "2 rows" in note
    assert "code-25 seed 1 and code-90 seed 1" in note
    assert "r.csv:4" in note
    assert made.data["comparisons"][0]["seeds"] == 4


def test_runs_without_a_value_are_named_in_wide_tables_too(tmp_path: Path) -> None:
    rows = wide(long_rows())
    rows[1]["val_bpb"] = ""
    rows[2]["val_bpb"], rows[2]["acc"] = "NaN", ""
    assert (rows[1]["variant"], rows[2]["variant"]) == ("code-25", "code-90")
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code")
    notes = "\n".join(made.data["left_out"])
    assert "no cell of these runs holds a finite value, so they are left out: code-90 seed 1 (r.csv:4)" in notes
    assert "val_bpb: code-25 seed 1 has no value, and others have" in notes


def test_one_bad_cell_is_named_and_takes_no_metric_away(tmp_path: Path) -> None:
    rows = wide(long_rows())
    rows[7]["val_bpb"] = "diverged"
    with pytest.raises(BadInput, match=r"r\.csv:9: val_bpb: 'diverged' is no number"):
        judge(write(tmp_path / "r.csv", rows), baseline="no-code")
    made = judge(
        write(tmp_path / "s.csv", [{**row, "entropy_class": "low"} for row in wide(long_rows())]), baseline="no-code"
    )
    assert "not used: entropy_class" in made.told


def test_commas_and_signs_of_per_cent(tmp_path: Path) -> None:
    plain = [{**row, "val_bpb": 1000 * row["val_bpb"], "acc": 100 * row["acc"]} for row in wide(long_rows())]
    signs = [{**row, "val_bpb": f"{row['val_bpb']:,.3f}", "acc": f"{row['acc']:.4f} %"} for row in plain]
    rounded = [{**row, "val_bpb": f"{row['val_bpb']:.3f}", "acc": f"{row['acc']:.4f}"} for row in plain]
    made, same = (
        judge(write(tmp_path / name, rows), baseline="no-code").data["comparisons"]
        for name, rows in (("signs.csv", signs), ("plain.csv", rounded))
    )
    assert made == same
    decimal = [{**row, "val_bpb": f"{row['val_bpb']:.3f}".replace(".", ",")} for row in wide(long_rows())]
    with pytest.raises(BadInput, match="r.csv:2: val_bpb: '.,...' is no number\n.*decimal point"):
        judge(write(tmp_path / "r.csv", decimal), baseline="no-code")


def test_shares_of_several_files_are_of_one_variant(tmp_path: Path) -> None:
    rows = [
        {"variant": f"v{share}", "seed": seed, "val_bpb": 1 + share / 100 + seed / 1000}
        for share in (0, 20, 40)
        for seed in (1, 2)
    ]
    code = [{**row, "code_share": int(row["variant"][1:])} for row in rows]
    maths = [{"variant": row["variant"], "seed": row["seed"], "acc": 0.4, "math_share": 0.5} for row in rows]
    paths = [write(tmp_path / "code.csv", code), write(tmp_path / "maths.csv", maths)]
    for order in (paths, paths[::-1]):
        assert judge(*order, baseline="v0").data["optimum"]["of"] == "code"
    more = [{"variant": row["variant"], "seed": row["seed"], "acc": 0.4, "code_share": 0.5} for row in rows]
    with pytest.raises(BadInput, match="v0 has a share of code of 0 in one file and 0.5 in another"):
        judge(paths[0], write(tmp_path / "more.csv", more), baseline="v0")


def test_a_size_without_the_baseline_is_told(tmp_path: Path) -> None:
    rows = [{**row, "size": size} for size in ("20M", "60M") for row in long_rows()]
    rows = [row for row in rows if row["size"] == "20M" or row["variant"] != "no-code"]
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code", metrics=BPB)
    assert "60M: no-code has no run, so nothing is compared with it" in made.data["left_out"]


def test_repeated_rows_count_once(tmp_path: Path) -> None:
    rows = long_rows()
    made = judge(write(tmp_path / "r.csv", [*rows, *rows[:7]]), baseline="no-code")
    assert any("7 rows say again" in said for said in made.data["left_out"])
    assert made.data["comparisons"] == judge(write(tmp_path / "s.csv", rows), baseline="no-code").data["comparisons"]


def test_averages_chance_and_primary_by_the_mapping(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"variant": v, "seed": s, "task": t, "score": round(100 * (level + gain + rng.normal(0, 0.003)), 3), "n": 2000}
        for v, gain in (("base", 0.0), ("new", 0.05))
        for s in range(4)
        for t, level in (("arc_easy", 0.6), ("arc_challenge", 0.4), ("boolq", 0.5))
    ]
    made = judge(
        write(tmp_path / "r.csv", rows),
        metrics={
            "arc": {"of": ["arc_*"], "better": "higher", "scale": "percent", "chance": 25, "primary": True},
            "boolq": {"better": "higher", "scale": "percent", "chance": 50},
        },
    )
    assert verdicts(made) == {("new", "arc"): "better"}
    assert made.data["comparisons"][0]["effect"] == pytest.approx(5, abs=0.5)
    assert made.data["excluded"][0]["task"] == "boolq"
    assert "above chance" in made.data["excluded"][0]["reason"]
    assert {row["task"] for row in made.tasks} == {"arc_easy", "arc_challenge"}


def test_the_last_point_that_every_run_has(tmp_path: Path) -> None:
    rows = [
        {**row, "step": step, "value": row["value"] + 1 / step} for row in long_rows() for step in (500, 1000, 2000)
    ]
    rows = [row for row in rows if row["step"] < 2000 or row["variant"] != "code-90"]
    path = write(tmp_path / "r.csv", rows)
    made = judge(path, baseline="no-code", metrics=BPB)
    note = next(said for said in made.data["left_out"] if "point 1000" in said)
    assert "the last that all 15 runs have; 10 of 15 runs go on" in note
    assert verdicts(made)["code-90", "val_bpb"] == "worse"
    assert judge(path, baseline="no-code", point=500).data["scores"] != made.data["scores"]
    with pytest.raises(BadInput, match='no point "7"'):
        judge(path, baseline="no-code", point=7)


def test_what_is_measured_less_often_is_compared_where_it_was(tmp_path: Path) -> None:
    rows = [{**row, "step": step} for row in long_rows() for step in (500, 1000, 2000)]
    seldom = [row for row in rows if row["metric"] != "acc" or row["step"] < 2000]
    made = judge(write(tmp_path / "r.csv", seldom), baseline="no-code")
    assert {row["measure"] for row in made.data["comparisons"]} == {"acc", "val_bpb"}
    notes = made.data["left_out"]
    assert "verdicts on val_bpb are about point 2000, the last that all 15 runs have" in notes
    assert "verdicts on acc are about point 1000, the last that all 15 runs have" in notes
    apart = [row for row in rows if row["metric"] != "acc" or row["step"] == 500 * (1 + (row["seed"] == 1))]
    made = judge(write(tmp_path / "s.csv", apart), baseline="no-code")
    assert {row["measure"] for row in made.data["comparisons"]} == {"val_bpb"}
    assert "no point has acc of every run, so nothing is said on that" in made.data["left_out"]
    made = judge(write(tmp_path / "t.csv", seldom), baseline="no-code", point=2000)
    assert "acc: not measured at point 2000, so nothing is said on that" in made.data["left_out"]


def test_sizes_are_corrected_together_and_say_what_transfers(tmp_path: Path) -> None:
    rows = [
        {**row, "size": size, "value": round(row["value"] * scale, 6)}
        for size, scale in (("20M", 1.3), ("60M", 1.15), ("150M", 1.0))
        for row in long_rows()
    ]
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code", metrics=BPB)
    assert [each["size"] for each in made.data["sizes"]] == ["150M", "60M", "20M"]
    assert made.data["sizes"][0]["parameters"] == 150_000_000
    assert len(made.data["comparisons"]) == 6
    assert made.data["proxy_sentence"]
    assert made.data["transfer"] is not None
    assert made.data["transfer"]["proven"]
    few = judge(write(tmp_path / "r.csv", rows), baseline="no-code", metrics=BPB, sizes={"60M": 0, "20M": 0})
    assert [each["size"] for each in few.data["sizes"]] == ["60M", "20M"]


def test_a_share_sweep_has_an_optimum(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = [
        {"variant": f"{share:.0%}", "seed": seed, "code_share": share, "val_bpb": round(2 + (share - 0.3) ** 2 + e, 5)}
        for share in (0.0, 0.15, 0.3, 0.45, 0.6, 0.9)
        for seed in range(4)
        for e in [rng.normal(0, 0.002)]
    ]
    made = judge(write(tmp_path / "r.csv", rows), baseline="0%")
    best = made.data["optimum"]["measures"][0]
    assert made.data["optimum"]["of"] == "code"
    assert best["state"] == "identified"
    assert best["low"] <= 0.3 <= best["high"]
    assert len(made.data["comparisons"]) == 5
    rows[0]["code_share"] = 0.5
    with pytest.raises(BadInput, match="a variant has one"):
        judge(write(tmp_path / "r.csv", rows), baseline="0%")


def test_a_ratio_is_a_share_only_where_it_can_be_one(tmp_path: Path) -> None:
    rows = [{**row, "repetition_ratio": 0.1 + index / 1000} for index, row in enumerate(wide(long_rows()))]
    made = judge(write(tmp_path / "r.csv", rows), baseline="no-code")
    assert "not used: repetition_ratio" in made.told
    parts = {"no-code": 0, "code-25": 25, "code-90": 90}
    rows = [{**row, "code_fraction": parts[row["variant"]], "match_ratio": 0.5} for row in wide(long_rows())]
    made = judge(write(tmp_path / "s.csv", rows), baseline="no-code")
    assert made.data["optimum"]["of"] == "code"
    assert "shares of code are in %, as one is 90" in made.told
    assert "match_ratio" in {row["measure"] for row in made.data["scores"]}
    rows = [{**row, "market_share": 200} for row in wide(long_rows())]
    with pytest.raises(BadInput, match="market_share was taken as the share of market in the training data"):
        judge(write(tmp_path / "t.csv", rows), baseline="no-code")


def test_a_model_and_a_dataset_may_both_be_the_variant(tmp_path: Path) -> None:
    rows = [
        {"model": name, "dataset": task, "metric": "acc", "value": 0.4 + seed / 100, "seed": seed}
        for name in ("a", "b")
        for task in ("arc", "piqa")
        for seed in (1, 2)
    ]
    path = write(tmp_path / "r.csv", rows)
    with pytest.raises(BadInput, match="columns model and dataset may both name what is compared"):
        judge(path, baseline="a")
    made = judge(path, baseline="a", columns={"variant": "model", "task": "dataset"})
    assert made.data["variants"] == ["a", "b"]
    assert {row["measure"] for row in made.data["scores"]} == {"arc:acc", "piqa:acc"}


def test_one_variant_has_noise_and_nothing_to_compare(tmp_path: Path) -> None:
    rows = [row for row in long_rows() if row["variant"] == "no-code"]
    made = judge(write(tmp_path / "r.csv", rows))
    assert made.data["comparisons"] == []
    assert len(made.data["noise"]) == 2
    assert any("nothing to compare" in said for said in made.told)
