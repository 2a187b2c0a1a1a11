"""Counts of a source at each step; the groups of what was left out add up to the documents that are gone."""

from __future__ import annotations

from dataclasses import replace

from leaven.corpus.look.counts import counts, languages
from leaven.corpus.look.removed import GROUPS, group_of, removed
from leaven.corpus.look.steps import Steps
from leaven.ground.files import read_json


def test_every_step_adds_what_it_knows(steps: Steps) -> None:
    found = counts(steps)
    assert (found["files"], found["seen"]) == (75, 71)
    gone = {group: sum(reasons.values()) for group, reasons in found["removed"].items()}
    assert found["kept"]["documents"] == found["seen"] - gone["rules"]
    assert found["removed"]["unreadable"] == {"not UTF-8": 2}
    assert found["removed"]["extraction"] == {"little prose": 3}
    assert found["removed"]["rules"] == {"floor: too short": 1, "paper: contains 0x": 1, "starcoder1: long line": 1}
    assert gone["contamination"] == 1
    assert gone["exact duplicates"] >= 1
    assert gone["near-duplicates"] >= 1
    shards = read_json(steps.shards / "shards.json")["splits"]  # type: ignore[operator]
    assert found["train"] == {name: shards["train"][name] for name in ("documents", "bytes", "tokens")}
    assert found["bytes_per_token"] == shards["train"]["bytes"] / shards["train"]["tokens"]


def test_a_source_that_is_only_read(steps: Steps) -> None:
    found = counts(replace(steps, source=None, corpus=None, shards=None))
    assert found["seen"] == 71
    assert set(found["removed"]) == {"unreadable", "extraction"}
    assert "kept" not in found


def test_nothing_built_is_no_error() -> None:
    assert counts(Steps("code")) == {"source": "code", "removed": {}, "redacted": {}}


def test_languages_beside_the_papers(steps: Steps) -> None:
    found = {row["language"]: row for row in counts(steps)["languages"]}
    assert found["python"]["paper"] == 0.0960
    assert found["python"]["seen"] == 70
    assert sum(row["share"] for row in found.values()) == 1
    assert "java" in counts(steps)["absent_languages"]
    assert [row["language"] for row in languages({"b": [1, 5, 9], "a": [4, 5, 6]}, "text")] == ["a", "b"]


def test_licences_by_class(steps: Steps) -> None:
    found = counts(steps)
    assert sum(row["documents"] for row in found["licence_classes"].values()) == found["kept"]["documents"]
    assert found["licence_classes"]["not permissive"]["documents"] >= 2


def test_groups_of_reasons() -> None:
    assert group_of("licence: none") == ("licence", "none")
    assert group_of("language: not selected") == ("language", "not selected")
    assert group_of("paper: floats") == ("rules", "paper: floats")
    read = {"skipped": {"huge": 1}, "dropped": {"little prose": 2}}
    source = {"dropped": {"little prose": 2, "licence: none": 3}, "beyond_cap": 4}
    found = removed(read, source, {"near_heldout_overlap_removed": 5, "train_documents": 9})
    assert found == {
        "unreadable": {"huge": 1},
        "extraction": {"little prose": 2},
        "licence": {"none": 3},
        "cap": {"beyond the cap": 4},
        "near-duplicates": {"of a held-out document": 5},
    }
    assert list(found) == [group for group in GROUPS if group in found]
