from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from leaven.analyze.crossed import Crossed
from leaven.analyze.decision import Comparison
from leaven.analyze.measures import parse_measure
from leaven.analyze.summary import power_rows
from leaven.analyze.text import left_out
from leaven.analyze.verdict import analyze
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json
from leaven.ground.tables import write_table

Study = tuple[dict[str, Any], list[Any], list[Any]]
CURVE = pa.schema([("step", pa.int64()), ("train_loss", pa.float64())])
FILES = {f"{name}.{kind}" for name in ("gains", "scores", "winrates") for kind in ("csv", "parquet")}


@pytest.fixture(scope="module")
def out(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verdict")
    analyze(*study, folder)
    return folder


def test_files(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == FILES | {"verdict.json", "noise.csv"}


def test_truth_is_found(out: Path) -> None:
    data = read_json(out / "verdict.json")
    found = {(row["variant"], row["measure"]): row["verdict"] for row in data["comparisons"]}
    assert found["balanced→text", "prose bits-per-byte"] == "equivalent"
    assert found["balanced→text", "code bits-per-byte"] == "better"
    assert found["code→text", "prose bits-per-byte"] == "worse"
    assert found["code→text", "fact recall"] == "worse"
    code = next(row for row in data["comparisons"] if row["measure"] == "code bits-per-byte")
    assert code["effect"] == pytest.approx(100 * (1.70 / 2.89 - 1), abs=0.5)
    assert len(data["answers"]) == 6
    assert data["proxy_sentence"] == "proxy scale: transfer to larger models is unproven"


def test_power_is_told_for_the_quietest_and_the_noisiest_comparison_of_every_measure(out: Path) -> None:
    """One size per measure would be untrue of the others: noise differs between comparisons and is never pooled."""
    data = read_json(out / "verdict.json")
    assert [row["measure"] for row in data["power"]] == [row["name"] for row in data["measures"]]
    assert all(0 < row["smallest_effect_quietest"] <= row["smallest_effect"] for row in data["power"])
    assert any(row["smallest_effect_quietest"] < row["smallest_effect"] for row in data["power"])
    primary = sum(row["primary"] for row in data["comparisons"])
    assert data["power"][0]["note"].endswith(f"at Holm's strictest step of {primary} comparisons")


def test_power_is_told_by_unit() -> None:
    """A comparison with a near-zero baseline is in points, and no quieter than one in per cent."""
    measure = parse_measure(
        {"name": "pass", "tasks": ["p"], "statistic": "pass@1", "better": "higher", "effect": "relative"}, 0
    )
    effects = [Crossed(0.0, sd, 0.0, 0.0, 3, np.zeros(100)) for sd in (10.0, 1.0)]
    pairs = [
        Comparison("a", "b", measure, effect, 60, 15, ratio=ratio)
        for effect, ratio in zip(effects, ("", "near zero"), strict=True)
    ]
    rows = power_rows(pairs, 0.05)
    assert [row["unit"] for row in rows] == ["%", "points"]
    assert all(row["smallest_effect"] == row["smallest_effect_quietest"] for row in rows)
    assert all("strictest step of 2 comparisons" in row["note"] for row in rows)


def test_no_difference_of_shares_exceeds_a_hundred_points() -> None:
    measure = parse_measure(
        {"name": "fact recall", "tasks": ["facts"], "statistic": "accuracy", "better": "higher", "effect": "points"}, 0
    )

    def told(*seed_sds: float) -> dict[str, Any]:
        effects = [Crossed(0.0, sd / math.sqrt(3), 0.0, 0.0, 3, np.zeros(100)) for sd in seed_sds]
        (row,) = power_rows([Comparison("a", "b", measure, effect, 60, 15) for effect in effects], 0.05)
        return row

    quiet, noisy = told(1.0, 2.0), told(1.0, 40.0)
    assert quiet["smallest_effect"] == pytest.approx(2 * quiet["smallest_effect_quietest"])
    assert noisy["smallest_effect"] is None
    assert noisy["smallest_effect_quietest"] == quiet["smallest_effect_quietest"]
    assert "15 independent groups of items" in quiet["note"]


def test_what_does_not_count_is_listed(out: Path) -> None:
    data = read_json(out / "verdict.json")
    programs, boolean = data["excluded"]
    assert programs["reason"] == "nothing here isolates model-written programs"
    assert "not above chance" in boolean["reason"]
    assert boolean["chance"] == 0.5
    assert set(boolean["values"]) == {"text-only", "balanced→text", "code→text"}
    assert data["left_out"] == ["nothing is said on reasoning probes: no task counts"]
    assert [row["name"] for row in data["measures"]] == ["prose bits-per-byte", "code bits-per-byte", "fact recall"]


def test_tables_hold_the_same_rows(out: Path) -> None:
    for name in ("gains", "scores", "winrates"):
        with (out / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        table = pq.read_table(out / f"{name}.parquet").to_pylist()
        assert len(rows) == len(table) > 0
        assert [row["variant"] for row in rows] == [row["variant"] for row in table]
    gains = pq.read_table(out / "gains.parquet").to_pylist()
    assert {row["point"] for row in gains} == {"final", "before cooldown"}
    assert all((row["verdict"] == "") == (row["point"] != "final") for row in gains)


def test_scores_keep_every_seed_and_every_task(out: Path) -> None:
    rows = pq.read_table(out / "scores.parquet").to_pylist()
    boolean = [row for row in rows if row["task"] == "boolean" and row["point"] == "final"]
    assert len(boolean) == 3
    assert not any(row["counted"] for row in boolean)
    assert all(len(row["seeds"]) == 5 and row["low"] <= row["mean"] <= row["high"] for row in rows)


def test_equal_inputs_in_any_order_give_equal_bytes(study: Study, out: Path, tmp_path: Path) -> None:
    request, evaluations, judgements = study
    analyze(request, evaluations[::-1], judgements[::-1], tmp_path)
    for path in out.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_adding_a_variant_changes_no_interval(study: Study, out: Path, tmp_path: Path) -> None:
    request, evaluations, _ = study
    kept = ["text-only", "balanced→text"]
    analyze({**request, "variants": kept}, [e for e in evaluations if e["variant"] in kept], [], tmp_path)
    whole = {(r["variant"], r["measure"]): r for r in read_json(out / "verdict.json")["comparisons"]}
    for row in read_json(tmp_path / "verdict.json")["comparisons"]:
        other = whole[row["variant"], row["measure"]]
        assert (row["effect"], row["low"], row["high"]) == (other["effect"], other["low"], other["high"])


def test_noise_has_what_a_plan_needs(out: Path) -> None:
    rows = read_json(out / "verdict.json")["noise"]
    paired = [row for row in rows if row["variant"] != "text-only"]
    assert all(row["paired_seed_sd"] > 0 and row["unit"] for row in paired)
    assert all(row["seed_sd"] > 0 and row["item_se"] > 0 for row in rows)
    assert all(row["paired_seed_sd"] is None for row in rows if row["variant"] == "text-only")


def test_one_seed_leaves_everything_unresolved(study: Study, tmp_path: Path) -> None:
    request, evaluations, judgements = study
    first = [e for e in evaluations if e["seed"] == 0], [j for j in judgements if j["seed"] == 0]
    analyze({**request, "seeds": [0]}, *first, tmp_path)
    data = read_json(tmp_path / "verdict.json")
    assert {row["verdict"] for row in data["comparisons"]} == {"unresolved"}
    assert {row["would_resolve"] for row in data["comparisons"]} == {
        "one seed cannot tell a recipe from its luck: run at least 3 seeds"
    }


def test_a_missing_seed_is_said_and_the_rest_is_paired(study: Study, tmp_path: Path) -> None:
    request, evaluations, judgements = study
    some = [e for e in evaluations if (e["variant"], e["seed"]) != ("code→text", 4)]
    analyze(request, some, judgements, tmp_path)
    data = read_json(tmp_path / "verdict.json")
    assert "code→text: 4 of 5 seeds were evaluated, and its comparisons rest on those" in data["left_out"]
    # Pairs are made one by one: a seed that one variant lacks costs the others nothing.
    assert {(row["variant"], row["seeds"]) for row in data["comparisons"]} == {("balanced→text", 5), ("code→text", 4)}


def test_a_baseline_of_zero_has_no_relative_difference(tmp_path: Path, study: Study, evaluation_writer: Any) -> None:
    request, _, _ = study
    measure = {**request["measures"][2], "effect": "relative", "statistic": "gold_bpb"}
    evaluations = [
        {"variant": name, "seed": s, "point": "final"}
        | {"folder": evaluation_writer(tmp_path / f"{name}{s}", {("facts", "gold_bpb"): np.zeros(20)})}
        for name in request["variants"]
        for s in range(2)
    ]
    folder = tmp_path / "out"
    folder.mkdir()
    analyze({**request, "measures": [measure], "seeds": [0, 1]}, evaluations, [], folder)
    data = read_json(folder / "verdict.json")
    assert {(row["unit"], row["effect"], row["verdict"]) for row in data["comparisons"]} == {
        ("bits per byte", 0.0, "unresolved")
    }
    assert all("a multiple of nothing says little" in row["ratio"] for row in data["comparisons"])


def test_what_cannot_be_analysed_is_named(study: Study, tmp_path: Path) -> None:
    request, evaluations, _ = study
    wrong = [{**request["measures"][0], "tasks": ["bpb_txt"]}]
    with pytest.raises(BadInput, match='unknown task "bpb_txt"; did you mean "bpb_text"'):
        analyze({**request, "measures": wrong}, evaluations, [], tmp_path)
    wrong = [{**request["measures"][0], "tasks": ["facts"]}]
    with pytest.raises(BadInput, match="task facts has no bits"):
        analyze({**request, "measures": wrong}, evaluations, [], tmp_path)
    with pytest.raises(LeavenError, match="code→text was not evaluated at the end"):
        analyze(request, [e for e in evaluations if e["variant"] != "code→text"], [], tmp_path)
    apart = [e for e in evaluations if (e["seed"] < 2) == (e["variant"] == "text-only")]
    with pytest.raises(LeavenError, match="no seed was evaluated in both arms of any pair"):
        analyze(request, apart, [], tmp_path)


def stage(folder: Path, loss: float) -> Path:
    folder.mkdir()
    write_table(folder / "curve.parquet", {"step": [1], "train_loss": [loss]}, CURVE)
    return folder


def test_a_seed_whose_training_broke_is_left_out_with_its_pairs(study: Study, out: Path, tmp_path: Path) -> None:
    request, evaluations, judgements = study
    broken = ("code→text", 2)
    stages = [
        {"size": "", "variant": name, "seed": s}
        | {"folder": stage(tmp_path / f"{name}{s}", 9.0 if (name, s) == broken else 3.0 + s / 100)}
        for name in request["variants"]
        for s in range(5)
    ]
    (tmp_path / "out").mkdir()
    analyze(request, evaluations, judgements, tmp_path / "out", stages=stages)
    data = read_json(tmp_path / "out" / "verdict.json")
    assert data["gates_run"] == [
        {"size": "", "gates": ["diverged", "at chance", "degenerate", "few seeds", "few items"]}
    ]
    (gate,) = [row for row in data["gates"] if row["gate"] == "diverged"]
    assert (gate["variant"], gate["seed"], gate["effect"]) == (*broken, "left out")
    assert {(row["variant"], row["seeds"]) for row in data["comparisons"]} == {("balanced→text", 5), ("code→text", 4)}
    assert next(row for row in data["winrates"] if row["variant"] == "code→text")["seeds"] == 4
    assert not any("seeds were evaluated" in note for note in data["left_out"])
    assert any("its pairs are left out" in sentence for sentence in left_out(data))
    whole = [row for row in read_json(out / "verdict.json")["comparisons"] if row["variant"] == "balanced→text"]
    kept = [row for row in data["comparisons"] if row["variant"] == "balanced→text"]
    assert [(row["effect"], row["low"], row["p"]) for row in kept] == [
        (row["effect"], row["low"], row["p"]) for row in whole
    ]


def test_items_that_occur_in_training_documents_are_told_apart(study: Study, tmp_path: Path) -> None:
    request, evaluations, _ = study
    items = [f"{i:05d}" for i in range(40)]
    (tmp_path / "suite.json").write_text(json.dumps({"tasks": {"facts": {"overlap": {"items": items}}}}))
    (tmp_path / "out").mkdir()
    analyze(request, evaluations, [], tmp_path / "out", suite=tmp_path)
    data = read_json(tmp_path / "out" / "verdict.json")
    (gate,) = [row for row in data["gates"] if row["gate"] == "contaminated"]
    assert gate["said"].startswith("40 items of facts occur in training documents; without them ")
    clean = {row["variant"]: row["clean"] for row in data["comparisons"] if row["measure"] == "fact recall"}
    assert {each["items"] for each in clean.values()} == {200}
    assert all(row["clean"] is None for row in data["comparisons"] if row["measure"] != "fact recall")
    gains = pq.read_table(tmp_path / "out" / "gains.parquet").to_pylist()
    told = [row for row in gains if row["measure"] == "fact recall"][:2]
    assert [(row["clean_effect"] is not None, row["clean_unit"]) for row in told] == [(True, "points")] * 2


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (["facts"], "nothing of fact recall is left to compare"),
        (["facts", "boolean"], "without them the task is no part of fact recall"),
    ],
)
def test_a_task_all_of_whose_items_occur_is_told(
    study: Study, tmp_path: Path, evaluation_writer: Any, tasks: list[str], said: str
) -> None:
    items = {"overlap": {"items": [f"{i:05d}" for i in range(50)]}}
    (tmp_path / "suite.json").write_text(json.dumps({"tasks": {"facts": items}}))
    (tmp_path / "out").mkdir()
    request = {**study[0], "seeds": [0, 1, 2], "measures": [{**study[0]["measures"][2], "tasks": tasks}]}
    rng = np.random.default_rng(1)
    evaluations = [
        {"variant": name, "seed": s, "point": "final"}
        | {
            "folder": evaluation_writer(
                tmp_path / f"{name}{s}", {(task, "correct"): (rng.random(50) < 0.7).astype(float) for task in tasks}
            )
        }
        for name in request["variants"]
        for s in range(3)
    ]
    analyze(request, evaluations, [], tmp_path / "out", suite=tmp_path)
    data = read_json(tmp_path / "out" / "verdict.json")
    gates = [row for row in data["gates"] if row["gate"] == "contaminated"]
    assert gates[-1 if len(tasks) == 1 else 0]["task"] == "facts"
    assert any(row["said"] == f"all 50 items of facts occur in training documents; {said}" for row in gates)
    assert {row["clean"] is None for row in data["comparisons"]} == {len(tasks) == 1}


def test_a_task_missing_at_an_earlier_point_costs_that_point_only(study: Study, out: Path, tmp_path: Path) -> None:
    request, evaluations, judgements = study
    some = []
    for i, each in enumerate(evaluations):
        if each["point"] == "before cooldown" and each["seed"]:
            table = pq.read_table(each["folder"] / "items.parquet")
            folder = tmp_path / str(i)
            folder.mkdir()
            pq.write_table(table.filter(pc.not_equal(table["task"], "bpb_code")), folder / "items.parquet")
            (folder / "scores.json").write_text((each["folder"] / "scores.json").read_text())
            each = {**each, "folder": folder}
        some.append(each)
    (tmp_path / "out").mkdir()
    analyze(request, some, judgements, tmp_path / "out")
    data, whole = (read_json(path / "verdict.json") for path in (tmp_path / "out", out))
    assert data["comparisons"] == whole["comparisons"]
    note = "at before cooldown nothing is said on code bits-per-byte: bpb_code was not evaluated in every run"
    assert note in data["left_out"]
    gains = pq.read_table(tmp_path / "out" / "gains.parquet").to_pylist()
    earlier = {row["measure"] for row in gains if row["point"] == "before cooldown"}
    assert earlier == {"prose bits-per-byte", "fact recall"}


def test_a_task_of_one_size_only_is_named_with_the_size(study: Study, tmp_path: Path) -> None:
    request, evaluations, _ = study
    known = {name: request[name] for name in ("baseline", "variants", "seeds")}
    sizes = [{"size": "1m", "parameters": 10**6, **known}, {"size": "3m", "parameters": 3 * 10**6, **known}]
    more = []
    for i, each in enumerate(e for e in evaluations if e["point"] == "final"):
        table = pq.read_table(each["folder"] / "items.parquet")
        (tmp_path / str(i)).mkdir()
        pq.write_table(table.filter(pc.not_equal(table["task"], "facts")), tmp_path / str(i) / "items.parquet")
        more.append({**each, "size": "3m", "folder": tmp_path / str(i)})
    with pytest.raises(BadInput, match="task facts was evaluated at 1m and not at 3m"):
        analyze({**request, "sizes": sizes}, [*evaluations, *more], [], tmp_path)


@pytest.mark.parametrize("every", [True, False])
def test_whether_training_documents_were_searched_is_told(study: Study, tmp_path: Path, every: bool) -> None:
    """A gate has run only where it looked at every task that counts; finding nothing is told of such a gate alone."""
    request, evaluations, _ = study
    tasks = ["bpb_text", "bpb_code", "boolean", *(["facts"] if every else [])]
    found = {name: {"overlap": {"candidates": 9, "occurring": 3 * (name == "bpb_code")}} for name in tasks}
    (tmp_path / "suite.json").write_text(json.dumps({"tasks": found}))
    analyze(request, evaluations, [], tmp_path, suite=tmp_path)
    data = read_json(tmp_path / "verdict.json")
    (ran,) = data["gates_run"]
    assert ("contaminated" in ran["gates"]) == every
    assert "diverged" not in ran["gates"]
    (gate,) = [row for row in data["gates"] if row["gate"] == "contaminated"]
    assert (gate["gate"], gate["task"], gate["effect"]) == ("contaminated", "bpb_code", "flagged")


def test_sizes_are_paired_by_themselves_and_corrected_together(study: Study, out: Path, tmp_path: Path) -> None:
    request, evaluations, judgements = study
    known = {name: request[name] for name in ("baseline", "variants", "seeds")}
    kept = ["text-only", "code→text"]
    sizes = [{"size": "1m", "parameters": 10**6, **known}, {"size": "3m", "parameters": 3 * 10**6, **known}]
    sizes[1]["variants"], sizes[1]["seeds"] = kept, [0, 1, 2]
    more = [
        {**e, "size": "3m"}
        for e in evaluations
        if e["variant"] in kept and e["seed"] < 3 and (e["point"] == "final" or e["variant"] == "text-only")
    ]
    # A chain that ends before its cooldown has one point, which stands for both.
    asked = {**request, "sizes": sizes, "point": "before cooldown"}
    analyze(asked, [*evaluations, *more], judgements, tmp_path)
    data = read_json(tmp_path / "verdict.json")
    counts = {(row["size"], row["variant"]): row["seeds"] for row in data["comparisons"]}
    assert counts == {("1m", "balanced→text"): 5, ("1m", "code→text"): 5, ("3m", "code→text"): 3}
    first = read_json(out / "verdict.json")["comparisons"][0]
    again = data["comparisons"][0]
    assert [again[name] for name in ("effect", "low", "high", "p")] == [
        first[name] for name in ("effect", "low", "high", "p")
    ]
    assert again["p_holm"] >= first["p_holm"]
    assert {row["size"] for row in data["winrates"]} == {"1m"}
    assert "at 3m nothing is said on reasoning probes: no task counts" in data["left_out"]
    assert data["gates_run"] == [
        {"size": "1m", "gates": ["at chance", "degenerate", "few seeds", "few items"]},
        {"size": "3m", "gates": ["at chance", "few seeds", "few items"]},
    ]
    assert data["transfer"]["measures"]
    with pytest.raises(LeavenError, match="code→text was not evaluated at the end of training at 3m"):
        analyze(asked, evaluations + [e for e in more if e["variant"] == "text-only"], [], tmp_path)
    with pytest.raises(LeavenError, match="trained at 9m, of which nothing is asked"):
        analyze(asked, [*evaluations, {**more[0], "size": "9m"}], [], tmp_path)
