"""What training would take elsewhere: hours, days, memory, money."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaven.engine import costs_told
from leaven.engine.costs import HERE, Assumed, Work, assumed, bytes_on, costs, fewest, paper_check, size_of, work_of
from leaven.engine.devices import PROCESSOR, Device
from leaven.ground.errors import BadInput
from leaven.model.config import count_parameters, flops_per_token, from_size
from leaven.study.step import Graph
from leaven.train.memory import SHARE
from leaven.train.peaks import CHIPS
from leaven.train.reached import PAPER_RUNS


def graph_of(*stages):
    """A graph of stages (size, steps) of the paper's batch."""
    graph = Graph()
    for index, (size, steps) in enumerate(stages):
        model = from_size(size)
        fields = {
            "model": {name: getattr(model, name) for name in model.__dataclass_fields__},
            "steps": steps,
            "batch": 512,
            "sequence": model.sequence,
            "precision": "bfloat16",
            "seed": index,
        }
        graph.add("stage", f"stage {index}", fields, {})
    return graph


def found_of(graph, missing=None, assume=None, device=PROCESSOR, rates=None, at_once=2):
    todo = set(graph.steps) if missing is None else missing
    return costs(graph, todo, device=device, rates=rates or {}, at_once=at_once, assume=assume or Assumed())


def test_chip_hours_are_operations_over_what_a_chip_does_in_an_hour():
    graph = graph_of(("470m", 47684))
    cost = {row.hardware: row for row in found_of(graph, assume=Assumed(mfu=0.4, devices=64, prices={"H100": 2.5}))}
    model, tokens = from_size("470m"), 47684 * 512 * 8192
    for chip in ("v5e", "H100", "H200"):
        hours = tokens * flops_per_token(model) / (0.4 * CHIPS[chip].flops * 3600)
        assert cost[chip].hours == pytest.approx(hours)
        assert cost[chip].wall_hours == pytest.approx(hours / 64)
    assert cost["H100"].usd == pytest.approx(2.5 * cost["H100"].hours)
    assert cost["v5e"].usd is None


def test_at_its_own_share_the_papers_run_takes_its_own_hours():
    """200B tokens are not a whole number of batches: 47,684 of them are 0.0002 % more."""
    cost = found_of(graph_of(("470m", 47684), ("2.8b", 47684)))[0]
    assert [part.hours for part in cost.parts] == [pytest.approx(4736, rel=1e-4), pytest.approx(13824, rel=1e-4)]
    assert cost.hours == pytest.approx(18560, rel=1e-4)


def test_only_what_is_left_costs():
    graph = graph_of(("470m", 100), ("470m", 200))
    _, second = graph.steps
    whole, rest = found_of(graph)[0], found_of(graph, {second})[0]
    assert rest.hours == pytest.approx(whole.hours * 2 / 3)
    assert found_of(graph, set()) == []
    assert costs_told.lines([]) == []


def test_memory_is_that_of_the_cheapest_way_that_fits_and_no_smaller_number_of_devices_does():
    (work,) = work_of(graph_of(("2.8b", 1)).steps.values())
    memory = CHIPS["v5e"].memory
    least = fewest(work, memory)
    assert least == 16
    assert bytes_on(work, least // 2, memory) is None
    needed = bytes_on(work, least, memory)
    assert 16 * count_parameters(work.model) / least < needed <= SHARE * memory
    assert fewest(work, 10**6) is None


def test_a_batch_spreads_over_no_more_devices_than_it_has_sequences():
    model = from_size("0.3m")
    work = Work("0.3m", count_parameters(model), model, 12, "float32", 10**6)
    graph = graph_of(("470m", 10))
    assert bytes_on(work, 12, 10**10) is not None
    cost = found_of(graph, assume=Assumed(devices=700))[0]
    assert cost.parts[0].devices == 512
    assert cost.wall_hours == pytest.approx(cost.hours / 512)


def test_this_computers_cores_are_told_by_their_own_speed():
    graph = graph_of(("470m", 10))
    here = found_of(graph)[-1]
    assert (here.hardware, here.parts[0].share, here.parts[0].source) == (HERE, None, "assumed")
    (step,) = graph.steps.values()
    from leaven.engine.estimate import rate_key

    measured = found_of(graph, rates={rate_key(step.fields, "cpu"): 1000.0})[-1]
    assert measured.hours == pytest.approx(step.tokens / 1000 / 3600)
    assert measured.parts[0].source == "measured here"
    assert measured.wall_hours == pytest.approx(measured.hours / 2)


def test_an_accelerator_that_is_here_is_a_chip_like_others():
    graph = graph_of(("470m", 10))
    device = Device("gpu", "NVIDIA H200", 4, 150 * 10**9, "cuda,cpu")
    *_, h200, here = found_of(graph, device=device)
    assert here.hours == pytest.approx(h200.hours)
    assert (here.parts[0].devices, here.memory) == (4, 150 * 10**9)


def test_shapes_have_the_names_of_their_sizes():
    model = from_size("0.3m", 512, 64)
    assert size_of(model) == "0.3m"
    assert size_of(replace(model, layers=5)) == "284K"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"mfu": 40.0}, "40 is no share of the peak"),
        ({"mfu": 0.0}, "0 is no share of the peak"),
        ({"devices": 0}, "at least one device"),
        ({"prices": {"h10": 1.0}}, 'no hardware "h10"'),
        ({"prices": {"H100": -1.0}}, "-1 USD is no price"),
        ({"prices": {"H100": float("nan")}}, "nan USD is no price"),
    ],
)
def test_what_cannot_be_assumed(asked, says):
    with pytest.raises(BadInput, match=says):
        assumed(**asked)


