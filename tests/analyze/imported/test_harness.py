"""Results of lm-eval: who a model is, items or scores, and what would not be a comparison."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from leaven.ground.errors import BadInput
from tests.analyze.imported.tables import judge, verdicts

Results = Callable[..., Path]


def models(gain: float = 0.2, seeds: int = 4) -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(5)
    ease = rng.random(300)
    return {
        f"ckpt/{variant}-seed{seed}": {"arc_easy": (ease < level + rng.normal(0, 0.01)).astype(float)}
        for variant, level in (("web", 0.4), ("web+code", 0.4 + gain))
        for seed in range(1, seeds + 1)
    }


def test_samples_are_paired_on_documents(harness: Results) -> None:
    made = judge(harness(models()), baseline="web")
    row = made.data["comparisons"][0]
    assert verdicts(made) == {("web+code", "arc_easy:acc"): "better"}
    assert row["items"] == 300
    assert row["seeds"] == 4
    assert "results of single items, paired on documents" in made.told


def test_without_samples_scores_are_wider(harness: Results) -> None:
    """The same runs: unpaired errors of scores cannot be narrower than the paired items'."""
    path = harness(models())
    paired = judge(path, baseline="web").data["comparisons"][0]
    for samples in path.rglob("samples_*"):
        samples.unlink()
    alone = judge(path, baseline="web").data["comparisons"][0]
    assert alone["effect"] == pytest.approx(paired["effect"], abs=1e-6)
    assert alone["items"] == 300
    assert alone["high"] - alone["low"] > paired["high"] - paired["low"]


def test_names_by_pattern_and_by_list(harness: Results) -> None:
    path = harness({"a1": models()["ckpt/web-seed1"], "b1": models()["ckpt/web+code-seed1"]})
    made = judge(path, model="(?P<variant>[ab])(?P<seed>\\d)", baseline="a")
    assert made.data["variants"] == ["a", "b"]
    assert made.data["comparisons"][0]["verdict"] == "unresolved"
    named = {"a1": {"variant": "x", "seed": "1"}, "b1": {"variant": "y", "seed": "1"}}
    assert judge(path, models=named, baseline="x").data["variants"] == ["x", "y"]
    with pytest.raises(BadInput, match='pattern does not fit the model "a1"'):
        judge(path, model="(?P<variant>q)", baseline="q")
    with pytest.raises(BadInput, match="would both be one seed 1"):
        judge(path, models={name: {"variant": "one", "seed": "1"} for name in ("a1", "b1")}, baseline="one")


def test_what_was_asked_differently_is_no_comparison(harness: Results) -> None:
    path = harness(models(seeds=2))
    file = next(path.rglob("results_*.json"))
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "n-shot": {"arc_easy": 5}}))
    with pytest.raises(BadInput, match=r"arc_easy was not asked alike: shots [05] in web.*, [05] in web") as caught:
        judge(path, baseline="web")
    assert f"{file.parent.name}/{file.name}" in caught.value.where


def test_samples_that_are_not_the_score_do_not_count(harness: Results) -> None:
    path = harness(models())
    for file in path.rglob("results_*.json"):
        file.write_text(file.read_text().replace('"acc,none": 0.', '"acc,none": 0.0'))
    made = judge(path, baseline="web")
    assert any("the mean of the samples is not the score" in note for note in made.data["left_out"])
    path2 = next(path.rglob("samples_*"))
    path2.write_text("not json\n")
    with pytest.raises(BadInput, match="no sample of lm-eval"):
        judge(path, baseline="web")


def test_one_run_without_samples_makes_all_of_its_task_scores(harness: Results) -> None:
    path = harness(models(seeds=2))
    first, second, *_ = sorted(path.rglob("samples_*"))
    whole = second.read_text()
    second.write_text("\n".join(whole.splitlines()[:-1]))
    made = judge(path, baseline="web")
    (note,) = [said for said in made.data["left_out"] if "samples" in said]
    assert f"(299 in {second.parent.name}/{second.name})" in note
    second.write_text(whole)
    first.unlink()
    made = judge(path, baseline="web")
    name = f"{first.parent.name}/{first.name}"
    assert f"arc_easy:acc: {name} is missing, so the scores of all runs count" in made.data["left_out"]
    for samples in path.rglob("samples_*"):
        samples.unlink()
    assert judge(path, baseline="web").data["comparisons"] == made.data["comparisons"]


def test_two_revisions_of_a_model_are_two_models(harness: Results) -> None:
    items = models()["ckpt/web-seed1"]
    path = harness({"org/base": items, "org/one-160m": items})
    for number, args in enumerate(({"revision": "step1000"}, "pretrained=org/one-160m,revision=step143000")):
        file = next((path / "org__one-160m").glob("results_2026*.json"))
        content = json.loads(file.read_text())
        content["config"]["model_args"] = args
        file.with_name(f"results_2025-01-0{number + 1}T00-00-00.0.json").write_text(json.dumps(content))
    next((path / "org__one-160m").glob("results_2026*.json")).unlink()
    made = judge(path, baseline="base")
    assert made.data["variants"] == ["base", "one-160m@step1000", "one-160m@step143000"]
    assert not any("more than once" in said for said in made.data["left_out"])
    named = {"org/one-160m": {"variant": "x", "seed": "1"}, "org/base": {"variant": "y", "seed": "1"}}
    with pytest.raises(BadInput, match="org/one-160m@step1000 and org/one-160m@step143000 would both be x seed 1"):
        judge(path, models=named, baseline="y")


