"""What Slurm's commands print, read; what a user says of jobs; why a job ended. No Slurm is needed."""

from __future__ import annotations

import subprocess

import pytest

from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.executor import Seat
from leaven.engine.slurm import asking, options
from leaven.engine.slurm.asking import Job, Nodes
from leaven.engine.slurm.batch import Batch, Listener, say
from leaven.engine.slurm.ends import why
from leaven.engine.slurm.needs import Cluster, Needs, Queue
from leaven.engine.slurm.options import Options
from leaven.ground.errors import BadInput
from leaven.study.step import Step

KNOWN = {"partition", "time", "mem", "mem_per_cpu", "gres", "gpus_per_node", "cpus_per_task", "exclusive", "account"}


@pytest.fixture
def prints(monkeypatch):
    """`prints(text)`: what every command of Slurm's answers from then on; the commands are listed."""
    asked: list[list[str]] = []

    def make(text: str) -> list[list[str]]:
        monkeypatch.setattr(asking, "said_by", lambda command: asked.append(list(command)) or text)
        return asked

    return make


def test_nodes_of_the_default_partition_are_counted(prints):
    prints("long|8|64|256000|(null)\nall*|2|32|128000|gpu:a100:4(S:0-1),gpu:2\nall*|1|48|64000|shard:8\n")
    assert asking.nodes() == Nodes(3, 112, 48, 128000 * 2**20, 6)


def test_a_node_that_nobody_described_has_no_known_memory(prints):
    prints("all*|2|2|1|(null)\n")
    assert asking.nodes().memory == 0


def test_a_partition_without_a_row_is_not_there(prints):
    prints("")
    with pytest.raises(BadInput, match='no partition "gpu"'):
        asking.nodes("gpu")


def test_jobs_are_found_by_name_and_place(prints):
    prints(
        "leaven-1|0|RUNNING|7_0|a|None\nleaven-1|12|PENDING|7_12||Resources\n"
        "other|0|RUNNING|8_0|b|None\nleaven-2|N/A|FAILED|9|b|NonZeroExitCode\n"
    )
    assert asking.jobs({"leaven-1", "leaven-2"}) == {
        ("leaven-1", 0): Job("7_0", "RUNNING", "", "a"),
        ("leaven-1", 12): Job("7_12", "PENDING", "Resources", ""),
        ("leaven-2", 0): Job("9", "FAILED", "NonZeroExitCode", "b"),
    }


def test_the_accounting_knows_jobs_that_the_queue_forgot(prints):
    prints("leaven-1|7_3|CANCELLED by 1000|a|0:15\nleaven-2|9|COMPLETED|b|0:0\n")
    assert asking.remembered({"leaven-1", "leaven-2"}) == {
        ("leaven-1", 3): Job("7_3", "CANCELLED", "exit code 0:15", "a"),
        ("leaven-2", 0): Job("9", "COMPLETED", "", "b"),
    }


def test_a_command_that_fails_is_told_in_its_own_words_once():
    said = "sbatch: error: Invalid --time specification\nsbatch: error: Invalid --time specification\n"
    assert asking.complaint(said) == "Invalid --time specification"
    with pytest.raises(asking.SlurmError, match="ended with code 1"):
        asking.said_by(["false"])
    with pytest.raises(asking.SlurmError, match="cannot be run"):
        asking.said_by(["no-such-command-of-slurm"])


def test_a_command_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    with pytest.raises(asking.SlurmError, match="did not answer within 0 seconds"):
        asking.said_by(["sleep", "5"])


def test_without_slurm_one_is_told_where_to_run(monkeypatch):
    monkeypatch.setattr(asking.shutil, "which", lambda name: None)
    with pytest.raises(BadInput, match="this computer has no sbatch"):
        asking.require()


def test_options_are_those_of_sbatch_and_two_more():
    said = options.read(
        {"--partition": "gpu", "cpus-per-task": "6", "exclusive": "true", "setup": "module load x"}, KNOWN
    )
    assert said == Options({"partition": "gpu", "cpus_per_task": 6, "exclusive": True}, ("module load x",))
    assert options.read({"array_parallelism": "4"}, KNOWN).parallelism == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"partitoin": "x"}, 'did you mean "partition"'),
        ({"nodes": "3"}, "--hosts N"),
        ({"cpus_per_task": "many"}, 'whole number, not "many"'),
        ({"time": "1\n#SBATCH --uid=0"}, "control character"),
        ({"zzz": "1"}, "no option"),
    ],
)
def test_options_that_cannot_be_are_refused(words, said):
    with pytest.raises(BadInput, match=said):
        options.read(words, KNOWN)


