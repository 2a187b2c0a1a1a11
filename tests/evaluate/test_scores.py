"""Summaries of tasks by hand."""

from __future__ import annotations

import pytest

from leaven.evaluate.answers import choice_measures, likeliest, program_measures, short_measures, target_measures
from leaven.evaluate.baselines import choice_baselines, text_baselines
from leaven.evaluate.item import Choice, Match, Passage, Program, Short, Target
from leaven.evaluate.record import Record, Scored
from leaven.evaluate.scores import decontamination, predicted_shares, summarise

ACCURACY = {"measure": "accuracy"}


def choices(golds, answers=("x", "y", "z"), group="", nats=None):
    """Records of items with three choices; the likeliest is the first unless `nats` says otherwise."""
    found = []
    for place, gold in enumerate(golds):
        item = Choice(str(place), group and f"{group}{place // 2}", "c", answers, gold)
        values = nats[place] if nats else (-1.0, -2.0, -3.0)
        measures = choice_measures(item, values, [1, 1, 1])
        found.append(Record(item, measures, Scored(tuple(values)), predicted=likeliest(values)))
    return found


def test_a_summary_by_hand():
    entry = summarise("choice", choices([0, 0, 1, 0]), ACCURACY)
    assert entry["accuracy"] == {"value": 0.75, "n": 4, "se": pytest.approx(0.25)}
    assert entry["score"] == {"measure": "accuracy", **entry["accuracy"]}
    assert (entry["chance"], entry["constant"], entry["majority"]) == (pytest.approx(1 / 3), 0.75, 0.75)
    assert entry["bound"] == 0.75
    assert entry["above_chance_hint"] is False
    assert entry["predicted"] == {"0": 1.0}
    assert entry["always"] == {"answer": "0", "share": 1.0}
    assert (entry["degenerate"], entry["truncated"], entry["uneven"], entry["clusters"]) == (0, 0, 0, 4)
    assert "tied" not in entry
    assert entry["decontamination"]["searched"] is False
    assert (entry["decontamination"]["occurring"], entry["decontamination"]["of"]) == (None, 4)


def test_always_yes_shows():
    entry = summarise(
        "choice",
        choices([1, 0, 0], ("no", "yes", "maybe"), nats=[(-2.0, -1.0, -3.0)] * 3),
        {"measure": "accuracy", "settings": {"labels": [" no", " yes", " maybe"]}},
    )
    assert entry["predicted"] == {"yes": 1.0}
    assert entry["always"] == {"answer": "yes", "share": 1.0}


def test_ties_are_degenerate():
    entry = summarise("choice", choices([0, 0], nats=[(-1.0, -1.0, -2.0), (-1.0, -2.0, -2.0)]), ACCURACY)
    assert entry["degenerate"] == 0.5
    assert entry["accuracy"]["value"] == 0.5
    assert entry["acc_lm_eval"]["value"] == 1.0


def test_items_of_a_group_widen_the_error():
    golds = [0, 0, 1, 1] * 5  # pairs of one group are both right or both wrong
    alone, grouped = (summarise("choice", choices(golds, group=group), ACCURACY) for group in ("", "g"))
    assert (alone["clusters"], grouped["clusters"]) == (20, 10)
    assert alone["accuracy"]["value"] == grouped["accuracy"]["value"]
    assert grouped["accuracy"]["se"] == pytest.approx(2**0.5 * alone["accuracy"]["se"], rel=0.03)


def test_a_target_task():
    items = [Target(str(place), "", "c", word) for place, word in enumerate(("cat", "Cat", "dog", "."))]
    records = [Record(item, target_measures(-2.0 * (place + 1), 4, place == 0)) for place, item in enumerate(items)]
    entry = summarise("target", records, ACCURACY)
    assert entry["accuracy"]["value"] == 0.25
    assert entry["perplexity"]["value"] == pytest.approx(2.718281828**5)
    assert entry["bits_per_byte"]["value"] == pytest.approx(5 / 4 / 0.6931471805599453)
    assert (entry["chance"], entry["constant"], entry["majority"], entry["bound"]) == (0.0, None, 0.5, 0.5)
    hopeless = [Record(item, target_measures(-9e4, 4, False)) for item in items]
    assert "perplexity" not in summarise("target", hopeless, ACCURACY)


