"""A batch becomes an array of jobs, through submitit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from leaven.engine.slurm import job
from leaven.engine.slurm.asking import SlurmError, complaint
from leaven.engine.slurm.batch import Batch
from leaven.ground.errors import BadInput

PASSING = re.compile(
    r"(?i)unable to contact slurm controller|socket timed out|connection refused|slurm temporarily unable"
    r"|resource temporarily unavailable|\b(qos|assoc)(max|grp)submitjob"
)
"""In what sbatch says where the same may be taken later: the controller is starting anew or overloaded, or as many jobs
as are allowed wait already (QOSMaxSubmitJobPerUserLimit, AssocMaxSubmitJobLimit, …GrpSubmitJobsLimit). What it adds,
"job submit limit, user's size and/or time limits", is said of refusals for good too."""


class Later(SlurmError):
    """Slurm does not take the jobs now, and may in a while."""


def require_submitit() -> Any:
    """The library. Raises BadInput where it is not installed."""
    try:
        return import_module("submitit")
    except ImportError:
        raise BadInput("submitit is not installed", field="--on slurm", fix='pip install "leaven[cluster]"') from None


def submit(
    laid: Batch, hosts: int, cores: int, parameters: Mapping[str, Any], setup: tuple[str, ...], most: int | None
) -> None:
    """Submit all elements of a batch as one array.

    Args:
        parameters: options of sbatch by name. setup: lines of shell before a step. most: elements at once.

    Raises:
        Later: the same may be taken in a while.
        SlurmError: Slurm refuses the jobs.
    """
    submitit = require_submitit()
    elements = len(laid.programs)
    executor = submitit.SlurmExecutor(laid.folder / "submitit")
    executor.update_parameters(
        job_name=laid.name,
        time=None,  # the partition's own, unless the user says more; submitit's would be five minutes
        nodes=hosts,
        ntasks_per_node=1,
        cpus_per_task=cores,
        array_parallelism=most or elements,
        # Python must not import a random.py of the folder that leaven was called from.
        setup=["export PYTHONSAFEPATH=1", *setup],
        # srun does not take over the cores of a task from sbatch (Slurm 22.05 and later).
        srun_args=[f"--cpus-per-task={cores}", "--kill-on-bad-exit=1"],
        stderr_to_stdout=True,
        additional_parameters=dict(parameters),
    )
    try:
        executor.map_array(job.run, [str(laid.folder)] * elements, range(elements))
    except RuntimeError as error:  # of which submitit's own are kinds
        said = complaint(str(error)) or type(error).__name__
        raise (Later if PASSING.search(said) else SlurmError)(said) from None
