"""The sample is the same whatever the order of arrival."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.document import Document
from leaven.corpus.sample import Sample


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.text(max_size=30)), max_size=40), st.integers(1, 300), st.randoms()
)
def test_order_of_arrival_does_not_matter(rows: list[tuple[str, str]], most: int, chance: random.Random) -> None:
    documents = [Document(name, text, "p", "g") for name, text in rows]
    kept = []
    for _ in range(2):
        sample = Sample(most, 3)
        for document in documents:
            sample.add(document)
        kept.append(sample.documents())
        assert sample.bytes == sum(len(d.text.encode()) for d in kept[-1]) <= most
        assert sample.full or len(kept[-1]) == len(documents)
        chance.shuffle(documents)
    assert kept[0] == kept[1]
    names = [d.id for d in kept[0]]
    assert names == sorted(set(names))


def test_the_seed_changes_the_choice() -> None:
    def kept(seed: int) -> list[Document]:
        sample = Sample(100, seed)
        for number in range(50):
            sample.add(Document(f"{number:02}", "a" * 10, "p", "g"))
        return sample.documents()

    assert len(kept(0)) == len(kept(1)) == 10
    assert kept(0) != kept(1)
