"""Files of the user's own, in whatever state: what they ask, filters, limits, ids, what is left out and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.prompts.choose import first
from leaven.evaluate.prompts.plan import PromptPlan
from leaven.evaluate.prompts.read import Prompt
from leaven.evaluate.prompts.survey import survey_prompts
from leaven.ground.errors import BadInput

from .conftest import built, content

USER = {"role": "user", "content": "Why?"}


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"instruction": "Why?", "prompt": "no"}, "Why?"),
        ({"instruction": "Sum.", "input": "A text.", "output": "x"}, "Sum.\n\nA text."),
        ({"instruction": "Sum.", "context": " \n", "response": "x"}, "Sum."),
        ({"instruction": "Sum.", "context": "", "input": "Of this."}, "Sum.\n\nOf this."),
        ({"prompt": "Why?\r\nHow?\r"}, "Why?\nHow?"),
        ({"prompt": ["Why?", "And then?"], "prompt_id": 7}, "Why?"),
        ({"question": "Why?", "context": "A sky."}, "Why?\n\nA sky."),
        ({"turns": ["Why?", "Again."]}, "Why?"),
        ({"inputs": " Why? ", "targets": "So."}, "Why?"),
        ({"input": "Why?"}, "Why?"),
        ({"text": "Why?"}, "Why?"),
        ({"messages": [{"role": "system", "content": "Be brief."}, USER, {"role": "assistant"}]}, "Be brief.\n\nWhy?"),
        ({"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}, "Why?"),
        ({"instruction": "a\u2028b\x85c"}, "a\u2028b\x85c"),
    ],
)
def test_fields_that_may_hold_an_instruction(put, tmp_path: Path, row, shown: str) -> None:
    rows, _ = built(PromptPlan(str(put("p.jsonl", [row]))), [], tmp_path / "out")
    assert [one["instruction"] for one in rows] == [shown]


@pytest.mark.parametrize(
    "name", ["p.jsonl", "p.json", "p.parquet", "p.jsonl.gz", "p.json.gz", "p.jsonl.zst", "p.json.zst", "P.JSONL.ZST"]
)
def test_forms_of_files_give_the_same_prompts(put, tmp_path: Path, name: str) -> None:
    given = [{"instruction": f"Say {n}\u2028{n}", "context": "c" * n, "id": n, "category": "k"} for n in range(5)]
    rows, about = built(PromptPlan(str(put(name, given))), [], tmp_path / "out")
    assert [row["id"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert rows[2]["instruction"] == "Say 2\u20282\n\ncc"
    assert (about["set"], about["origin"], about["source"]) == (name, name, None)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("p.jsonl", b"", "holds no rows"),
        ("p.jsonl", b'{"prompt": "a"}\n{"prompt": \n', "p.jsonl:2: not JSON"),
        ("p.jsonl", b'{"prompt": "a"}\n{"text": "b"}\n', "p.jsonl:2: prompt: the field is missing"),
        ("p.jsonl", b'{"prompt": "a"}\n{"prompt": 5}\n', "p.jsonl:2: prompt: expected text, found a whole number"),
        ("p.jsonl", b'{"prompt": {"content": ["a"]}}', "expected the text of a message, found a list"),
        ("p.jsonl", b'{"messages": [{"role": "assistant", "content": "a"}]}', "no message is a user's"),
        ("p.jsonl", b'{"prompt": "\\ud800"}', "half of a surrogate pair"),
        ("p.jsonl", b'{"prompt": "\xff"}', "not UTF-8"),
        ("p.jsonl", b'{"completion": "a"}', "no field holds an instruction; the row has completion"),
        ("p.jsonl", b'{"prompt": " "}\n{"prompt": null}\n', "every instruction of"),
        ("p.json", b'"a"', "expected a list of rows"),
        ("p.txt", b"a", "this form of file is not read"),
        ("p.parquet.zst", b"a", "this form of file is not read"),
        ("p.jsonl.zst", b"a", "not a complete zstd file"),
        ("p.jsonl.zst", content("p.jsonl.zst", [{"prompt": "a" * 99}] * 9)[:-4], "not a complete zstd file"),
        ("p.jsonl.gz", content("p.jsonl.gz", [{"prompt": "a" * 99}] * 9)[:-4], "ends too early"),
        ("p.parquet", b"PAR1", "not a complete parquet file"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput) as error:
        survey_prompts(PromptPlan(str(tmp_path / name)), [])
    assert said in str(error.value)
    assert name.removesuffix(".zst") in str(error.value)


def test_what_is_empty_or_there_already_is_left_out_and_counted(put, tmp_path: Path) -> None:
    given = [
        {"id": 1, "instruction": "Why?", "context": ""},
        {"id": 2, "instruction": " Why?\n", "context": None},
        {"id": 3, "instruction": "Why?", "context": "A sky."},
        {"id": 4, "instruction": " \n"},
        {"id": 5, "instruction": None},
    ]
    rows, about = built(PromptPlan(str(put("p.jsonl", given))), [], tmp_path / "out")
    assert [row["id"] for row in rows] == ["1", "3"]
    assert [about[name] for name in ("read", "rows", "asked", "empty", "duplicates", "chosen")] == [5, 5, 5, 2, 1, 2]


def test_ids_are_one_prompts_only(put) -> None:
    path = put("p.jsonl", [{"id": 1, "prompt": "Why?"}, {"id": "1", "prompt": "How?"}])
    with pytest.raises(BadInput, match=r'p\.jsonl:2: the id "1" is that of another prompt already \(.*p\.jsonl:1\)'):
        survey_prompts(PromptPlan(str(path)), [])


def test_ids_without_an_own_one_depend_on_the_text_alone(put, tmp_path: Path) -> None:
    one, _ = built(PromptPlan(str(put("a.jsonl", [{"prompt": "A"}, {"prompt": "B"}]))), [], tmp_path / "a")
    two, _ = built(PromptPlan(str(put("b.json", [{"text": "B", "id": ""}, {"text": "C"}]))), [], tmp_path / "b")
    assert one[1]["id"] == two[0]["id"]
    assert len({row["id"] for row in one + two}) == 3


ROWS: list[dict[str, Any]] = [
    {"prompt": f"Say {n}", "category": ["open_qa", "brainstorming", "closed_qa"][n % 3], "level": n % 2, "ok": n < 3}
    for n in range(12)
]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"category": ("open_qa",)}, [0, 3, 6, 9]),
        ({"category": ("open_qa", "brainstorming")}, [0, 1, 3, 4, 6, 7, 9, 10]),
        ({"category": ("open_qa",), "level": ("1",)}, [3, 9]),
        ({"ok": ("true",)}, [0, 1, 2]),
    ],
)
def test_where(put, tmp_path: Path, where, kept: list[int]) -> None:
    rows, about = built(PromptPlan(str(put("p.jsonl", ROWS)), where=where), [], tmp_path / "out")
    assert [row["instruction"] for row in rows] == [f"Say {n}" for n in kept]
    assert about["asked"] == len(kept)
    assert about["where"] == {name: list(values) for name, values in where.items()}


def test_where_a_row_has_several_values(put, tmp_path: Path) -> None:
    path = put("p.jsonl", [{"prompt": "A", "tags": ["x", "y"]}, {"prompt": "B", "tags": []}, {"prompt": "C"}])
    rows, _ = built(PromptPlan(str(path), where={"tags": ("y",)}), [], tmp_path / "out")
    assert [row["instruction"] for row in rows] == ["A"]


@pytest.mark.parametrize(
    ("where", "field", "said"),
    [
        ({"categry": ("open_qa",)}, "where.categry", 'did you mean "category"?'),
        ({"categry": ("open_qa",)}, "where.categry", "The fields are: prompt, category, level, ok."),
        ({"category": ("open_qa", "poetry")}, "where.category", 'no row has the value "poetry"'),
        ({"category": ("poetry",)}, "where.category", "open_qa (4), brainstorming (4), closed_qa (4)"),
        ({"ok": ("true",), "category": ("open_qa",), "level": ("1",)}, "where", "no row has all of it at once"),
    ],
)
def test_where_nothing_matches(put, where, field: str, said: str) -> None:
    path = put("p.jsonl", ROWS)
    with pytest.raises(BadInput) as error:
        survey_prompts(PromptPlan(str(path), where=where), [])
    assert said in str(error.value)
    assert error.value.field == field


names = st.lists(st.text(st.sampled_from("abc012"), min_size=1), unique=True, max_size=12)


@given(names, st.integers(1, 14), st.integers(0, 3), st.randoms())
def test_a_limit_takes_by_key_and_keeps_the_order(ids, limit: int, seed: int, random) -> None:
    prompts = [Prompt(name, f"Say {name}") for name in ids]
    taken = first(prompts, limit, seed)
    assert len(taken) == min(limit, len(ids))
    assert taken == [prompt for prompt in prompts if prompt in taken]
    assert set(taken) <= set(first(prompts, limit + 1, seed))
    moved = prompts[:]
    random.shuffle(moved)
    assert set(first(moved, limit, seed)) == set(taken)
    assert first(prompts, None, seed) == prompts


def test_a_limit_is_not_the_first_rows(put, tmp_path: Path) -> None:
    path = str(put("p.jsonl", [{"id": n, "prompt": f"Say {n}"} for n in range(200)]))
    chosen = [
        [row["id"] for row in built(PromptPlan(path, limit=20, seed=seed), [], tmp_path / f"{seed}")[0]]
        for seed in (0, 1)
    ]
    assert chosen[0] != chosen[1]
    assert all(len(ids) == 20 and ids == sorted(ids, key=int) and int(ids[-1]) > 100 for ids in chosen)


def test_equal_plans_give_equal_bytes(put, tmp_path: Path) -> None:
    path = str(put("p.jsonl", ROWS))
    for name in "ab":
        built(PromptPlan(path, limit=5), [], tmp_path / name)
    for file in ("prompts.jsonl", "prompts.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_rows_that_are_written(put, tmp_path: Path) -> None:
    path = put("p.jsonl", [{"id": 3, "instruction": "Sum.", "context": "A {instruction}.", "category": "summary"}])
    frame = "Do: {instruction}\nWith: {context}\nDone:"
    rows, about = built(PromptPlan(str(path), frame=frame), [], tmp_path / "out")
    assert rows == [
        {
            "id": "3",
            "text": "Do: Sum.\nWith: A {instruction}.\nDone:",
            "instruction": "Sum.\n\nA {instruction}.",
            "category": "summary",
        }
    ]
    assert (about["frame"], about["stop"]) == (frame, ["\nDo:"])
    assert (about["overlap"], about["searched"]) == ({}, 0)
    assert json.loads((tmp_path / "out" / "prompts.json").read_text())["version"] == "prompts/1"
