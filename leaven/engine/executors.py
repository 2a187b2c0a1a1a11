"""Where a run executes, as the command line says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from leaven.engine import devices
from leaven.engine.devices import Device
from leaven.engine.executor import Executor
from leaven.engine.here import Here
from leaven.engine.split import Split
from leaven.engine.store import Store
from leaven.ground.errors import BadInput, did_you_mean

LOCAL = "local"
KNOWN = (LOCAL, "local-cluster:N", "ray", "ray://HOST", "slurm")
FORMS = "local, local-cluster:N, ray, ray://HOST[:PORT], slurm"


@dataclass(frozen=True)
class Where:
    """What `--on` and the options beside it say.

    Attributes:
        on: one of FORMS.
        shared: folders that every machine sees under the same path.
        hosts: machines that train one stage together.
        slurm: parameters of the jobs.
    """

    on: str = LOCAL
    shared: Sequence[Path] = ()
    hosts: int = 1
    slurm: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        head, _, rest = self.on.partition(":")
        known = self.on in (LOCAL, "ray", "slurm") or (self.on.startswith("ray://") and len(self.on) > 6)
        if not known and not (head == "local-cluster" and rest.isdecimal() and int(rest) > 0):
            near = did_you_mean(self.on.lower(), KNOWN)
            hint = near if "did you mean" in near else ""
            raise BadInput(f'"{self.on}" is no place to run on{hint}', field="--on", fix=f"One of {FORMS}.")
        for option, given, places in (
            ("--shared", bool(self.shared), self.is_local),
            ("--hosts", self.hosts > 1, self.is_local),
            ("--slurm", bool(self.slurm), self.on != "slurm"),
        ):
            if given and places:
                raise BadInput(f"has no effect with --on {self.on}", field=option)

    @property
    def is_local(self) -> bool:
        return self.on == LOCAL

    def require(self) -> None:
        """Before anything is looked at: what it takes to run there is installed. Raises BadInput."""
        name, package = ("submitit", "submitit") if self.on == "slurm" else ("Ray", "ray")
        if not self.is_local and find_spec(package) is None:
            raise BadInput(
                f"{name} is not installed", field=f"--on {self.on}", fix='Install it: pip install "leaven[cluster]".'
            )


def place_of(
    where: Where, store: Store, *, jobs: int | None = None, allow_unisolated: bool = False, device: str = "auto"
) -> tuple[Callable[[int], Executor], Device]:
    """What opens the executor, given the bytes of the largest step (`leaven.engine.schedule.run`), and the device of
    this computer that models are computed on; of a cluster's devices it is known when it is open.

    Raises BadInput for a device that is not there; opening raises it where nobody answers.
    """
    if where.is_local:
        found = devices.find(device)
        return partial(Here, store, jobs, allow_unisolated, found), found

    def split(needed: int) -> Executor:
        away = _away(where, store, jobs=jobs, allow_unisolated=allow_unisolated, device=device)
        try:
            return Split(Here(store, allow_unisolated=allow_unisolated), away, where.shared)
        except BaseException:
            away.close()
            raise

    return split, devices.PROCESSOR


def _away(where: Where, store: Store, *, jobs: int | None, allow_unisolated: bool, device: str) -> Executor:
    if where.on == "slurm":
        from leaven.engine.slurm.executor import SlurmExecutor

        return SlurmExecutor(
            store,
            options=where.slurm,
            hosts=where.hosts,
            allow_unisolated=allow_unisolated,
            device=device,
            jobs=jobs,
        )
    from leaven.engine.ray.executor import RayExecutor

    return RayExecutor(where.on, store, jobs=jobs, allow_unisolated=allow_unisolated, device=device, hosts=where.hosts)
