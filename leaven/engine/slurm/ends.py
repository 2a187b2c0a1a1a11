"""Why a job ended without a last word, for people."""

from __future__ import annotations

from pathlib import Path

from leaven.engine.slurm.asking import Job
from leaven.engine.slurm.batch import Batch, Listener
from leaven.engine.slurm.needs import Needs

AGAIN = "Run again: it continues from its last checkpoint"


def why(job: Job, needs: Needs, laid: Batch, place: int) -> str:
    """In Slurm's words and in ours, with what helps and where more is to be read."""
    number = f"its job {job.number}" if job.number else "its job"
    where = f" on {job.node}" if job.node else ""
    told = _told_by_others(laid, place, needs.hosts)
    what, fix = {
        "TIMEOUT": ("reached its time limit", f"{AGAIN}; --slurm time=… gives it longer."),
        "DEADLINE": ("reached its deadline", f"{AGAIN}."),
        "OUT_OF_MEMORY": (f"needed more memory than {needs.memory_words()}", "--slurm mem=… asks for more."),
        "CANCELLED": ("was cancelled", f"{AGAIN}."),
        "PREEMPTED": ("was preempted again and again", f"{AGAIN}."),
        "NODE_FAIL": ("lost its node again and again", f"{AGAIN}."),
        "UNKNOWN": ("is not known to Slurm any more", f"{AGAIN}."),
        "COMPLETED": ("ended without a word", _unseen(laid)),
    }.get(job.state, (f"ended as {job.state}", _unseen(laid) if not told else f"{AGAIN}."))
    reason = f" ({job.reason})" if job.reason and job.reason not in ("NonZeroExitCode", what) else ""
    printed = printed_by(laid.folder, job)
    log = f" What it printed: {printed}" if printed else ""
    return f"{number}{where} {what}{reason}{': ' + told if told else ''}\n  {fix}{log}"


def printed_by(folder: Path, job: Job) -> Path | None:
    """The file with what the job printed, if there is one."""
    path = folder / "submitit" / f"{job.number}_0_log.out"
    return path if path.exists() else None


def _unseen(laid: Batch) -> str:
    return f"Is {laid.folder.parent.parent} the same folder on every node? A store on a disk that all see is needed."


def _told_by_others(laid: Batch, place: int, hosts: int) -> str:
    """What another process of a stage on several machines failed of, if one said so."""
    for process in range(1, hosts):
        for message in Listener(laid.said(place, process)).hear():
            if message["event"] == "failed":
                return f"on machine {process + 1} of {hosts}: {message['note']}"
    return ""
