"""The paper's averages and its rule."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.baselines import beats
from leaven.evaluate.categories import categories
from leaven.ground.errors import BadInput

# full splits (EVALUATION.md §9); QuAC's validation has 7,354 questions
ITEMS = {
    "boolq": 3270, "piqa": 1838, "sciq": 1000, "social_iqa": 1954, "quac": 7354, "cb": 56, "copa": 100,
    "storycloze": 1871, "hellaswag": 10042, "winogrande": 1267, "arc_easy": 2376,
}  # fmt: skip
PAPER = {
    "reason": list(ITEMS),
    "know": ["triviaqa", "nq_open"],
    "code": ["humaneval", "mbpp"],
    "nl": ["reason", "know"],
    "total": ["reason", "know", "code"],
}
PRIMARY = dict.fromkeys(ITEMS, "accuracy") | {
    "triviaqa": "exact_match", "nq_open": "exact_match", "humaneval": "pass@1", "mbpp": "pass@1",
}  # fmt: skip
# PAPER.md §5, Table 2: reason, know, nl, code, total
TABLE_2 = [
    (49.0, 9.5, 29.2, 0.4, 19.6), (54.1, 11.1, 32.6, 4.4, 23.2), (51.8, 8.1, 30.0, 9.0, 23.0),
    (53.2, 11.1, 32.1, 8.4, 24.2), (52.0, 7.4, 29.6, 7.8, 22.4), (53.0, 9.9, 31.5, 4.8, 22.6),
    (54.9, 10.9, 32.9, 5.8, 23.9), (44.7, 1.5, 23.1, 15.5, 20.6), (53.3, 9.5, 31.4, 4.1, 22.3),
    (52.1, 10.3, 31.2, 7.5, 23.3),
]  # fmt: skip


def entry(measure, value, n=1000, se=0.01, bound=0.0):
    return {measure: {"value": value, "n": n, "se": se}, "bound": bound}


def every(values):
    """A scores.json in which each task of a category has the category's value."""
    of = (
        dict.fromkeys(ITEMS, values[0])
        | dict.fromkeys(PAPER["know"], values[1])
        | dict.fromkeys(PAPER["code"], values[2])
    )
    return {task: entry(PRIMARY[task], value) for task, value in of.items()}


def worst_case(leave=()):
    return {
        task: entry("accuracy", 0.5, n, math.sqrt(0.25 / n), 0.25) for task, n in ITEMS.items() if task not in leave
    }


@pytest.mark.parametrize("row", TABLE_2)
def test_the_papers_formulas_reproduce_its_table(row):
    reason, know, nl, code, total = row
    found = categories({"m": every((reason, know, code))}, PAPER, PRIMARY).every
    assert found["nl"]["m"].value == pytest.approx(nl, abs=0.1 + 1e-9)
    assert found["total"]["m"].value == pytest.approx(total, abs=0.1 + 1e-9)
    assert found["reason"]["m"].value == pytest.approx(reason)


def test_the_noise_budget_of_the_suite():
    """EVALUATION.md §6: 0.82 points, of which CB 55 % and COPA 31 % of the variance; 0.37 points without them."""
    found = categories({"m": worst_case()}, {"reason": list(ITEMS)}, PRIMARY).every["reason"]["m"]
    assert 100 * found.se == pytest.approx(0.82, abs=0.005)
    assert found.variance["cb"] == pytest.approx(0.55, abs=0.006)
    assert found.variance["copa"] == pytest.approx(0.31, abs=0.006)
    assert list(found.variance)[:2] == ["cb", "copa"]
    rest = categories({"m": worst_case(("cb", "copa"))}, {"reason": list(ITEMS)}, PRIMARY)
    assert 100 * rest.every["reason"]["m"].se == pytest.approx(0.37, abs=0.005)
    assert rest.missing == {"cb": "not evaluated", "copa": "not evaluated"}


@given(st.lists(st.floats(0.001, 0.1), min_size=15, max_size=15))
def test_the_error_of_nested_averages(errors):
    scores = every((0.5, 0.5, 0.5))
    for (task, _), se in zip(PRIMARY.items(), errors, strict=True):
        scores[task][PRIMARY[task]]["se"] = se
    found = categories({"m": scores}, PAPER, PRIMARY).every
    se = {name: found[name]["m"].se for name in PAPER}
    of = dict(zip(PRIMARY, errors, strict=True))
    for name in ("reason", "know", "code"):
        assert se[name] == pytest.approx(math.sqrt(sum(of[task] ** 2 for task in PAPER[name])) / len(PAPER[name]))
    assert se["total"] == pytest.approx(math.sqrt(se["reason"] ** 2 + se["know"] ** 2 + se["code"] ** 2) / 3)
    assert sum(found["total"]["m"].variance.values()) == pytest.approx(1)


def test_a_task_in_two_members_counts_twice_in_the_error():
    scores = {"a": entry("accuracy", 0.5, se=0.1), "b": entry("accuracy", 0.7, se=0.2)}
    averages = {"x": ["a"], "y": ["a", "b"], "z": ["x", "y"]}
    found = categories({"m": scores}, averages, {"a": "accuracy", "b": "accuracy"}).every["z"]["m"]
    assert found.value == pytest.approx(0.75 * 0.5 + 0.25 * 0.7)
    assert found.se == pytest.approx(math.hypot(0.75 * 0.1, 0.25 * 0.2))