def test_accelerators_are_asked_for_only_where_one_is_used():
    said = Options({"partition": "gpu", "gres": "gpu:1", "gpus_per_node": "2"})
    assert said.of(True) == said.given
    assert said.of(False) == {"partition": "gpu"}


def step_of(kind: str) -> Step:
    return Step(kind, {}, {}, "abc", (kind,))


def test_a_job_asks_for_what_its_step_needs():
    cluster = Cluster(Nodes(4, 64, 16, 32 * 2**30, 8), Options({"account": "lab"}), 2, Device("gpu", "gpu"))
    parts = cluster.needs(step_of("read"), Seat(-1, 1_000_000_000, False))
    assert parts == Needs(8, 2**30, False, 1)
    stage = cluster.needs(step_of("stage"), Seat(-1, 100 * 2**30, True))
    assert stage == Needs(4, 32 * 2**30, True, 2), "no more memory than a node has"
    assert cluster.needs(step_of("suite"), Seat(-1, 1, False)) == Needs(1, 256 * 2**20)
    assert cluster.parameters(parts) == {"account": "lab", "mem": "1024M"}
    assert cluster.devices == 2
    assert cluster.parameters(stage) == {"account": "lab", "mem": "32768M", "gpus_per_node": 8}


def test_what_the_user_says_of_memory_and_cores_counts():
    said = Options({"mem_per_cpu": "4G", "cpus_per_task": 3, "gres": "gpu:a100:1"})
    cluster = Cluster(Nodes(4, 64, 16, 32 * 2**30, 8), said, 1, Device("gpu", "gpu"))
    parts = cluster.needs(step_of("corpus"), Seat(-1, 10**9, False))
    assert parts == Needs(3, 0)
    assert cluster.parameters(parts) == {"mem_per_cpu": "4G"}
    assert cluster.parameters(Needs(3, 0, True)) == {"mem_per_cpu": "4G", "gres": "gpu:a100:1"}


def test_slurms_queue_has_room_for_as_many_as_the_user_says():
    queue = Queue(2)
    seats = [queue.take(step_of("suite"), 1), queue.take(step_of("suite"), 1)]
    assert queue.full()
    assert queue.take(step_of("suite"), 1) is None
    queue.give_back(seats[0])
    assert not queue.full()
    assert (
        Cluster(Nodes(1, 2, 2, 0, 0), Options(), 1, PROCESSOR).words == "Slurm, the default partition: 1 node, 2 cores"
    )


def test_a_line_that_is_not_whole_yet_is_heard_when_it_is(tmp_path):
    listener = Listener(tmp_path / "said.jsonl")
    assert listener.hear() == []
    say(tmp_path / "said.jsonl", [{"event": "a"}, {"event": "b"}])
    with (tmp_path / "said.jsonl").open("ab") as file:
        file.write(b'{"event": ')
    assert [message["event"] for message in listener.hear()] == ["a", "b"]
    assert listener.hear() == []
    with (tmp_path / "said.jsonl").open("ab") as file:
        file.write(b'"c"}\n')
    assert [message["event"] for message in listener.hear()] == ["c"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("TIMEOUT", "reached its time limit"),
        ("OUT_OF_MEMORY", "more memory than the 2.0 GiB it asked for"),
        ("CANCELLED", "was cancelled"),
        ("FAILED", "the same folder on every node"),
        ("COMPLETED", "without a word"),
        ("UNKNOWN", "not known to Slurm"),
        ("SOMETHING", "ended as SOMETHING"),
    ],
)
def test_why_a_job_ended_without_a_last_word(tmp_path, state, said):
    laid = Batch(tmp_path / "slurm" / "leaven-1", [["abc"]])
    text = why(Job("7_0", state, "", "a"), Needs(1, 2 * 2**30), laid, 0)
    assert text.startswith("its job 7_0 on a ")
    assert said in text


def test_what_another_machine_failed_of_is_told(tmp_path):
    laid = Batch(tmp_path / "leaven-1", [["abc"]])
    laid.folder.mkdir()
    say(laid.said(0, 1), [{"identity": "abc", "event": "failed", "note": "no such shard", "code": 1}])
    assert "on machine 2 of 2: no such shard" in why(Job("7", "FAILED"), Needs(1, 0, False, 2), laid, 0)


def test_subprocess_is_not_given_the_terminal(monkeypatch):
    given = {}

    def run(command, **options):
        given.update(options)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(asking.subprocess, "run", run)
    asking.said_by(["squeue"])
    assert given["stdin"] == subprocess.DEVNULL
