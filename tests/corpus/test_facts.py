"""Invented facts: balanced, decided by the name alone, stated as they are asked."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.facts import RELATIONS, documents, facts, probe, statement
from leaven.ground.errors import BadInput

SEEDS = st.integers(0, 2**32)


def test_the_same_seed_gives_the_same_facts() -> None:
    assert facts(3, 100) == facts(3, 100)
    assert facts(3, 100) != facts(4, 100)
    assert documents(3, 40, 3) == documents(3, 40, 3)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, few=st.integers(0, 80), more=st.integers(0, 80))
def test_fewer_facts_begin_more_facts(seed: int, few: int, more: int) -> None:
    assert facts(seed, few) == facts(seed, few + more)[:few]


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 300))
def test_subjects_and_identities_are_distinct(seed: int, count: int) -> None:
    made = facts(seed, count)
    assert len({fact.id for fact in made}) == count
    assert len({(fact.subject, fact.relation) for fact in made}) == count
    assert len({fact.subject for fact in made}) == -(-count // len(RELATIONS))


def test_answers_are_balanced() -> None:
    made = facts(0, 12 * len(RELATIONS) * 4)
    for relation in RELATIONS:
        counts = Counter(fact.answer for fact in made if fact.relation == relation.name)
        assert counts == dict.fromkeys(relation.answers, 4)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, fours=st.integers(1, 12), taste=st.integers(0, 2**32))
def test_whoever_ignores_the_name_scores_exactly_a_quarter(seed: int, fours: int, taste: int) -> None:
    right = places = 0
    made = facts(seed, 20 * fours)
    for fact in made:
        query, choices, gold = probe(fact)
        blind = query.replace(fact.subject, "")
        scores = [hash((taste, blind, choice)) for choice in choices]
        right += scores.index(max(scores)) == gold
        places += gold == taste % 4
    assert right * 4 == len(made)
    assert places * 4 == len(made)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_a_probe_is_the_beginning_of_a_statement_in_the_documents(seed: int) -> None:
    made = facts(seed, 25)
    text = "".join(text for _, _, text in documents(seed, 25, 4))
    for fact in made:
        query, choices, gold = probe(fact)
        assert choices[gold] == f" {fact.answer}"
        assert len(set(choices)) == 4
        assert f"{query}{choices[gold]}." in text
        assert not any(f"{query}{choice}." in text for i, choice in enumerate(choices) if i != gold)


@pytest.mark.parametrize("restatements", [1, 3, 8])
def test_every_fact_is_stated_equally_often_and_in_every_wording(restatements: int) -> None:
    made, texts = facts(1, 60), documents(1, 60, restatements)
    text = "".join(text for _, _, text in texts)
    for fact in made:
        said = [text.count(statement(fact, wording)) for wording in range(len(fact.templates))]
        assert sum(said) == restatements
        assert max(said) - min(said) <= 1
    assert len({name for name, _, _ in texts}) == len(texts)
    assert all(len(text) < 600 for _, _, text in texts)


def test_no_statement_tells_its_answer_without_the_name() -> None:
    for relation in RELATIONS:
        assert len(set(relation.answers)) == 12
        assert relation.wordings[0].endswith("{a}.")
        for wording in relation.wordings:
            assert "{s}" in wording
            assert "{a}" in wording
            assert not set(relation.answers) & set(wording.replace(".", " ").split())


def test_answers_of_one_relation_fit_the_same_words_before_them() -> None:
    vowel = {a for r in RELATIONS for a in r.answers if a[0] in "aeiou" and any(" a {a}" in w for w in r.wordings)}
    assert not vowel, "'a' before a vowel would tell answers apart"


def test_too_many_facts() -> None:
    with pytest.raises(BadInput, match="names enough"):
        facts(0, 100_000_000)
