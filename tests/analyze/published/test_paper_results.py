"""The paper's scores as data: whole, consistent in themselves, and found under the names that studies use."""

from __future__ import annotations

import pytest

from leaven.analyze.published.paper_results import checks, matched, numbers, of_part, plain
from leaven.analyze.published.paper_search import scores


def test_every_score_stands_where_the_paper_has_it() -> None:
    counted: dict[str, int] = {}
    for number in numbers():
        counted[number.part] = counted.get(number.part, 0) + 1
    assert counted == {
        "table 2": 50,
        "figure 2": 12,
        "figure 3": 9,
        "figure 4": 18,
        "figure 5a": 8,
        "figure 5b": 4,
        "figure 6": 9,
    }
    assert {n.kind for n in of_part("figure 4")} == {"digitised"}
    assert {n.kind for n in numbers() if n.part != "figure 4"} == {"printed"}
    assert {n.size for n in numbers()} == {"470m", "2.8b"}
    assert {n.point for n in numbers()} == {"initialization", "before cooldown", "final"}


def test_the_formulas_give_table_2_and_shared_checkpoints_agree() -> None:
    by_group: dict[str, list[bool | None]] = {}
    for check in checks():
        by_group.setdefault(check.group, []).append(check.ok)
    assert by_group == {
        "natural language average": [True] * 10,
        "total average": [True] * 10,
        "one checkpoint in two parts": [True] * 24,
    }


def test_a_checkpoint_counts_once_and_the_part_asked_for_comes_first() -> None:
    assert scores()["470m", "code", "code+markup, final"].value == 10.7
    assert scores("figure 4")["470m", "code", "code+markup, final"].value == 10.65
    natural = scores()["2.8b", "natural language", "code→text, before cooldown"]
    assert (natural.value, natural.within, natural.kind) == (pytest.approx(41.75), 0.05, "computed")


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Balanced->Text", "balanced→text"),
        ("balanced + synth => text", "balanced+synth→text"),
        ("25%", "25 % code"),
        ("25 % code", "25 % code"),
        ("code+synthetic", "code+synth"),
        ("no_cooldown", "no-cooldown"),
    ],
)
def test_names_are_folded(name: str, folded: str) -> None:
    assert plain(name) == folded


def test_variants_are_matched_by_name_the_most_particular_first() -> None:
    by = {(n.part, n.variant): n for n in numbers()}
    assert matched(by["figure 4", "25 % code"], ["0 %", "25%", "33 %"]) == "25%"
    assert matched(by["figure 6", "no cooldown"], ["No  cooldown"]) == "No  cooldown"
    assert matched(by["figure 2", "text-only"], ["mine"]) == ""
    names = ["balanced→text", "balanced→text before cooldown", "balanced→text without synth"]
    assert matched(by["figure 2", "balanced→text"], names) == "balanced→text before cooldown"
    assert matched(by["figure 5b", "balanced→text"], names) == "balanced→text without synth"
    assert matched(by["figure 5b", "balanced→text"], names[:1]) == "balanced→text"