def test_a_task_counts_only_if_every_model_beats_its_bound():
    good = {"a": entry("accuracy", 0.8, bound=0.5), "b": entry("accuracy", 0.6, bound=0.25)}
    weak = {"a": entry("accuracy", 0.51, bound=0.5), "b": entry("accuracy", 0.4, bound=0.25)}
    found = categories({"good": good, "weak": weak}, {"mean": ["a", "b"]}, {"a": "accuracy", "b": "accuracy"})
    assert [(left.task, left.bound, left.failing) for left in found.at_chance] == [("a", 0.5, {"weak": 0.51})]
    assert found.at_chance[0].reason == "not above what guessing scores (50 %): weak 51 %"
    assert found.every["mean"]["good"].value == pytest.approx(0.7)
    assert (found.above["mean"]["good"].value, found.above["mean"]["weak"].value) == (0.6, 0.4)
    assert found.above["mean"]["good"].tasks == ("b",)
    alone = categories({"good": good}, {"mean": ["a", "b"]}, {"a": "accuracy", "b": "accuracy"})
    assert alone.above["mean"]["good"].value == pytest.approx(0.7)


def test_nothing_left_is_no_mean():
    scores = every((0.5, 0.5, 0.0))
    found = categories({"m": scores}, PAPER, PRIMARY)
    assert found.every["total"]["m"].value == pytest.approx(1 / 3)
    assert (found.above["code"]["m"].value, found.above["code"]["m"].absent) == (None, ("code",))
    assert (found.above["total"]["m"].value, found.above["total"]["m"].absent) == (None, ("code",))
    assert found.above["nl"]["m"].value == pytest.approx(0.5)
    assert found.as_data()["above"]["total"]["m"]["value"] is None


def test_what_did_not_run_is_named():
    one, two = every((0.5, 0.5, 0.5)), every((0.5, 0.5, 0.5))
    del one["sciq"], two["sciq"], one["piqa"]
    one["humaneval"] = {"left_out": "nothing here isolates model-written programs", "chance": 0.0}
    found = categories({"one": one, "two": two}, PAPER, PRIMARY, {"sciq": "no file of sciq in data"})
    assert found.missing == {
        "sciq": "no file of sciq in data",
        "piqa": "one: not evaluated",
        "humaneval": "one: nothing here isolates model-written programs",
    }
    assert "piqa" not in found.every["reason"]["two"].tasks


def test_measures_in_bits_know_no_chance():
    scores = {"a": entry("gold_bpb", 3.0, bound=0.5), "b": entry("gold_bpb", 1.0, bound=0.5)}
    found = categories({"m": scores}, {"mean": ["a", "b"]}, {"a": "gold_bpb", "b": "gold_bpb"})
    assert found.every["mean"]["m"].value == 2
    assert found.above == {}
    assert not found.at_chance


@pytest.mark.parametrize(
    ("averages", "primary", "said"),
    [
        ({"x": ["a", "c"]}, {"a": "accuracy"}, '"c" is no task'),
        ({"x": ["y"], "y": ["a"]}, {"a": "accuracy"}, '"y" is no task, and no average named before it'),
        ({"x": []}, {"a": "accuracy"}, "needs a member"),
        ({"x": ["a", "b"]}, {"a": "accuracy", "b": "gold_bpb"}, "cannot mix"),
        ({"x": ["a"]}, {"a": "acc_norm"}, "task a has no acc_norm"),
    ],
)
def test_averages_that_cannot_be(averages, primary, said):
    scores = {"a": entry("accuracy", 0.5), "b": entry("gold_bpb", 2.0)}
    with pytest.raises(BadInput, match=said):
        categories({"m": scores}, averages, primary)


@pytest.mark.parametrize(
    ("value", "se", "n", "level", "above"),
    [
        (0.55, 0.02, 600, 0.5, True),
        (0.53, 0.02, 600, 0.5, False),
        (0.5, 0.0, 100, 0.5, False),  # a tie with the level
        (0.25, 0.0, 4, 0.25, False),
        (1.0, 0.0, 4, 0.5, False),  # 4 of 4: 6 % by guessing
        (1.0, 0.0, 5, 0.5, True),
        (1.0, None, 1, 0.5, False),
        (0.0, 0.0, 164, 0.0, False),
    ],
)
def test_beating_a_level(value, se, n, level, above):
    assert beats(value, se, n, level) is above


def test_one_of_many_is_more_than_nothing():
    """A standard error taken near 0 would call 1 of 164 a guess, although nobody guesses a program."""
    one = math.sqrt(1 / 164 * 163 / 164 / 163)
    assert beats(1 / 164, one, 164, 0.0)
    assert not beats(0.0, 0.0, 164, 0.0)
    # 9 of 2,000 is more than a constant answer's 0.1 %, 4 is not: P(X >= 9) = 0.0002, P(X >= 4) = 0.14
    assert beats(9 / 2000, 0.0015, 2000, 0.001)
    assert not beats(4 / 2000, 0.001, 2000, 0.001)
    # the same score of items that come in groups of ten alike stands on a tenth of the items
    plain = math.sqrt(0.55 * 0.45 / 1000)
    assert beats(0.55, plain, 1000, 0.5)
    assert not beats(0.55, plain * math.sqrt(10), 1000, 0.5)
