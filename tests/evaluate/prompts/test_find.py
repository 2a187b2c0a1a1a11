"""Known sets in every published shape and place; what is missing is told with what was looked for and how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leaven.evaluate.prompts.build import count_prompts
from leaven.evaluate.prompts.find import find_set
from leaven.evaluate.prompts.plan import PromptPlan
from leaven.evaluate.prompts.sets import KNOWN, SETS
from leaven.evaluate.prompts.survey import survey_prompts
from leaven.ground.errors import BadInput

from .conftest import COMMIT, built, content, snapshot_of

AYA = [
    {"id": n, "inputs": f"{word} {n} ?", "targets": "So.", "language": language, "script": "Latn", "source_id": 60 + n}
    for language, word in (("fra", "Pourquoi"), ("eng", "Why"), ("deu", "Warum"))
    for n in (1, 2, 3)
]
DOLLY = [
    {"instruction": f"Name {n} things", "context": "" if n % 2 else f"Of {n}.", "response": "x", "category": category}
    for n, category in enumerate(["open_qa", "closed_qa", "brainstorming", "open_qa"])
]
ALPACA = [{"dataset": "koala", "instruction": f"Do {n}", "output": "x", "generator": "g"} for n in range(3)]
BENCH = [{"question_id": 81 + n, "category": "writing", "turns": [f"Write {n}", "Rewrite it"]} for n in range(3)]
AYA_FILE = "dolly_machine_translated/test-00000-of-00001.parquet"
SHAPES: list[tuple[str, str, list[dict[str, Any]], list[str]]] = [
    ("dolly-200", AYA_FILE, AYA, ["Why 1 ?", "Why 2 ?", "Why 3 ?"]),
    ("dolly-200", "dolly_200.jsonl.zst", [{"inputs": "Who?", "targets": "I."}], ["Who?"]),
    ("dolly-15k", "databricks-dolly-15k.jsonl", DOLLY, ["Name 0 things\n\nOf 0.", "Name 1 things"]),
    ("dolly-15k", "databricks-dolly-15k.jsonl.gz", DOLLY, ["Name 0 things\n\nOf 0.", "Name 1 things"]),
    ("alpaca-eval", "alpaca_eval.json", ALPACA, ["Do 0", "Do 1", "Do 2"]),
    ("alpaca-eval", "alpaca_eval_805.jsonl", [{**ALPACA[0], "id": 0}], ["Do 0"]),
    ("mt-bench", "mt_bench/question.jsonl", BENCH, ["Write 0", "Write 1", "Write 2"]),
    ("vicuna", "vicuna_bench/question.jsonl", BENCH, ["Write 0", "Write 1", "Write 2"]),
]


@pytest.mark.parametrize(("name", "file", "rows", "asked"), SHAPES)
@pytest.mark.parametrize("below", ["", "data/"])
def test_published_shapes(put, tmp_path: Path, name: str, file: str, rows, asked: list[str], below: str) -> None:
    place = tmp_path / "place"
    put(f"place/{below}{file}", rows)
    found, about = built(PromptPlan(name), [place], tmp_path / "out")
    assert [row["instruction"] for row in found][: len(asked)] == asked
    assert about["set"] == name
    assert about["origin"] == file
    assert about["notes"] == [f"{about['rows']:,} rows, where the published {name} has {KNOWN[name].rows:,}"]
    assert str(tmp_path) not in (tmp_path / "out" / "prompts.json").read_text()
    assert count_prompts(PromptPlan(name), [str(place)]) == len(found)


def test_the_english_rows_are_the_set(put, tmp_path: Path) -> None:
    put(AYA_FILE, AYA)
    rows, about = built(PromptPlan("dolly-200"), [tmp_path], tmp_path / "out")
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert (about["read"], about["rows"], about["chosen"]) == (9, 3, 3)
    put(AYA_FILE, [row for row in AYA if row["language"] != "eng"])
    with pytest.raises(BadInput, match="no row has language eng"):
        survey_prompts(PromptPlan("dolly-200"), [str(tmp_path)])


def test_ids_and_categories_are_the_sets_own(put, tmp_path: Path) -> None:
    put("alpaca_eval.json", ALPACA)
    put("mt_bench/question.jsonl", BENCH)
    alpaca, _ = built(PromptPlan("alpaca-eval"), [tmp_path], tmp_path / "a")
    bench, _ = built(PromptPlan("mt-bench"), [tmp_path], tmp_path / "b")
    assert [row["id"] for row in bench] == ["81", "82", "83"]
    assert {row["category"] for row in bench} == {"writing"}
    assert {row["category"] for row in alpaca} == {"koala"}
    assert len({row["id"] for row in alpaca}) == 3
    assert all(len(row["id"]) == 16 for row in alpaca)


def test_the_folder_of_a_question_file_may_be_the_place(put, tmp_path: Path) -> None:
    put("mt_bench/question.jsonl", BENCH)
    put("vicuna_bench/question.jsonl", BENCH[:1])
    assert count_prompts(PromptPlan("mt-bench"), [str(tmp_path / "mt_bench")]) == 3
    with pytest.raises(BadInput, match="no prompts of mt-bench"):
        find_set("mt-bench", [str(tmp_path / "vicuna_bench")])


def test_the_first_place_counts(put, tmp_path: Path) -> None:
    put("a/vicuna.jsonl", BENCH[:1])
    put("b/vicuna.jsonl", BENCH)
    assert count_prompts(PromptPlan("vicuna"), [str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    with pytest.raises(BadInput, match=r"more than once, and not the same: a/vicuna.jsonl, b/vicuna.jsonl"):
        find_set("vicuna", [str(tmp_path)])
    put("b/vicuna.jsonl", BENCH[:1])
    assert count_prompts(PromptPlan("vicuna"), [str(tmp_path)]) == 1


def test_a_mapping_names_file_and_fields(put, tmp_path: Path) -> None:
    put("mine/p.jsonl", [{"q": "Why?", "kind": "open", "n": 5}])
    (tmp_path / "data.yaml").write_text(
        "vicuna: {file: mine/p.jsonl, fields: {instruction: q, category: kind, id: n}}\nmt-bench: gone.jsonl\n"
    )
    for place in (tmp_path, tmp_path / "data.yaml"):
        rows, about = built(PromptPlan("vicuna"), [place], tmp_path / f"out-{place.name}")
        assert [(row["id"], row["instruction"], row["category"]) for row in rows] == [("5", "Why?", "open")]
        assert about["origin"] == "p.jsonl"
    with pytest.raises(BadInput, match=r"no file gone\.jsonl beside the mapping"):
        find_set("mt-bench", [str(tmp_path)])
    put("alpaca_eval.json", ALPACA)
    assert count_prompts(PromptPlan("alpaca-eval"), [str(tmp_path)]) == 3  # the mapping is of other sets


@pytest.mark.parametrize("dataset", KNOWN["dolly-200"].datasets)
def test_a_copy_of_the_data_set(tmp_path: Path, dataset: str) -> None:
    files = {"README.md": b"# Aya", AYA_FILE: content(AYA_FILE, AYA), "aya_human_annotated/test-0.parquet": b"x"}
    snapshot_of(tmp_path, files, dataset=dataset)
    rows, about = built(PromptPlan("dolly-200"), [tmp_path], tmp_path / "out")
    assert len(rows) == 3
    assert about["origin"] == f"{dataset} {AYA_FILE} @ {COMMIT[:12]}"


def test_a_copy_without_the_file(tmp_path: Path) -> None:
    snapshot_of(tmp_path, {"README.md": b"x"}, dataset="tatsu-lab/alpaca_eval")
    with pytest.raises(BadInput, match=r"the copy of tatsu-lab/alpaca_eval has no file alpaca_eval\.json"):
        find_set("alpaca-eval", [str(tmp_path)])


def test_the_hub_is_asked_for_exactly_the_file(hub, cache, tmp_path: Path, monkeypatch) -> None:
    hub.files = {
        "README.md": b"# x",
        "alpaca_eval.py": b"raise SystemExit",
        "alpaca_eval.json": content("a.json", ALPACA),
        "alpaca_eval_all_outputs.json": b"[]",
    }
    plan = PromptPlan("alpaca-eval")
    before = survey_prompts(plan, ["hub"])
    assert count_prompts(plan, ["hub"]) is None
    assert not hub.served, "a survey fetches no data"
    rows, about = built(plan, ["hub"], tmp_path / "out", expected=before)
    assert [path for path, _ in hub.served] == ["alpaca_eval.json"]
    assert len(rows) == 3
    assert about["origin"] == f"tatsu-lab/alpaca_eval alpaca_eval.json @ {COMMIT[:12]}"
    asked = len(hub.asked)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert survey_prompts(plan, ["hub"]) == before
    assert len(hub.asked) == asked
    with pytest.raises(BadInput, match="the environment says offline"):
        find_set("dolly-15k", ["hub"])


def test_a_set_that_the_hub_does_not_have(hub) -> None:
    with pytest.raises(BadInput, match="it is not looked for on the hub"):
        find_set("mt-bench", ["hub"])
    assert not hub.asked


@pytest.mark.parametrize("name", SETS)
def test_what_is_missing_is_told_with_where_and_how(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput) as error:
        survey_prompts(PromptPlan(name), [str(tmp_path)])
    assert f"no prompts of {name}" in error.value.what
    assert all(one in error.value.what for one in (*KNOWN[name].names, str(tmp_path)))
    assert KNOWN[name].get in error.value.fix
    assert ("hub was not to be asked" in error.value.what) == bool(KNOWN[name].datasets)
    with pytest.raises(BadInput, match="no place was given"):
        survey_prompts(PromptPlan(name), [])


def test_no_such_set_file_or_place(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='did you mean "dolly-200"') as error:
        find_set("dolly_200", [])
    assert "alpaca-eval" in error.value.fix
    with pytest.raises(BadInput, match="this is a folder"):
        find_set(str(tmp_path), [])
    with pytest.raises(BadInput, match="there is no such folder"):
        find_set("vicuna", [str(tmp_path / "gone")])


def test_the_fingerprint_is_of_the_bytes_and_not_of_the_place(put, tmp_path: Path) -> None:
    one, two = put("a/vicuna.jsonl", BENCH), put("b/deep/vicuna_bench/question.jsonl", BENCH)
    known = survey_prompts(PromptPlan("vicuna"), [str(one.parent)])
    assert survey_prompts(PromptPlan("vicuna", limit=1, seed=3), [str(two.parents[1])]) == known
    own = survey_prompts(PromptPlan(str(one)), [])
    assert own == survey_prompts(PromptPlan(str(two)), [])
    assert own != known
    put("a/vicuna.jsonl", BENCH[:2])
    assert survey_prompts(PromptPlan("vicuna"), [str(one.parent)]) != known
    with pytest.raises(BadInput, match="not those that were there when this was planned"):
        built(PromptPlan("vicuna"), [one.parent], tmp_path / "out", expected=known)
