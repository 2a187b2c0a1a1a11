"""What a job asks of Slurm, and the part of the cluster that it is asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from leaven.engine.devices import CHOICES, PROCESSOR, Device
from leaven.engine.executor import Seat
from leaven.engine.here import IN_PARTS
from leaven.engine.slurm import asking, options
from leaven.engine.slurm.asking import Nodes, SlurmError
from leaven.engine.slurm.options import Options
from leaven.engine.slurm.submit import require_submitit
from leaven.ground.errors import BadInput
from leaven.study.step import Step

CORES_IN_PARTS = 8
"""Of a step that is computed in parts, where the user does not say (`--slurm cpus_per_task=N`) and a node has them."""
CORES_ON_DEVICE = 4
"""Beside an accelerator: reading batches ahead and writing checkpoints behind."""
ROUND = 256 * 2**20
"""Bytes of memory are asked for in multiples of this, so that steps which are nearly alike share an array."""
AT_ONCE = 2000
"""Steps in Slurm's queue at most, where the user does not say: users may be allowed few thousands."""


@dataclass(frozen=True)
class Needs:
    """Of one job: cores and memory of each host (bytes; 0: what the partition gives), an accelerator or not, hosts."""

    cores: int
    memory: int
    device: bool = False
    hosts: int = 1

    def data(self) -> dict[str, Any]:
        return asdict(self)

    def memory_words(self) -> str:
        return f"the {self.memory / 2**30:.1f} GiB it asked for" if self.memory else "the partition gives it"


@dataclass(frozen=True)
class Cluster:
    """The nodes, what the user says of jobs, the machines that train one stage, and what models are computed on."""

    nodes: Nodes
    options: Options
    hosts: int
    device: Device

    @staticmethod
    def open(words: Mapping[str, str], hosts: int, device: str) -> Cluster:
        """Raises BadInput where Slurm or submitit is missing, and where Slurm would not take the jobs."""
        require_submitit()
        asking.require()
        try:
            said = options.read(words, asking.options_known())
            nodes = asking.nodes(said.partition)
            asking.would_take(said.of(True))
        except SlurmError as error:
            raise BadInput(f"Slurm would not take the jobs: {error}", field=options.FIELD) from None
        if hosts > nodes.count:
            raise BadInput(f"there are {nodes.count} nodes", field="--hosts", fix=f"At most --hosts {nodes.count}.")
        return Cluster(nodes, said, hosts, _device(device, nodes, said))

    @property
    def words(self) -> str:
        """For people."""
        where = f"partition {self.options.partition}" if self.options.partition else "the default partition"
        nodes = f"{self.nodes.count} node{'s' if self.nodes.count > 1 else ''}"
        return f"Slurm, {where}: {nodes}, {self.nodes.cores} cores"

    @property
    def devices(self) -> int:
        """Jobs that have an accelerator at once, as many as the nodes have; what Slurm knows is that of the largest."""
        return max(1, self.nodes.count // self.hosts if self.hosts > 1 else self.nodes.count * self.nodes.gpus)

    def needs(self, step: Step, seat: Seat) -> Needs:
        """Of a step that has the seat."""
        hosts = self.hosts if step.kind == "stage" else 1
        most = self.options.given.get("cpus_per_task")
        if step.kind in IN_PARTS:
            cores = min(most or CORES_IN_PARTS, self.nodes.per_node)
        elif seat.device:
            cores = min(most or CORES_ON_DEVICE, self.nodes.per_node)
        else:
            cores = 1
        asks = self.nodes.memory and not any(name.startswith("mem") for name in self.options.of(seat.device))
        memory = min(-(-seat.bytes // ROUND) * ROUND, self.nodes.memory) if asks else 0
        return Needs(cores, memory, seat.device, hosts)

    def parameters(self, needs: Needs) -> dict[str, Any]:
        """Options of sbatch for such a job, besides how many nodes and cores."""
        asked = {name: value for name, value in self.options.of(needs.device).items() if name != "cpus_per_task"}
        if needs.memory:
            asked["mem"] = f"{needs.memory // 2**20}M"
        if needs.device and self.device.platform == "gpu" and not options.names_gpus(asked):
            asked["gpus_per_node"] = 1 if needs.hosts == 1 else max(1, self.nodes.gpus)
        return asked


def _device(asked: str, nodes: Nodes, said: Options) -> Device:
    """What models are computed on; what it is called is found on the node that a step comes to."""
    if asked not in CHOICES:
        raise BadInput(f'"{asked}" is not one of {", ".join(CHOICES)}', field="--device")
    gpus = nodes.gpus or options.names_gpus(said.given)
    if asked == "gpu" and not gpus:
        raise BadInput(
            "Slurm knows of no GPU on these nodes",
            field="--device",
            fix="--slurm partition=… names others; --slurm gres=… says what to ask for.",
        )
    if asked == "tpu":
        return Device("tpu", "tpu", setting="tpu,cpu")
    if asked == "gpu" or (asked == "auto" and gpus):
        return Device("gpu", "gpu", setting="cuda,cpu")
    return PROCESSOR


class Queue:
    """Room in Slurm's queue, where steps wait for nodes; `most`: steps at once."""

    device_is_free = True

    def __init__(self, most: int | None) -> None:
        self.most, self.taken = most or AT_ONCE, 0

    def full(self) -> bool:
        return self.taken >= self.most

    def take(self, step: Step, needed: int, device: bool = False, *, whatever: bool = True) -> Seat | None:
        if self.full():
            return None
        self.taken += 1
        return Seat(-1, needed, device)

    def give_back(self, seat: Seat) -> None:
        self.taken -= 1