def test_a_short_answer_task():
    known = [("Paris",), ("the Paris!", "Lutetia"), ("Rome",)]
    records = []
    for place, answers in enumerate(known):
        item = Short(str(place), "", "Q:", answers)
        records.append(Record(item, short_measures(item, "paris", -1.0, 5, None), texts=("paris",)))
    entry = summarise("short", records, {"measure": "exact_match"})
    assert entry["exact_match"]["value"] == pytest.approx(2 / 3)
    assert entry["bound"] == entry["majority"] == pytest.approx(2 / 3)
    assert entry["above_chance_hint"] is False
    assert entry["always"] == {"answer": "paris", "share": 1.0}


def test_a_program_task():
    records = [
        Record(
            Program(str(place), "", "def f():\n", "assert f()", "    return 1"),
            program_measures(["    return 1", ""], [place == 0, False], (1, 2)),
            texts=("    return 1", ""),
            outcomes=("passed", "failed"),
            level="bubblewrap",
        )
        for place in range(2)
    ]
    entry = summarise("program", records, {"measure": "pass@2"})
    assert entry["pass@1"]["value"] == 0.25
    assert entry["pass@2"]["value"] == entry["score"]["value"] == 0.5
    assert (entry["isolation"], entry["degenerate"], entry["bound"]) == ("bubblewrap", 0.5, 0.0)
    assert entry["always"]["share"] == 0.5


def test_a_rolling_task_knows_no_chance():
    records = [Record(Passage(str(n), "", "text"), {"bits": 8.0 * n, "bytes": 4.0}) for n in (1, 2)]
    entry = summarise("rolling", records, {"measure": "bits_per_byte"})
    assert entry["bits_per_byte"]["value"] == 3.0
    assert entry["chance"] is entry["bound"] is entry["above_chance_hint"] is None


def test_what_is_passed_on():
    described = {
        "measure": "accuracy",
        "overlap": {"candidates": 9, "dropped": 5, "occurring": 1, "decontaminated": True},
        "origin": {"data": {"cut": "2,000 of 3,270"}, "notes": ["options were rewritten"]},
    }
    entry = summarise("choice", choices([0, 1]), described)
    assert entry["decontamination"] == {
        "searched": True,
        "decontaminated": True,
        "occurring": 1,
        "dropped": 5,
        "of": 9,
    }
    assert (entry["cut"], entry["notes"]) == ("2,000 of 3,270", ["options were rewritten"])
    assert decontamination({"candidates": 3, "dropped": 0, "occurring": 0}, 3)["searched"] is True


def test_baselines():
    items = [Choice("1", "", "c", pair, gold) for pair, gold in ((("x", "y"), 0), (("x", "y"), 1), (("z", "y"), 1))]
    assert choice_baselines(items) == {"chance": 0.5, "constant": 2 / 3, "majority": 2 / 3}
    matches = [Match("1", "g", ("one", "two"), " x", gold) for gold in (0, 0, 1)]
    assert choice_baselines(matches) == {"chance": 0.5, "constant": 2 / 3, "majority": 2 / 3}
    uneven = [Choice("1", "", "c", ("a", "b"), 0), Choice("2", "", "c", ("a", "b", "c", "d"), 3)]
    assert choice_baselines(uneven)["chance"] == 0.375
    assert text_baselines([("The x", "x."), ("X",), ("!",)])["majority"] == 2 / 3


def test_predicted_shares():
    assert predicted_shares([0, 1, 1, 1]) == {"0": 0.25, "1": 0.75}
    assert predicted_shares([1, 0], [" no", " yes"]) == {"no": 0.5, "yes": 0.5}
