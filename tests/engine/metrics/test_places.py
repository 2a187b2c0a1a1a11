from __future__ import annotations

from leaven.engine.metrics.effects import numbers, of_curve
from leaven.engine.metrics.places import Places, values
from leaven.study.step import Graph

from .material import EFFECT, curve_of, row


def names(places: Places, graph: Graph, step: str) -> list[tuple[str, int, int]]:
    return [(place.curve.name, place.steps, place.tokens) for place in places.of(graph.find(step))]


def test_a_shared_stage_is_in_the_curve_of_each_run_and_later_ones_follow_it(graph: Graph) -> None:
    places = Places(graph)
    text, code = curve_of(graph, "text-only"), curve_of(graph, "code→text")
    both = [(text, 0, 0), (code, 0, 0)]
    assert names(places, graph, "text-only/seed-1/pretrain") == both
    assert names(places, graph, "code→text/seed-1/cooldown") == [(code, 10, 80)]
    assert [curve.name for curve in places.all()] == [text, code]
    assert len(places.stages(places.all()[0])) == 2


def test_a_stage_of_no_run_has_a_curve_of_its_own(graph: Graph) -> None:
    places = Places(graph)
    assert names(places, graph, "reference/pretrain") == [(curve_of(graph, "", "reference/pretrain"), 0, 0)]
    assert places.stages(places.of(graph.find("reference/pretrain"))[0].curve) == []


def test_numbers_of_a_row_and_of_an_effect(graph: Graph) -> None:
    assert values(row(5)) == {"learning_rate": 0.1, "train_loss": 1.6, "tokens_per_second": 1000.0, "bpb_text": 0.8}
    assert numbers(EFFECT) == {
        "verdict/pass@1 against text-only/effect": 2.0,
        "verdict/pass@1 against text-only/low": 1.0,
    }
    text, code = Places(graph).all()
    assert of_curve([EFFECT], text) == []
    assert of_curve([EFFECT], code) == [EFFECT]
    assert of_curve([{**EFFECT, "size": ""}], code)
    assert not of_curve([{**EFFECT, "size": "1m"}], code)