def test_a_limit_of_items_for_some_models_only_is_refused(harness: Results) -> None:
    short = {"arc_easy": models()["ckpt/web-seed1"]["arc_easy"][:200]}
    path = harness({**models(seeds=2), "ckpt/web-seed2": short}, samples=False)
    with pytest.raises(BadInput, match=r"items (300|200) in web.*, (300|200) in web.*\n  Evaluate all models"):
        judge(path, baseline="web")


def test_a_link_to_nowhere_is_no_result(harness: Results) -> None:
    path = harness(models(seeds=2))
    (path / "results_x.json").symlink_to(path / "gone.json")
    assert len(judge(path, baseline="web").data["comparisons"]) == 1


def test_other_documents_are_told(harness: Results) -> None:
    path = harness(models(seeds=2))
    file = next(path.rglob("samples_*"))
    file.write_text(file.read_text().replace("00000007hash", "otherdoc07hash"))
    with pytest.raises(BadInput, match="item 7:arc_easy"):
        judge(path, baseline="web")


def test_later_results_replace_earlier_ones(harness: Results) -> None:
    harness({"web-seed1": {"arc_easy": np.zeros(50)}}, time="2025-01-01T00-00-00.0")
    path = harness(models(seeds=2))
    harness({"web-seed1": models()["ckpt/web-seed1"]}, time="2026-05-01T00-00-00.0")
    for folder in path.iterdir():
        if folder.name == "ckpt__web-seed1":
            for file in folder.iterdir():
                file.unlink()
    made = judge(path, baseline="web")
    assert any("evaluated more than once; the latest" in note for note in made.data["left_out"])
    assert made.data["comparisons"][0]["seeds"] == 2


def test_bits_per_byte_is_a_ratio_of_sums(harness: Results) -> None:
    """lm-eval keeps (log-likelihood, bytes) of each document; the score is Σ −ll / (Σ bytes · ln 2)."""
    rng = np.random.default_rng(0)
    path = harness(models(seeds=2))
    for number, file in enumerate(sorted(path.rglob("results_*.json"))):
        size = rng.integers(100, 900, 40)
        loss = size * (0.7 + 0.01 * number)
        content = json.loads(file.read_text())
        score = float(loss.sum() / size.sum() / math.log(2))
        content["results"] = {"wikitext": {"alias": "wikitext", "bits_per_byte,none": score, "sample_len": 40}}
        content["higher_is_better"] = {"wikitext": {"bits_per_byte": False}}
        file.write_text(json.dumps(content))
        lines = [
            json.dumps({"doc_id": i, "doc_hash": f"{i:012d}", "filter": "none", "bits_per_byte": [-float(x), int(b)]})
            for i, (x, b) in enumerate(zip(loss, size, strict=True))
        ]
        time = file.stem.partition("_")[2]
        file.with_name(f"samples_wikitext_{time}.jsonl").write_text("\n".join(lines))
    made = judge(path, baseline="web")
    row = made.data["comparisons"][0]
    assert row["measure"] == "wikitext:bits_per_byte"
    assert row["unit"] == "%"
    assert row["items"] == 40
    assert row["better"] == "lower"


def test_a_folder_that_lm_eval_itself_wrote(tmp_path: Path) -> None:
    """The installed lm-eval's own writer, so that a change of its format is seen here."""
    tracker = pytest.importorskip("lm_eval.loggers.evaluation_tracker")
    for model, items in models(seeds=2).items():
        values = items["arc_easy"]
        samples = [
            {"doc_id": i, "doc": {"q": i}, "target": "a", "arguments": [("q", "a")], "resps": [[(-1.0, True)]]}
            | {"filtered_resps": [(-1.0, True)], "filter": "none", "metrics": ["acc"], "acc": value}
            | {"doc_hash": f"{i:064d}", "prompt_hash": "p", "target_hash": "t"}
            for i, value in enumerate(values)
        ]
        writer = tracker.EvaluationTracker(output_path=str(tmp_path / "out"))
        writer.general_config_tracker.log_experiment_args("hf", f"pretrained={model}", None, None, False)
        results = {
            "results": {"arc_easy": {"alias": "arc_easy", "acc,none": float(values.mean()), "acc_stderr,none": 0.03}},
            "higher_is_better": {"arc_easy": {"acc": True}},
            "n-samples": {"arc_easy": {"original": len(values), "effective": len(values)}},
        }
        writer.save_results_aggregated(results=results, samples={"arc_easy": samples})
        writer.save_results_samples("arc_easy", samples)
    made = judge(tmp_path / "out", baseline="web")
    row = made.data["comparisons"][0]
    assert (row["variant"], row["measure"], row["items"]) == ("web+code", "arc_easy:acc", 300)
