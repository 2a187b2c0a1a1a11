"""A tournament at a server that misbehaves, killed three times: nothing lost, nothing judged or paid for twice.

The server (faults/server.py), the tournament (faults/program.py) and every restart are processes of their own.
`benchmarks/judge/faults.py` does the same at full length and prints what happened.
"""

from __future__ import annotations

import signal

import pyarrow.parquet as pq
import pytest

from tests.judge.faults import drive
from tests.judge.faults.server import preferred

PROMPTS = 2000
FEW = 250


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """`clean(prompts)`: a folder of completions, and what its tournament gives without faults and kills."""
    done = {}

    def make(prompts):
        if prompts not in done:
            folder = tmp_path_factory.mktemp(f"of-{prompts}")
            done[prompts] = (folder, drive.without_faults(folder, prompts))
        return done[prompts]

    return make


def test_the_faultless_tournament_is_what_the_server_says(clean):
    folder, _ = clean(FEW)
    votes = pq.read_table(folder / "clean" / "votes.parquet").to_pydict()
    assert len(set(votes["prompt"])) == len(votes["prompt"]) == FEW
    for prompt, a, b, *orders in zip(
        *(votes[name] for name in ("text", "a", "b", "first_order", "second_order")), strict=True
    ):
        asked = [f"{prompt}\n--A--\n{one}\n--B--\n{other}" for one, other in ((a, b), (b, a))]
        assert orders == ["ab"["AB".index(preferred(asked[0]))], "ba"["AB".index(preferred(asked[1]))]]
    assert {"win", "lose", "tie"} == set(votes["outcome"])


def test_every_comparison_once_through_faults_and_three_kills(clean):
    folder, results = clean(PROMPTS)
    record = drive.prove(folder, PROMPTS, keys="kept", seed=1)
    drive.check(record, results)
    # The server gives an attempt that it is asked for again under the same key from what it kept.
    assert record["server"]["billed"] == record["journal"]["replies"]
    assert record["billed twice"] == 0
    assert record["server"]["given again"] > 0


def test_a_server_without_keys_bills_no_more_twice_than_can_be_known(clean):
    folder, results = clean(FEW)
    record = drive.prove(folder, FEW, keys="unknown", seed=2)
    drive.check(record, results)
    server, journal = record["server"], record["journal"]
    # An answer that is no JSON may have been billed as well.
    cuts = sum(server.get(cut, 0) for cut in (*drive.CUTS, "no json"))
    # What a kill or a cut left unanswered is in the journal.
    assert 0 < record["billed twice"] <= journal["unanswered"]
    assert journal["unanswered"] <= drive.AT_ONCE * 3 + cuts


def test_two_processes_share_a_cache(clean):
    folder, results = clean(FEW)
    with drive.serving(seed=3) as server:
        both = [drive.Tournament(folder, server.url, f"shared-{n}", "shared.jsonl") for n in range(2)]
        for process in [one.start() for one in both]:
            drive.ended(process)
        counts = server.counts()
    assert [one.results() for one in both] == [results] * 2
    # Both ask for the same attempts under the same keys: what one of them paid for the other has for nothing.
    assert counts["billed"] == counts["attempts"]
    assert 2 * FEW <= counts["attempts"] <= both[0].replies()


def test_an_interrupted_tournament_ends_at_once_and_goes_on_later(clean):
    folder, results = clean(FEW)
    with drive.serving(seed=4) as server:
        first, second = (drive.Tournament(folder, server.url, f"stopped-{n}", "stopped.jsonl") for n in range(2))
        replies = drive.stop_at(first, FEW, signal.SIGINT)
        kept = first.journal.read_bytes()
        second.finish()
        counts = server.counts()
    assert FEW <= replies < 2 * FEW
    assert second.journal.read_bytes().startswith(kept)
    assert second.results() == results
    assert counts["billed"] == counts["attempts"] == second.replies()