def test_a_price_adds_its_hardware_whatever_the_case_of_its_name():
    assume = assumed(prices={"b200": 6, "here": 0.1})
    rows = found_of(graph_of(("470m", 10)), assume=assume)
    assert [row.hardware for row in rows] == ["v5e", "H100", "H200", "B200", HERE]
    assert [row.usd is not None for row in rows] == [False, False, False, True, True]


def test_the_check_against_the_papers_chip_hours():
    graph = graph_of(("470m", 10), ("2.8b", 10))
    rows = paper_check(found_of(graph), None)
    assert [row["published"] for row in rows] == [4736, 13824, 1024]
    assert [round(row["ours"]) for row in rows] == [4736, 13824, 947]
    assert [row["taken"] for row in rows] == [True, True, False]
    given = paper_check(found_of(graph), 0.4)
    assert not any(row["taken"] for row in given)
    assert [row["ours"] for row in given] == [pytest.approx(run.hours * run.share() / 0.4) for run in PAPER_RUNS]
    assert [row["run"] for row in paper_check(found_of(graph_of(("2.8b", 10))), None)] == ["200B tokens at 2.8B"]
    assert paper_check(found_of(graph_of(("0.3m", 10))), None) == []


@pytest.mark.parametrize("changed", [{"vocab": 2048}, {"sequence": 2048}])
def test_a_model_of_the_papers_name_and_another_shape_is_not_checked_against_it(changed):
    model = from_size("470m", **changed)
    graph = Graph()
    shape = {name: getattr(model, name) for name in model.__dataclass_fields__}
    fields = {"model": shape, "steps": 9, "batch": 8, "sequence": model.sequence, "precision": "bfloat16"}
    graph.add("stage", "stage", fields, {})
    found = found_of(graph)
    assert {(part.size, part.parameters) for cost in found for part in cost.parts} == {
        ("470m", count_parameters(model))
    }
    assert paper_check(found, None) == []


def test_what_a_core_would_need_is_that_of_a_whole_batch_and_told(monkeypatch):
    monkeypatch.setattr("leaven.engine.hardware.memory", lambda: 10**9)
    found = found_of(graph_of(("470m", 10)))
    assert found[-1].parts[0].fewest is None
    assert costs_told.lines(found)[-1].endswith(
        "a core computes a batch whole, without micro-batches, and would need memory for it"
    )
    monkeypatch.setattr("leaven.engine.hardware.memory", lambda: 10**15)
    found = found_of(graph_of(("470m", 10)))
    assert found[-1].parts[0].fewest == 1
    assert "micro-batches" not in costs_told.lines(found)[-1]


@pytest.mark.parametrize(
    ("usd", "words"), [(0, "0"), (0.001, "under 0.01"), (0.3, "0.30"), (9.994, "9.99"), (10.4, "10"), (22272, "22,272")]
)
def test_a_small_price_is_not_nothing(usd, words):
    assert costs_told._dollars(usd) == words


def test_words():
    lines = costs_told.lines(found_of(graph_of(("470m", 47684), ("2.8b", 47684)), assume=Assumed(prices={"v5e": 1.2})))
    assert lines[0].split("  ")[0] == "cost"
    assert "470m 22%, 2.8b 41%" in lines[1]
    assert "18,560" in lines[1]
    assert lines[1].endswith("22,272")
    assert "v5e as the paper's own chip-hours" in lines[-2]
    assert max(map(len, lines[:-2])) < 136
    check = costs_told.check_lines(paper_check(found_of(graph_of(("470m", 1))), None))
    assert check[0].startswith("paper     200B tokens at 470M: 4,736 v5e chip-hours published, 17% of the peak by 6 N")
    assert check[0].endswith("by our count; the share is taken from this run")
    assert check[1].endswith("at 22% we say 947 (-8 %)")
    tiny = costs_told.lines(found_of(graph_of(("0.3m", 47684))))
    assert "nothing is published near 0.3m" in " ".join(tiny)
    assert "USD" not in tiny[0]
