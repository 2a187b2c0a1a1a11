"""Cuts lose nothing; the held-out choice is by group, complete and independent of order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.split import held_out_groups, pieces
from leaven.ground.canonical import key64


@settings(deadline=None)
@given(st.text(alphabet="ab \n", max_size=300), st.integers(4, 60))
def test_pieces_are_the_text_but_for_white_space(text: str, longest: int) -> None:
    parts = pieces(text, longest)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part) <= longest and part.strip() for part in parts)


def test_pieces_cut_between_paragraphs_then_lines() -> None:
    assert pieces("aaaa\n\nbbbb\ncccc", 12) == ["aaaa", "bbbb\ncccc"] or pieces("aaaa aaa\n\nbbbb\ncccc", 12) == [
        "aaaa aaa",
        "bbbb\ncccc",
    ]
    assert pieces("aaaaaaa\nbbbbbbb", 10) == ["aaaaaaa", "bbbbbbb"]
    assert pieces("short\n\ntext") == ["short\n\ntext"]


GROUPS = st.dictionaries(st.sampled_from([f"g{n}" for n in range(30)]), st.integers(1, 1000), min_size=0, max_size=30)
SIZES = st.dictionaries(st.sampled_from(["text", "code", "markup"]), GROUPS, min_size=1)


def held_out(
    sizes: dict[str, dict[str, int]], share: float, most: int, seed: int, never: tuple[str, ...] = ()
) -> set[str]:
    """Names of the groups held out; each group is one document."""
    names = list(sizes)
    rows = [(names.index(name), group, size) for name, groups in sizes.items() for group, size in groups.items()]
    keys = {group: key64("heldout/1", seed, group) for _, group, _ in rows}
    held = held_out_groups(
        np.array([index for index, _, _ in rows], np.int64),
        np.array([keys[group] for _, group, _ in rows], np.uint64),
        np.array([size for _, _, size in rows], np.int64),
        names,
        share=share,
        most=most,
        never=[names.index(name) for name in never],
    )
    assert list(held) == sorted(held)
    return {group for group, key in keys.items() if key in held.tolist()}


@settings(deadline=None)
@given(SIZES, st.floats(0.01, 0.3), st.integers(1, 5))
def test_every_source_keeps_both_sides(sizes: dict[str, dict[str, int]], share: float, seed: int) -> None:
    held = held_out(sizes, share, 1 << 40, seed)
    for groups in sizes.values():
        if groups:
            assert set(groups) - held
    alone = {source: groups for source, groups in sizes.items() if len(groups) >= 2}
    for source, groups in alone.items():
        only = held_out({source: groups}, share, 1 << 40, seed)
        assert only
        assert only < set(groups)


@settings(deadline=None)
@given(SIZES)
def test_order_does_not_matter(sizes: dict[str, dict[str, int]]) -> None:
    turned = {source: dict(reversed(groups.items())) for source, groups in reversed(sizes.items())}
    assert held_out(turned, 0.1, 1 << 40, 0) == held_out(sizes, 0.1, 1 << 40, 0)


def test_share_limit_large_and_never() -> None:
    sizes = {"text": {f"g{n}": 100 for n in range(100)} | {"large": 100_000}}
    held = held_out(sizes, 0.05, 1 << 40, 0)
    assert "large" not in held
    assert len(held_out(sizes, 0.05, 1000, 0)) == 10
    assert held_out(sizes, 0.05, 1000, 1) != held_out(sizes, 0.05, 1000, 0)
    both = {**sizes, "facts": {"g1": 5, "g2": 5, "g3": 5}}
    assert not held_out(both, 0.5, 1 << 40, 0, ("facts",)) & {"g1", "g2", "g3"}


@pytest.mark.parametrize("sizes", [{}, {"text": {}}, {"text": {"only": 5}}])
def test_nothing_to_hold_out(sizes: dict[str, dict[str, int]]) -> None:
    assert held_out(sizes, 0.05, 1000, 0) == set()
