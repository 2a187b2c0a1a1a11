"""The grammar of `data.yaml`."""

from __future__ import annotations

import pytest

from leaven.evaluate.data.forms import FORMS
from leaven.evaluate.data.known import KNOWN, known
from leaven.evaluate.data.layouts import LAYOUTS
from leaven.evaluate.data.mapping import Entry, built_in, read_mapping
from leaven.ground.errors import BadInput


def test_the_short_and_the_long_form(write) -> None:
    text = """\
piqa: sub/piqa.jsonl
boolq:
  file: [a.jsonl, b.jsonl.gz]
  layout: foundry-boolq
  split: validation
  fields: {query: text}
  licence: mine
  notes: [one, two]
cb:
- {file: cb.jsonl, labels: cb.lst, duplicates: kept, rows: 56, config: cb}
- other.jsonl
"""
    path = write("data.yaml", text) / "data.yaml"
    assert read_mapping(path, "data.yaml") == {
        "piqa": (Entry("data.yaml:1", ("sub/piqa.jsonl",)),),
        "boolq": (
            Entry(
                "data.yaml:3",
                ("a.jsonl", "b.jsonl.gz"),
                layout="foundry-boolq",
                split="validation",
                fields={"query": "text"},
                licence="mine",
                notes=("one", "two"),
            ),
        ),
        "cb": (
            Entry("data.yaml:10", ("cb.jsonl",), ("cb.lst",), config="cb", published=56, kept=True),
            Entry("data.yaml:11", ("other.jsonl",)),
        ),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "data.yaml: expected tasks"),
        ("- a\n", "data.yaml: expected tasks"),
        ("piqa: [\n", r"data.yaml:\d: not valid YAML"),
        ("piqa: a.jsonl\npiqa: b.jsonl\n", "data.yaml:2: piqa: the field is given twice"),
        ("piqa:\n  file: a\n  file: b\n", r"data.yaml:3: piqa\.file: the field is given twice"),
        ("piqa: {layout: rows}\n", r"data.yaml:1: piqa\.file: no file is given"),
        ("piqa:\n", "data.yaml:1: piqa: expected a path"),
        ("piqa: []\n", "data.yaml:1: piqa: no file is given"),
        (
            "piqa:\n  file: a\n  layot: rows\n",
            r'data.yaml:3: piqa\.layot: unknown field "layot"; did you mean "layout"',
        ),
        ("piqa:\n  file: a\n  layout: foundry-piga\n", r'data.yaml:3: piqa\.layout: .*did you mean "foundry-piqa"'),
        ("piqa:\n  file: 3\n", r"data.yaml:2: piqa\.file: expected text, or a list of texts, found 3"),
        (
            "piqa:\n  file: a\n  config: 2016\n",
            r'data.yaml:3: piqa\.config: expected text \(put it in quotes: "2016"\)',
        ),
        ("piqa:\n  file: a\n  fields: [a]\n", r"data.yaml:3: piqa\.fields: expected \{template field: file field\}"),
        ("piqa:\n  file: a\n  rows: many\n", r"data.yaml:3: piqa\.rows"),
        ("piqa:\n  file: a\n  duplicates: true\n", r"data.yaml:3: piqa\.duplicates: expected kept, found True"),
        ("piqa:\n- a\n- {file: a, split: 1}\n", r"data.yaml:3: piqa\[1\]\.split: expected text"),
        ("1: a\n", "data.yaml:1: expected a name"),
        ("piqa: &a\n- *a\n", "data.yaml"),
        ("piqa: !!python/object:os.system a\n", "data.yaml"),
        (b"\xff", "data.yaml: not UTF-8"),
    ],
)
def test_mistakes_are_named_by_line_and_field(write, text, said: str) -> None:
    path = write("data.yaml", text) / "data.yaml"
    with pytest.raises(BadInput, match=said):
        read_mapping(path, "data.yaml")


def test_the_built_in_mapping_is_of_known_benchmarks() -> None:
    tasks = {one.task for one in KNOWN}
    assert set(built_in()) == tasks
    assert {one.form for one in KNOWN} <= set(FORMS)
    assert {layout for one in KNOWN for layout in one.layouts} <= set(LAYOUTS)
    assert {layout.form for layout in LAYOUTS.values()} - {""} <= set(FORMS)


def test_other_data_under_a_known_name_is_not_that_benchmark() -> None:
    assert known("piqa", "baber/piqa", None) is known("piqa", None, None)
    assert known("piqa", "me/piqa_fr", None) is None
    easy = known("my_arc", "allenai/ai2_arc", "ARC-Easy")
    assert easy is not None
    assert easy.task == "arc_easy"
    assert known("arc_easy", "allenai/ai2_arc", "ARC-Other") is None
    lambada = known("x", "EleutherAI/lambada_openai", None)
    assert lambada is not None
    assert lambada.task == "lambada_openai"
