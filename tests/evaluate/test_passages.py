"""Parts of held-out documents: never overlapping, by turns over groups, and no cue without the context."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from leaven.evaluate.passages import Held, Junction, continuation, junctions, prompts, rolling, spans, within
from leaven.ground.canonical import identity

texts = st.text(st.sampled_from("ab \n"), min_size=1, max_size=2000)


@given(texts, st.integers(5, 400))
@example("aaaaaaa\n", 5)
def test_spans_are_disjoint_parts_of_the_document(text, size):
    pieces = spans([Held("d", "g", text)], size, "test", 0)
    assert all(0 < len(piece.text) <= size for piece in pieces)
    assert sum(len(piece.text) for piece in pieces) <= len(text)
    assert len({piece.id for piece in pieces}) == len(pieces)
    position = {piece.id: piece for piece in pieces}
    order = sorted(position, key=lambda name: int(name.rpartition("#")[2]) if "#" in name else 0)
    at = 0
    for name in order:
        at = text.index(position[name].text, at) + len(position[name].text)


def test_groups_take_turns():
    documents = [Held(f"a{i}", "a", "x" * 50) for i in range(5)] + [Held("b0", "b", "y " * 500)]
    pieces = spans(documents, 100, "test", 0)
    assert [piece.group for piece in pieces[:4]] == ["a", "b", "a", "b"]


def test_passages_keep_to_their_budget(corpus):
    documents = [Held(str(i), str(i), f"{i} " + "word ü " * 300) for i in range(9)]
    passages = list(rolling(documents, "text", 0))
    kept = within(passages, 4000)
    assert 2400 < sum(len(passage.text.encode()) for passage in kept) <= 4000
    assert all(len(passage.text) <= 1500 for passage in passages)


def test_a_junction_is_what_the_document_says():
    text = "\n".join(f"line {i} of a text that goes on and on in words" for i in range(200))
    found = list(junctions([Held("d", "g", text)], "text", 0))
    assert len(found) > 5
    for place in found:
        assert place.shown in text
        assert place.following.startswith(" ")
        assert place.prefix == place.prefix.rstrip()
        assert 30 <= len(place.following) <= 64


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(4, 40))
def test_continuation_blocks(groups, n):
    places = [Junction(str(i), f"g{group}", f"before {i}", f" after {i}") for i, group in enumerate(groups)]
    items = continuation(places, n)
    assert len(items) % 4 == 0
    assert len(items) <= n
    for first in range(0, len(items), 4):
        block = items[first : first + 4]
        assert len({item.group for item in block}) == 4
        assert len({item.contexts for item in block}) == 1
        assert [item.gold for item in block] == [0, 1, 2, 3]
        assert [item.text.split()[1] for item in block] == [context.split()[1] for context in block[0].contexts]
    if len(set(groups)) < 4:
        assert not items
    # a scorer that ignores the text is right once in each block, whatever it likes
    right = sum(max(item.contexts, key=identity) == item.answer for item in items)
    assert right == len(items) / 4 or len(items) == 0


def test_many_groups_fill_the_task():
    counts = Counter(i % 50 for i in range(400))
    places = [Junction(f"{g}-{k}", str(g), f"p{g}{k}", f" f {g} {k}") for g, n in counts.items() for k in range(n)]
    assert len(continuation(places, 200)) == 200


def test_prompts_begin_their_documents_and_do_not_repeat():
    body = "This is the beginning of a document which goes on for quite a while. " * 8
    documents = [Held("a", "1", body), Held("b", "1", body), Held("c", "2", "short"), Held("d", "2", "Other. " + body)]
    found = list(prompts(documents, "text", 0))
    assert [prompt.id for prompt in found[:2]] == ["a", "d"]
    for prompt in found:
        assert 120 <= len(prompt.text) <= 200
        assert prompt.text == prompt.text.rstrip()
    assert body.startswith(found[0].text)
    assert len({prompt.text for prompt in found}) == len(found)
