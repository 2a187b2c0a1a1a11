"""What the user says of the jobs: `--slurm KEY=VALUE`, any long option of sbatch that leaven does not decide itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from leaven.ground.errors import BadInput, did_you_mean

FIELD = "--slurm"
DECIDED = {
    "nodes": "--hosts N says how many machines train one stage",
    "ntasks": "--hosts N says how many machines train one stage",
    "ntasks_per_node": "there is one process of leaven on each node",
    "array": "steps that are ready together become one array",
    "job_name": "jobs are found again by it",
    "output": "what a step says is in its log: leaven logs STEP",
    "error": "what a step says is in its log: leaven logs STEP",
    "open_mode": "what a step says is in its log: leaven logs STEP",
    "chdir": "paths are written in full",
    "wrap": "leaven writes the script",
    "signal": "checkpoints are written all the time",
    "wait": "leaven waits for the jobs",
    "test_only": "leaven plan executes nothing",
    "parsable": "leaven reads what Slurm says",
    "quiet": "leaven reads what Slurm says",
    "verbose": "leaven reads what Slurm says",
    "help": "see the manual of sbatch",
    "usage": "see the manual of sbatch",
    "version": "see the manual of sbatch",
}
"""Options of sbatch that are not the user's, and why or what else says it."""
NOT_SBATCH = ("setup", "array_parallelism")
"""What may be said besides: a line of shell before the step, and how many elements of an array run at once."""


@dataclass(frozen=True)
class Options:
    """`given`: options of sbatch by name, with underscores; a flag is True. `setup`: lines of shell before a step."""

    given: Mapping[str, Any] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    parallelism: int | None = None

    def of(self, on_device: bool) -> dict[str, Any]:
        """The options of one job: what is said of accelerators is asked for only where one is used."""
        return {
            name: value for name, value in self.given.items() if on_device or ("gpu" not in name and name != "gres")
        }

    @property
    def partition(self) -> str:
        return str(self.given.get("partition", ""))


def read(words: Mapping[str, str], known: Collection[str]) -> Options:
    """The options that a command line gives. `known`: what this Slurm's sbatch takes. Raises BadInput."""
    given: dict[str, Any] = {}
    setup: tuple[str, ...] = ()
    parallelism = None
    for word, value in words.items():
        name = word.strip().lstrip("-").replace("-", "_").lower()
        if name in DECIDED:
            raise BadInput(f'"{word}" is decided by leaven', field=FIELD, fix=f"Instead: {DECIDED[name]}.")
        if name == "setup":
            setup = (value,)
        elif name == "array_parallelism":
            parallelism = _whole(word, value)
        elif name not in known:
            names = [*sorted(set(known) - set(DECIDED)), *NOT_SBATCH]
            near = did_you_mean(name, names)
            hint = near if near.startswith("; did") else ""
            raise BadInput(f'sbatch has no option "{word}"{hint}', field=FIELD, fix="They are listed by: sbatch --help")
        elif name == "cpus_per_task":
            given[name] = _whole(word, value)
        elif re.search(r"[\x00-\x1f]", value):
            raise BadInput(f'the value of "{word}" holds a control character', field=FIELD)
        else:
            given[name] = True if value.lower() in ("", "true") else value
    return Options(given, setup, parallelism)


def names_gpus(given: Collection[str]) -> bool:
    """Whether any of the options says which accelerators."""
    return any(_of_gpus(name) and name.startswith(("gpus", "gres")) for name in given)


def _of_gpus(name: str) -> bool:
    return "gpu" in name or name == "gres"


def _whole(word: str, value: str) -> int:
    if not re.fullmatch(r"[1-9]\d*", value):
        raise BadInput(f'"{word}" takes a whole number, not "{value}"', field=FIELD)
    return int(value)
