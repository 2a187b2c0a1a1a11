"""Seeds folded into one tree of shared stages."""

from __future__ import annotations

from typing import Any

from leaven.report.contents import read
from leaven.report.curves import mean
from leaven.report.lineage import chain, every, lanes, mixture_label, tree
from leaven.report.timeline import shares


def test_seeds_fold_and_shared_stages_are_one(data: dict[str, Any]) -> None:
    contents = read(data)
    nodes = every(tree(contents))
    assert len(nodes) == 12
    assert all([stage["seed"] for stage in node.stages] == [1, 2, 3] for node in nodes)
    shared = [node for node in nodes if len(node.variants) > 1]
    assert [node.label for node in shared] == ["text", "balanced"]


def test_chains_run_through_ancestors(data: dict[str, Any]) -> None:
    roots = tree(read(data))
    path = chain(roots, "balanced→text")
    assert [(node.kind, node.start, node.end) for node in path] == [
        ("pretrain", 0, 1_000_000),
        ("continue", 1_000_000, 2_000_000),
        ("cooldown", 2_000_000, 2_200_000),
    ]
    assert path[1].parent is path[0]


def test_sharing_variants_lie_next_to_each_other(data: dict[str, Any]) -> None:
    contents = read(data)
    rows = lanes(tree(contents), contents.variants)
    assert sorted(rows.values()) == list(range(5))
    assert abs(rows["text-only"] - rows["text-only, no code in cooldown"]) == 1
    assert abs(rows["balanced-only"] - rows["balanced→text"]) == 1


def test_a_stage_of_no_variant_is_in_the_tree_but_in_no_lane(data: dict[str, Any]) -> None:
    contents = read(data)
    reference = every(tree(contents))[-1]
    assert reference.variants == ()
    assert len(lanes(tree(contents), contents.variants)) == len(contents.variants)


def test_mean_is_over_seeds(data: dict[str, Any]) -> None:
    node = every(tree(read(data)))[0]
    tokens, values = mean(node, "bpb_text")
    expected = sum(stage["curve"]["bpb_text"][-1] for stage in node.stages) / 3
    assert tokens[-1] == 2_000_000
    assert abs(values[-1] - expected) < 1e-12


def test_stages_that_name_each_other_do_not_loop(data: dict[str, Any]) -> None:
    data["stages"] = [
        {"name": "a", "parent": "b", "variants": ["text-only"], "kind": "pretrain", "tokens": 1, "seed": 1},
        {"name": "b", "parent": "a", "variants": ["text-only"], "kind": "continue", "tokens": 1, "seed": 1},
    ]
    assert every(tree(read(data)))


def test_mixtures_are_named_as_the_study_names_them() -> None:
    named = {"balanced": {"text": 1, "code": 1}}
    assert mixture_label({"code": 0.5, "text": 0.5}, named) == "balanced"
    assert mixture_label({"text": 2.0}, named) == "text"
    assert mixture_label({"code": 0.25, "text": 0.75}, named) == "25 % code + 75 % text"
    assert mixture_label({}, named) == "unnamed"
    assert shares({"code": 1.0, "text": 3.0}) == "75 % text, 25 % code"
