"""Looking for a task's data in folders and mapping files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from leaven.evaluate.data.places import Found, Missing, Wanted, find, survey
from leaven.ground.errors import BadInput

from .test_layouts import BOOLQ, GOOD, PIQA, dialogue

PLAIN = {"goal": "to sit", "sol1": "a chair", "sol2": "a cloud", "label": 0}


def got(wanted: Wanted, *places: object) -> Found:
    found = find(wanted, [str(place) for place in places])
    assert isinstance(found, Found), found
    return found


def lacking(wanted: Wanted, *places: object) -> Missing:
    found = find(wanted, [str(place) for place in places])
    assert isinstance(found, Missing), found
    assert survey(wanted, [str(place) for place in places]) is None or "chance" in found.reason
    return found


@pytest.mark.parametrize("name", ["piqa.jsonl", "piqa/piqa.jsonl", "any/piqa.jsonl.gz", "piqa.jsonl.gz"])
def test_directly_or_one_folder_below(write, wanted, name: str) -> None:
    found = got(
        wanted["piqa"], write(name, '{"query": "Question: to sit\\n", "choices": ["a chair", "b"], "gold": 0}\n')
    )
    assert found.rows[0]["goal"] == "to sit"
    assert found.origin == {
        "file": name,
        "config": None,
        "split": "validation",
        "revision": None,
        "licence": "AFL-3.0",
        "source": "mosaicml/llm-foundry scripts/eval/local_data/commonsense_reasoning/piqa.jsonl @ 8c8dd48f7216",
        "rows": 1,
        "layout": "foundry-piqa",
        "cut": True,
        "notes": ["1 row, where the published file has 1,838; not the published benchmark"],
    }
    assert found.overrides == {}


def test_the_same_name_with_the_templates_own_fields(write, wanted) -> None:
    found = got(wanted["piqa"], write("piqa.jsonl", [PLAIN]))
    assert found.rows == (PLAIN,)
    assert found.origin["layout"] == "rows"
    assert found.origin["licence"] is None
    assert found.origin["cut"] is True
    assert found.origin["notes"] == [
        "the file does not say which split it is; it is taken for validation",
        "1 row, where the published file has 1,838; not the published benchmark",
    ]
    hella = got(wanted["hellaswag"], write("hellaswag_val.jsonl", [GOOD["hellaswag"]]))
    assert hella.overrides == {}
    assert hella.origin["layout"] == "rows"


def test_the_first_place_that_has_it(write, wanted, tmp_path: Path) -> None:
    write("one/other.jsonl", [PLAIN])
    write("two/piqa.jsonl", [PIQA])
    write("three/piqa.jsonl", [PLAIN])
    assert got(wanted["piqa"], tmp_path / "one", tmp_path / "two", tmp_path / "three").rows[0]["sol1"] == "a chair"
    assert got(wanted["piqa"], tmp_path / "three", tmp_path / "two").origin["layout"] == "rows"


def test_a_file_that_is_there_twice(write, wanted, tmp_path: Path) -> None:
    write("a/piqa.jsonl", [PIQA])
    write("b/piqa.jsonl", [PIQA])
    assert got(wanted["piqa"], tmp_path).origin["file"] == "a/piqa.jsonl"
    write("b/piqa.jsonl", [{**PIQA, "gold": 1}])
    with pytest.raises(BadInput, match=r"not the same: a/piqa\.jsonl, b/piqa\.jsonl(.|\n)*data\.yaml"):
        find(wanted["piqa"], [str(tmp_path)])


def test_places_that_are_none(write, wanted, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="data: there is no such folder"):
        find(wanted["piqa"], [str(tmp_path / "none")])
    write("piqa.jsonl", [PIQA])
    with pytest.raises(BadInput, match="neither a folder nor a mapping file"):
        find(wanted["piqa"], [str(tmp_path / "piqa.jsonl")])


def test_a_file_of_another_task(write, wanted, tmp_path: Path) -> None:
    write("piqa.jsonl", [BOOLQ])
    with pytest.raises(BadInput, match=r"piqa\.jsonl:1: query: expected (.|\n)*looks like one of layout foundry-boolq"):
        find(wanted["piqa"], [str(tmp_path)])
    write("piqa.jsonl", [{"premise": "p", "hypothesis": "h", "label": "neutral"}])
    with pytest.raises(
        BadInput,
        match=r"expected the fields query, choices, gold \(foundry-piqa\) or goal, sol1, sol2, label \(rows\); "
        r"found premise, hypothesis, label(.|\n)*looks like one of layout cb-words",
    ):
        find(wanted["piqa"], [str(tmp_path)])


def test_two_thirds_of_social_iqa_are_refused(write, wanted, tmp_path: Path) -> None:
    write("siqa.jsonl", [{"query": "Context: …", "choices": ["A", "B"], "gold": 0}])
    missing = lacking(wanted["social_iqa"], tmp_path)
    assert "two of SocialIQA's three options (chance 50 %, not 33 %)" in missing.reason
    assert "lighteval/siqa" in missing.fix
    write("socialiqa/dev.jsonl", [{k: v for k, v in GOOD["social_iqa"].items() if k != "label"}])
    with pytest.raises(BadInput, match=r"dev\.jsonl: the answers \(dev-labels\.lst\) are not beside it"):
        find(wanted["social_iqa"], [str(tmp_path)])
    write("socialiqa/dev-labels.lst", "3\n")
    found = got(wanted["social_iqa"], tmp_path)
    assert found.rows == ({**GOOD["social_iqa"], "label": 3},)
    write("data.yaml", "social_iqa: {file: siqa.jsonl, layout: foundry-siqa}\n")
    with pytest.raises(BadInput, match=r"data\.yaml:1: social_iqa\.layout: .*chance 50 %"):
        find(wanted["social_iqa"], [str(tmp_path)])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("1\n2\n", "2 answers, and 1 rows in .*dev.jsonl"),
        ("A\n", r"dev-labels\.lst:1: expected a whole"),
        ("4", "1 to 3"),
    ],
)
def test_answers_that_do_not_fit(write, wanted, tmp_path: Path, labels: str, said: str) -> None:
    write("siqa/dev.jsonl", [{k: v for k, v in GOOD["social_iqa"].items() if k != "label"}])
    write("siqa/dev-labels.lst", labels)
    with pytest.raises(BadInput, match=said):
        find(wanted["social_iqa"], [str(tmp_path)])


def test_story_cloze_records_its_year(write, wanted, tmp_path: Path) -> None:
    head = ["InputStoryid", *(f"InputSentence{n}" for n in range(1, 5))]
    head += ["RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2", "AnswerRightEnding"]
    out = io.StringIO()
    csv.writer(out).writerows([head, ["id", "One,", "two", 'th"ree', "four.", "e1", "e2", "2"]])
    write("cloze_test_val__spring2016 - cloze_test_ALL_val.csv", out.getvalue())
    missing = lacking(wanted["storycloze_2016"], tmp_path)
    assert "is the split validation, not test" in missing.reason
    assert "ask its authors" in missing.fix
    assert "hub" not in missing.fix
    found = got(replace(wanted["storycloze_2016"], split="validation"), tmp_path)
    assert found.rows[0]["input_sentence_3"] == 'th"ree'
    assert found.rows[0]["answer_right_ending"] == 2
    assert found.origin["config"] == "2016"
    assert "Spring 2016" in found.origin["source"]


def test_quac_as_its_authors_nest_it(write, wanted) -> None:
    nested, _ = dialogue()
    found = got(wanted["quac"], write("val_v0.2.json", json.dumps({"data": [nested]})))
    assert [row["id"] for row in found.rows] == ["d_q#0", "d_q#1", "d_q#2"]
    assert found.origin["layout"] == "quac-articles"


def test_a_mapping_of_the_users_own(write, wanted, tmp_path: Path) -> None:
    write("in/side.jsonl", [{"g": "to sit", **{k: v for k, v in PLAIN.items() if k != "goal"}}])
    write("piqa.jsonl", [PIQA])
    text = (
        "piqa:\n  file: in/side.jsonl\n  fields: {goal: g}\n  split: validation\n  licence: mine\n  notes: of my own\n"
    )
    write("data.yaml", text)
    for place in (tmp_path, tmp_path / "data.yaml"):
        found = got(wanted["piqa"], place)
        assert found.rows == (PLAIN,)
        assert found.origin["file"] == "in/side.jsonl"
        assert found.origin["notes"] == [
            "of my own",
            "1 row, where the published file has 1,838; not the published benchmark",
        ]
        assert found.origin["cut"] is True
        assert found.origin["licence"] == "mine"
    assert "is the split validation, not test" in lacking(replace(wanted["piqa"], split="test"), tmp_path).reason
    missing = lacking(wanted["cb"], tmp_path)
    assert "data.yaml has no entry cb; known: piqa" in missing.reason
    assert "none of" not in missing.reason, "no other file is looked for"
    write("data.yaml", "piqa: gone.jsonl\n")
    with pytest.raises(BadInput, match=r"data\.yaml:1: piqa\.file: there is no file gone\.jsonl beside the mapping"):
        find(wanted["piqa"], [str(tmp_path)])
    write("elsewhere/data.yaml", "piqa: ../piqa.jsonl\n")
    with pytest.raises(BadInput, match="expected the fields goal, sol1, sol2, label"):
        find(wanted["piqa"], [str(tmp_path / "elsewhere")])
    write("elsewhere/data.yaml", f"piqa: {{file: {tmp_path / 'piqa.jsonl'}, layout: foundry-piqa}}\n")
    assert got(wanted["piqa"], tmp_path / "elsewhere").origin["file"] == "piqa.jsonl"


def test_a_mapping_may_have_a_task_under_the_suites_name(write, wanted, tmp_path: Path) -> None:
    asked = replace(wanted["piqa"], task="piqa_2020", also=("physical",))
    write("mine.jsonl", [PLAIN])
    write("data.yaml", "physical: mine.jsonl\n")
    assert got(asked, tmp_path).rows == (PLAIN,)
    assert survey(asked, [str(tmp_path)]) is not None
    write("data.yaml", "physcal: mine.jsonl\n")
    lacking(asked, tmp_path)
    write("data.yaml", "piqa_202: mine.jsonl\n")
    assert 'data.yaml has no entry piqa_2020; did you mean "piqa_202"?' in lacking(asked, tmp_path).reason
    write("data.yaml", "copa: mine.jsonl\n")
    lacking(replace(asked, also=("copa",)), tmp_path)  # another benchmark's name does not stand for this one


def test_a_file_with_fewer_rows_than_the_published_one_is_cut(write, wanted, tmp_path: Path) -> None:
    rows = [{**PLAIN, "goal": f"to sit {n}"} for n in range(1838)]
    write("mine.jsonl", rows)
    write("data.yaml", "piqa: mine.jsonl\n")
    whole = got(wanted["piqa"], tmp_path).origin
    assert (whole["cut"], whole["notes"]) == (False, [])
    write("mine.jsonl", rows[:100])
    assert got(wanted["piqa"], tmp_path).origin["cut"] is True
    write("data.yaml", "piqa: {file: mine.jsonl, rows: 100}\n")
    assert got(wanted["piqa"], tmp_path).origin["cut"] is False
    write("mine.jsonl", [*rows, {**PLAIN, "goal": "one more"}])
    with pytest.raises(BadInput, match="1,839 rows, the published one 100"):
        find(wanted["piqa"], [str(tmp_path)])
    write("data.yaml", "piqa: mine.jsonl\n")  # nobody said how many it has
    assert got(wanted["piqa"], tmp_path).origin["cut"] is False


def test_files_of_several_splits_have_no_published_number(write, wanted, tmp_path: Path) -> None:
    write("data.yaml", "mbpp: mine.jsonl\n")
    write("mine.jsonl", [GOOD["mbpp"]])
    assert got(wanted["mbpp"], tmp_path).origin["cut"] is False


def test_a_task_that_nobody_knows(write, tmp_path: Path) -> None:
    mine = Wanted("mine", None, None, "test")
    missing = lacking(mine, tmp_path)
    assert "none of mine.jsonl, mine.json, mine.parquet in the place given" in missing.reason
    assert "data.yaml" in missing.fix
    assert got(mine, write("mine.jsonl", [{"a": 1}])).rows == ({"a": 1},)
    french = Wanted("piqa", "me/piqa_fr", None, "validation")
    write("piqa.jsonl", [PIQA])
    assert "no copy of me/piqa_fr" in lacking(french, tmp_path).reason
    again = Wanted("my_piqa", "baber/piqa", None, "validation")
    assert got(again, tmp_path).origin["layout"] == "foundry-piqa"


def test_no_place_at_all(wanted) -> None:
    missing = lacking(wanted["sciq"])
    assert "allenai/sciq" in missing.fix
    assert "hub" in missing.fix


def test_the_survey_names_what_would_be_found(write, wanted, tmp_path: Path) -> None:
    place = [str(write("piqa.jsonl", [PIQA]))]
    first = survey(wanted["piqa"], place)
    assert first is not None
    assert survey(wanted["piqa"], place) == first
    write("moved/piqa.jsonl", [PIQA])
    assert survey(wanted["piqa"], [str(tmp_path / "moved")]) == first, "the folder is no part of it"
    write("piqa.jsonl", [{**PIQA, "gold": 1}])
    second = survey(wanted["piqa"], place)
    assert second != first
    write("data.yaml", "piqa: {file: piqa.jsonl, layout: foundry-piqa, notes: other}\n")
    assert survey(wanted["piqa"], place) not in (first, second)


def test_equal_files_give_equal_documents(write, wanted, tmp_path: Path) -> None:
    write("a/piqa.jsonl", [PIQA])
    write("b/piqa.jsonl", [PIQA])
    assert got(wanted["piqa"], tmp_path / "a") == got(wanted["piqa"], tmp_path / "b")
    assert str(tmp_path) not in repr(got(wanted["piqa"], tmp_path / "a"))
