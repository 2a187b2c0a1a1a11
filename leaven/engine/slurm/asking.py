"""What Slurm says: its nodes, the jobs of this user and how they ended, whether it takes a job.

Jobs are found by name, which is chosen before they are submitted: a driver that was killed between submitting and
writing down a number finds them all the same. Slurm forgets ended jobs after some minutes (MinJobAge), then the
accounting is asked, where there is one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.ground.errors import BadInput, LeavenError

PATIENCE = 60.0
"""Seconds until a command of Slurm's that does not answer is given up."""
ENDED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)
"""States that a job does not leave (squeue's manual, JOB STATE CODES); all others are of jobs that wait or run."""
LOST = frozenset({"BOOT_FAIL", "NODE_FAIL", "PREEMPTED", "REVOKED"})
"""Ends for which the job is not to blame: it is submitted again."""


class SlurmError(LeavenError):
    """A command of Slurm's failed; the message is what it said."""


@dataclass(frozen=True)
class Job:
    """One element of a job array. `state` and `reason` are Slurm's words; `node`: where it runs or ran."""

    number: str
    state: str
    reason: str = ""
    node: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class Nodes:
    """The nodes of a partition. `cores`: of all, `per_node`: of the largest; `memory`: bytes of the largest, 0 where
    nobody told Slurm; `gpus`: on the node that has most."""

    count: int
    cores: int
    per_node: int
    memory: int
    gpus: int


def said_by(command: Sequence[str]) -> str:
    """What a command of Slurm's prints. Raises SlurmError with its complaint."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{command[0]} did not answer within {PATIENCE:.0f} seconds") from None
    except OSError as error:
        raise SlurmError(f"{command[0]} cannot be run: {error.strerror}") from None
    if ended.returncode:
        raise SlurmError(complaint(ended.stderr) or f"{command[0]} ended with code {ended.returncode}")
    return ended.stdout


def complaint(stderr: str) -> str:
    """What Slurm's commands write on stderr, in one line without the repeated `sbatch: error:`."""
    lines = (re.sub(r"^\w+: (error: |fatal: )?", "", line).strip() for line in stderr.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line))


def require() -> None:
    """Raises BadInput where Slurm's commands are not installed or nobody answers them."""
    missing = [name for name in ("sbatch", "srun", "squeue", "sinfo", "scancel") if shutil.which(name) is None]
    if missing:
        raise BadInput(
            f"this computer has no {missing[0]}", field="--on slurm", fix="Run leaven where jobs are submitted."
        )
    try:
        said_by(["sinfo", "-h", "-o", "%R"])
    except SlurmError as error:
        raise BadInput(f"Slurm does not answer: {error}", field="--on slurm", fix="Is it up? Try: sinfo") from None


def nodes(partition: str = "") -> Nodes:
    """Of the partition, or of the default one. Raises SlurmError, BadInput for a partition that is not there."""
    of = ["-p", partition] if partition else []
    rows = [
        line.split("|") for line in said_by(["sinfo", "-h", "-e", "-o", "%P|%D|%c|%m|%G", *of]).splitlines() if line
    ]
    if partition and not rows:
        raise BadInput(f'Slurm has no partition "{partition}"', field="--slurm partition", fix="They are: sinfo -s")
    default = [row for row in rows if row[0].endswith("*")]
    rows = rows if partition or not default else default
    # A node that nobody described to Slurm has one megabyte (slurm.conf, RealMemory).
    memory = max((_number(row[3]) for row in rows), default=0)
    return Nodes(
        sum(_number(row[1]) for row in rows),
        sum(_number(row[1]) * _number(row[2]) for row in rows),
        max((_number(row[2]) for row in rows), default=1),
        memory * 2**20 if memory > 1 else 0,
        max((_gpus(row[4]) for row in rows), default=0),
    )


def _number(word: str) -> int:
    found = re.match(r"\d+", word)
    return int(found[0]) if found else 0


def _gpus(gres: str) -> int:
    """Of `gpu:a100:4(S:0-1),gpu:2,shard:8`: 6."""
    return sum(int(found) for found in re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", gres))


def jobs(names: Collection[str]) -> dict[tuple[str, int], Job]:
    """The jobs of these names by name and place in their array, as far as Slurm knows them. Raises SlurmError."""
    found: dict[tuple[str, int], Job] = {}
    shown = said_by(["squeue", "--me", "-h", "-r", "--states=all", "-o", "%j|%K|%T|%i|%N|%r"])
    for line in shown.splitlines():
        name, place, state, number, node, reason = line.split("|", 5)
        if name in names:
            found[name, _number(place)] = Job(number, state, "" if reason == "None" else reason, node)
    return found


def remembered(names: Collection[str]) -> dict[tuple[str, int], Job]:
    """As `jobs`, from the accounting; nothing where there is none."""
    fields = "JobName,JobID,State,NodeList,ExitCode"
    try:
        shown = said_by(["sacct", "-X", "-n", "-P", "-S", "now-30days", f"--name={','.join(names)}", "-o", fields])
    except SlurmError:
        return {}
    found: dict[tuple[str, int], Job] = {}
    for line in shown.splitlines():
        name, number, state, node, code = line.split("|", 4)
        place = re.fullmatch(r"\d+(?:_(\d+))?", number)
        if place:  # "CANCELLED by 1000": who did it is not asked for here
            reason = "" if code == "0:0" else f"exit code {code}"
            found[name, int(place[1] or 0)] = Job(number, state.split()[0], reason, node)
    return found


def cancel(numbers: Sequence[str]) -> None:
    """End jobs, waiting or running. Raises SlurmError."""
    if numbers:
        said_by(["scancel", "--quiet", *numbers])


def options_known() -> frozenset[str]:
    """The long options of this Slurm's sbatch, with underscores. Raises SlurmError."""
    return frozenset(
        word.replace("-", "_") for word in re.findall(r"--([a-z][a-z0-9-]+)", said_by(["sbatch", "--help"]))
    )


def would_take(parameters: Mapping[str, Any]) -> None:
    """Have Slurm check a job with these options without submitting it. Raises SlurmError with its words."""
    options = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}") for name, value in parameters.items()
    ]
    said_by(["sbatch", "--test-only", *options, "--wrap=true"])
