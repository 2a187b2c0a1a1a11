"""Kinds of files that are known by what is in them: DataDecide, OLMix, RegMix; and real published tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leaven.ground.errors import BadInput
from tests.analyze.imported.tables import judge, verdicts, write

TASKS = ("arc_challenge", "arc_easy", "boolq", "csqa", "hellaswag", "openbookqa", "piqa", "socialiqa", "winogrande")


def datadecide(path: Path) -> Path:
    rng = np.random.default_rng(4)
    rows = [
        {
            "params": size,
            "data": recipe,
            "task": task,
            "step": step,
            "seed": seed,
            "tokens": step * 100,
            "metrics": json.dumps(
                {"primary_metric": level + gain + rng.normal(0, 0.002), "acc_raw": 0.1 + rng.normal(0, 0.002)}
            ),
        }
        for size, level, third in (
            ("20M", 0.3, "small aux 3"),
            ("150M", 0.4, "small aux 3"),
            ("1B", 0.5, "large aux 3"),
        )
        for recipe, gain in (("Dolma1.7", 0.0), ("Dolma1.7 (no code)", -0.03), ("DCLM-Baseline", 0.04))
        for task in (*TASKS, "mmlu_average", "mmlu_anatomy")
        for step in (1000.0, 2000.0)
        for seed in ("default", third.replace("3", "2"), third)
    ]
    pd.DataFrame(rows).to_parquet(path)
    return path


def test_datadecide_needs_no_mapping_but_the_baseline(tmp_path: Path) -> None:
    made = judge(datadecide(tmp_path / "train-00000-of-00004.parquet"), baseline="Dolma1.7")
    assert [each["size"] for each in made.data["sizes"]] == ["1B", "150M", "20M"]
    found = {(row["size"], row["variant"]): row for row in made.data["comparisons"]}
    assert found["1B", "DCLM-Baseline"]["verdict"] == "better"
    assert found["20M", "Dolma1.7 (no code)"]["verdict"] == "worse"
    assert {row["measure"] for row in made.data["comparisons"]} == {"OLMES average"}
    assert made.data["measures"][0]["tasks"] == [f"{task}:primary_metric" for task in (*TASKS, "mmlu_average")]
    assert any("point 2000" in note for note in made.data["left_out"])
    assert made.data["transfer"]["proven"]
    assert not made.data["proxy_sentence"]


def test_datadecide_with_a_metric_of_ones_own(tmp_path: Path) -> None:
    path = datadecide(tmp_path / "d.parquet")
    made = judge(path, baseline="Dolma1.7", metrics={"arc_easy:acc_raw": None, "mmlu_anatomy:primary_metric": None})
    assert {row["measure"] for row in made.data["comparisons"]} == {"arc_easy:acc_raw", "mmlu_anatomy:primary_metric"}
    frame = pd.read_parquet(path)
    frame.loc[3, "metrics"] = "oops"
    frame.to_parquet(path)
    with pytest.raises(BadInput, match="a cell of metrics is no JSON object: 'oops'"):
        judge(path, baseline="Dolma1.7")


def olmix(folder: Path, runs: int = 60) -> None:
    rng = np.random.default_rng(6)
    shares = rng.dirichlet([1, 1, 0.3, 0.3], runs)
    names = ["dclm:health", "wikipedia", "stack-edu:Python", "stack-edu:C"]
    keys = [f"run-{i:03d}" for i in range(runs)]
    code = shares[:, 2:].sum(axis=1)
    ratios = [
        {"run": key, "name": key, **dict(zip(names, row, strict=True))} for key, row in zip(keys, shares, strict=True)
    ]
    bpb = [(1.5 + 2 * (share - 0.35) ** 2 + rng.normal(0, 0.01), rng.normal(2, 0.1)) for share in code]
    metrics = [
        {"run": key, "name": key, "mbpp_3shot": mbpp, "csqa": csqa} for key, (mbpp, csqa) in zip(keys, bpb, strict=True)
    ]
    write(folder / "ratios.csv", ratios)
    write(folder / "metrics.csv", metrics[::-1])


def test_olmix_joins_on_the_run_and_adds_up_code(tmp_path: Path) -> None:
    olmix(tmp_path)
    made = judge(tmp_path)
    rows = {row["name"]: row for row in made.data["optimum"]["measures"]}
    assert made.data["optimum"]["of"] == "code"
    assert made.data["comparisons"] == []
    assert rows["mbpp_3shot"]["low"] <= 0.35 <= rows["mbpp_3shot"]["high"]
    assert rows["mbpp_3shot"]["better"] == "lower"
    assert any("joined on run, 60 runs" in said for said in made.told)
    assert any("code is stack-edu:Python, stack-edu:C, by name" in said for said in made.told)
    other = judge(tmp_path, shares={"health": "dclm:*"}, sweep="health", metrics={"csqa": None})
    assert other.data["optimum"]["of"] == "health"
    assert len(other.data["optimum"]["measures"]) == 1


def test_a_swarm_joined_on_run_is_not_olmix_for_that(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    shares = [place / 10 for place in range(11)]
    write(tmp_path / "mix.csv", [{"run": i, "web": 1 - share, "code": share} for i, share in enumerate(shares)])
    scores = [0.4 - (share - 0.5) ** 2 / 5 + rng.normal(0, 0.001) for share in shares]
    rows = [{"run": i, "arc_easy_acc": score, "riddles": score} for i, score in enumerate(scores)]
    write(tmp_path / "scores.csv", rows)
    made = judge(tmp_path)
    (row,) = made.data["optimum"]["measures"]
    assert (row["name"], row["better"]) == ("arc_easy_acc", "higher")
    assert 0.3 < row["best"] < 0.7
    assert "riddles not compared: which way is better is not known" in made.told


def test_runs_in_one_file_only_are_an_error(tmp_path: Path) -> None:
    olmix(tmp_path)
    path = tmp_path / "metrics.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(BadInput, match='run "run-000" has no metrics: 1 runs are in one file only'):
        judge(tmp_path)
    path.write_text(path.read_text() + "\n" + path.read_text().splitlines()[-1])
    with pytest.raises(BadInput, match="is there twice"):
        judge(tmp_path)


def test_regmix_has_an_optimum_for_each_loss_and_ranks_sixty_millions(published: Path) -> None:
    data = published / "regmix/data"
    names = [f"{kind}_{size}.csv" for size in ("1m", "60m") for kind in ("test_mixture", "test_pile_loss")]
    made = judge(
        *(data / name for name in names), metrics={"pile_cc_val_loss": None, "github_val_loss": None}, draws=200
    )
    pairs = {row["name"]: row["pairs"][0] for row in made.data["transfer"]["measures"]}
    # METHODS §8.1: decision accuracy .969 and .965 from 1M to 60M over 256 mixtures.
    assert pairs["pile_cc_val_loss"]["accuracy"] == pytest.approx(0.969, abs=5e-4)
    assert pairs["github_val_loss"]["accuracy"] == pytest.approx(0.965, abs=5e-4)
    train = judge(
        data / "train_mixture_1m.csv", data / "train_pile_loss_1m.csv", metrics={"pile_cc_val_loss": None}, draws=200
    )
    assert train.data["optimum"]["measures"][0]["name"] == "pile_cc_val_loss"
    assert len(train.data["optimum"]["shares"]) == 512


def test_a_whole_folder_of_regmix(published: Path) -> None:
    made = judge(published / "regmix/data", metrics={"github_val_loss": None}, draws=200)
    assert {each["size"]: len(each["variants"]) for each in made.data["sizes"]} == {"1B": 64, "60m": 256, "1m": 768}
    # The 64 mixtures of 1B only have the names of others: nothing may be ranked by them.
    assert [(row["from"], row["to"]) for row in made.data["transfer"]["measures"][0]["pairs"]] == [("1m", "60m")]
    assert len(made.data["optimum"]["shares"]) == 768


def test_polypythias_with_its_standard_errors(published: Path) -> None:
    made = judge(
        published / "polypythias/downstream_by_seed.csv",
        columns={"variant": "size"},
        metrics={"swag:acc": {"margin": 1}, "arc_easy:acc": {"margin": 1}},
        baseline="70m",
    )
    assert verdicts(made)["160m", "swag:acc"] == "better"
    noise = {(row["variant"], row["measure"]): row for row in made.data["noise"]}
    # METHODS §2.2: seed SD and sampling SE of five seeds.
    assert noise["70m", "swag:acc"]["seed_sd"] == pytest.approx(0.0038, abs=1e-4)
    assert noise["160m", "arc_easy:acc"]["seed_sd"] == pytest.approx(0.0094, abs=1e-4)
    assert noise["160m", "arc_easy:acc"]["item_se"] == pytest.approx(0.0102, abs=5e-4)


def test_nanochat_against_itself_is_not_resolved(published: Path, tmp_path: Path) -> None:
    """Twenty seeds of one configuration, halved: nothing may be found between the halves."""
    frame = pd.read_csv(published / "nanochat_seeds/pr807_20seeds.csv")
    frame["variant"] = np.where(frame["seed"] % 2, "odd", "even")
    frame.to_csv(tmp_path / "halves.csv", index=False)
    made = judge(
        tmp_path / "halves.csv", baseline="odd", metrics={"val_bpb": {"margin": 0.1}, "core_score": {"margin": 1}}
    )
    assert made.data["comparisons"][0]["verdict"] in ("equivalent", "unresolved")
    assert made.data["comparisons"][0]["seeds"] == 10
    alone = judge(
        published / "nanochat_seeds/pr807_20seeds.csv", columns={"variant": "num_iterations"}, metrics={"val_bpb": None}
    )
    row = alone.data["noise"][0]
    assert 100 * row["seed_sd"] / row["mean"] == pytest.approx(0.0312, abs=1e-4)  # METHODS §8.5


def test_dclm_ranks_one_size_by_another(published: Path) -> None:
    made = judge(
        published / "dclm/evals.csv",
        columns={"seed": "file"},
        where={"mult": ["1"], "params": ["411616256", "1439795200"]},
        metrics={"top:Core_v2": None},
        baseline="c4_original",
    )
    pair = made.data["transfer"]["measures"][0]["pairs"][0]
    assert pair["accuracy"] == pytest.approx(2 / 3, abs=5e-4)  # METHODS §8.6: .667 over 12 data sets
