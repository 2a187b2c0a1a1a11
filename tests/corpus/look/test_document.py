"""One document, a few at random, and the document of a token."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leaven.corpus.files import documents_of
from leaven.corpus.look.alike import clusters, contamination, items_in
from leaven.corpus.look.document import documents, find, one, sample
from leaven.corpus.look.judged import Judged
from leaven.corpus.look.steps import Steps
from leaven.corpus.look.token import at_token
from leaven.ground.errors import BadInput


def test_a_dropped_document_names_every_rule(steps: Steps, judged: Judged) -> None:
    told, document = one(steps, judged, "q/long.py")[0]
    assert (told["fate"], told["reason"]) == ("dropped", "starcoder1: long line")
    assert document.text.startswith("x = 'a b")
    condition = next(row for row in told["conditions"] if row["reason"] == "starcoder1: long line")
    assert condition["refused"]
    assert condition["value"] > condition["limit"] == 1000


def test_kept_documents_are_where_the_corpus_has_them(steps: Steps, judged: Judged) -> None:
    held = {
        side: {document.id for document in documents_of(steps.corpus, side, "code")}  # type: ignore[arg-type]
        for side in ("train", "heldout")
    }
    assert held["train"]
    assert held["heldout"]
    seen = set()
    for told, _ in documents(steps, judged, np.arange(len(judged.reason))):
        if told["fate"] == "dropped":
            continue
        for piece in told["placed"]:
            assert piece["id"] in held[piece["side"]]
            seen.add(piece["id"])
        assert (told["fate"] == "removed") == (not told["placed"])
    assert seen == held["train"] | held["heldout"]


def test_what_the_corpus_step_removed_says_why_where_it_is_known(steps: Steps, judged: Judged) -> None:
    told, _ = one(steps, judged, "q/item.py")[0]
    assert told["fate"] in ("removed", "train")  # one of its pieces may be clean
    assert told["items"] == {"close_items": ["close"]}
    assert items_in(steps.corpus, "code", "q/hex.py") == {}  # type: ignore[arg-type]
    near, _ = one(steps, judged, "q/near_b.py")[0]
    assert any("code: q/near_a.py" in name for row in near["clusters"] for name in row["documents"])


def test_an_id_is_found_by_the_corpus_names_too(judged: Judged) -> None:
    both = find(judged, "q/twin.py")
    assert len(both) == 2
    assert find(judged, "q/twin.py#1").tolist() == both.tolist()
    assert find(judged, "q/twin.py~2#2").tolist() == [both[1]]
    with pytest.raises(BadInput, match=r"Ids that hold it: q/hex\.py"):
        find(judged, "hex")


def test_messages_hold_nothing_that_a_terminal_obeys(judged: Judged) -> None:
    with pytest.raises(BadInput) as error:
        find(judged, "evil")
    assert "\\x1b]0;owned\\x07" in str(error.value)
    assert "\x1b" not in str(error.value)


def test_a_sample_is_the_same_for_a_seed(steps: Steps, judged: Judged) -> None:
    total, first = sample(steps, judged, 5, seed=3)
    assert total == 71
    assert [told["id"] for told, _ in first] == [told["id"] for told, _ in sample(steps, judged, 5, seed=3)[1]]
    assert [told["id"] for told, _ in first] != [told["id"] for told, _ in sample(steps, judged, 5, seed=4)[1]]
    for told, document in first:
        assert told["id"] == document.id


def test_samples_of_what_was_dropped_of_a_rule_and_of_a_language(steps: Steps, judged: Judged) -> None:
    total, found = sample(steps, judged, 9, dropped=True)
    assert total == len(found) == 3
    assert all(told["reason"] for told, _ in found)
    assert [told["id"] for told, _ in sample(steps, judged, 9, rule="paper: contains 0x")[1]] == ["q/hex.py"]
    assert [told["id"] for told, _ in sample(steps, judged, 9, language="c")[1]] == ["q/a.c"]
    with pytest.raises(BadInput, match="Languages: c, python"):
        sample(steps, judged, 9, language="cobol")


def test_without_a_corpus_fates_are_open(steps: Steps, judged: Judged) -> None:
    alone = replace(steps, corpus=None, shards=None)
    assert {told["fate"] for told, _ in sample(alone, judged, 71)[1]} == {"kept", "dropped"}


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_the_text_around_a_token_is_the_documents(steps: Steps, split: str) -> None:
    texts = {document.id: document.text for document in documents_of(steps.corpus, split, "code")}  # type: ignore[arg-type]
    for token in (0, 7, 500, 900):
        found = at_token(steps, split, token)
        around = found["before"] + found["here"] + found["after"]
        assert around in texts[found["id"]]
        assert found["first"] + found["place"] == token


def test_a_token_that_is_not_there(steps: Steps) -> None:
    with pytest.raises(BadInput, match="has tokens 0 to"):
        at_token(steps, "train", 10**9)
    with pytest.raises(BadInput, match="Splits: heldout, train|Splits: train, heldout"):
        at_token(steps, "trian", 0)


def test_clusters_and_contamination_of_a_source(steps: Steps) -> None:
    assert clusters(steps.corpus, "code") == clusters(steps.corpus)  # type: ignore[arg-type]
    assert clusters(steps.corpus, "other") == []  # type: ignore[arg-type]
    found = contamination(steps.corpus, "code")["close_items"]  # type: ignore[arg-type]
    assert (found["items"], found["matched"], found["here"]) == (1, 1, 1)
    assert contamination(steps.corpus, "other")["close_items"]["here"] == 0  # type: ignore[arg-type]
