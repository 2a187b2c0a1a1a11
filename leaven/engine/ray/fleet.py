"""What is free on the machines of a cluster.

Ray places tasks and keeps those that do not fit yet. A few more than fit are handed over, so that no machine waits for
the driver, and no more, so that the order of the scheduler holds. What is asked of Ray always fits one of its machines:
a step that needs more memory than any has one to itself, rather than never being placed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from leaven.engine.executor import Seat
from leaven.engine.here import IN_PARTS
from leaven.study.step import Step

FANNED = frozenset({"read", "corpus", "shards"})
"""Kinds of steps that work in parts which any free core of the cluster may do (`leaven.engine.ray.fan`)."""
THREADS = 4
"""Cores that other steps ask for which use several: they hold them to their end."""


@dataclass(frozen=True)
class Machine:
    """A node of Ray and what it offers to tasks. `accelerators`: of the kind that this run computes on."""

    id: str
    name: str
    cores: int
    bytes: int
    accelerators: int = 0


@dataclass(frozen=True)
class Berth(Seat):
    """What a task asks of Ray: on each of `machines`, `cores`, and `accelerators`."""

    cores: int = 1
    accelerators: int = 0
    machines: int = 1

    @property
    def words(self) -> str:
        """For people: which machine it needs."""
        asked = [(self.accelerators, "accelerator"), (self.cores, "core")]
        parts = [f"{count} {name}{'s'[: count != 1]}" for count, name in asked if count]
        each = f"{', '.join(parts)} and {self.bytes / 2**30:.1f} GiB"
        return f"a machine with {each}" if self.machines == 1 else f"{self.machines} machines with {each} each"


class Fleet:
    """`machines`: those that may be used now. `jobs`: steps at once at most. `hosts`: machines of one stage."""

    def __init__(self, machines: Iterable[Machine] = (), jobs: int | None = None, hosts: int = 1) -> None:
        self.machines: Sequence[Machine] = tuple(machines)
        self.jobs, self.hosts = jobs, hosts
        self.seats: list[Berth] = []

    @property
    def cores(self) -> int:
        return sum(machine.cores for machine in self.machines)

    @property
    def accelerators(self) -> int:
        return sum(machine.accelerators for machine in self.machines)

    @property
    def at_once(self) -> int:
        return max(1, min(self.jobs or self.cores, self.cores))

    @property
    def devices(self) -> int:
        """Steps that have an accelerator at once: one each, or all of `hosts` machines where those train together."""
        equipped = sum(1 for machine in self.machines if machine.accelerators)
        most = equipped // self.hosts if self.hosts > 1 else self.accelerators
        return max(1, min(self.jobs or most, most))

    @property
    def device_is_free(self) -> bool:
        """Where none is known, one may be on its way: clusters that grow add it once it is asked for."""
        taken = sum(seat.accelerators * seat.machines for seat in self.seats)
        return taken < max(1, self.accelerators)

    def fits(self, berth: Berth) -> bool:
        """Whether it can be placed on machines that there are, when they are free."""
        enough = (
            machine.cores >= berth.cores and machine.bytes >= berth.bytes and machine.accelerators >= berth.accelerators
            for machine in self.machines
        )
        return sum(enough) >= berth.machines

    def fitted(self, berth: Berth) -> Berth:
        """The same, less of it where no machine has that much; unchanged where none will do."""
        usable = [machine for machine in self.machines if machine.accelerators or not berth.accelerators]
        if len(usable) < berth.machines:
            return berth
        most = sorted(usable, key=lambda one: (-min(one.accelerators, berth.accelerators), -one.bytes, -one.cores))
        ranked = most[: berth.machines]
        return replace(
            berth,
            cores=min(berth.cores, *(machine.cores for machine in ranked)),
            bytes=min(berth.bytes, *(machine.bytes for machine in ranked)),
            accelerators=min(berth.accelerators, *(machine.accelerators for machine in ranked)),
        )

    def full(self) -> bool:
        return bool(self.seats) and not self._holds(1)

    def take(self, step: Step, needed: int, device: bool = False, *, whatever: bool = True) -> Berth | None:
        alone = not self.seats and whatever
        if device and not self.device_is_free:
            return None
        berth = self._berth(step, needed, device)
        memory = sum(machine.bytes for machine in self.machines)
        fits = sum(seat.bytes * seat.machines for seat in self.seats) + berth.bytes * berth.machines <= memory
        enough = needed <= max((machine.bytes for machine in self.machines), default=0)
        if not alone and not (fits and (enough or whatever) and self._holds(berth.cores * berth.machines)):
            return None
        if berth.machines > 1 and self.seats and not self._spare(berth):
            return None
        self.seats.append(berth)
        return berth

    def give_back(self, seat: Seat) -> None:
        self.seats = [*self.seats]
        for index, other in enumerate(self.seats):
            if other is seat:
                del self.seats[index]
                return

    def _berth(self, step: Step, needed: int, device: bool) -> Berth:
        most = max((machine.cores for machine in self.machines), default=1)
        memory = max((machine.bytes for machine in self.machines), default=needed)
        held = min(needed, memory)
        if self.hosts > 1 and step.kind == "stage":
            # All of a machine: its processes would otherwise share what another step is computing on.
            usable = [machine for machine in self.machines if machine.accelerators or not device] or self.machines
            ranked = sorted(usable, key=lambda machine: (-machine.accelerators, -machine.cores))[: self.hosts]
            cores = min((machine.cores for machine in ranked), default=1)
            each = min((machine.accelerators for machine in ranked), default=1) if device else 0
            return Berth(-1, min(held, min((m.bytes for m in ranked), default=held)), device, cores, each, self.hosts)
        cores = min(THREADS, most) if step.kind in IN_PARTS - FANNED else 1
        return self.fitted(Berth(-1, held, device, cores, int(device)))

    def _holds(self, cores: int) -> bool:
        """Whether so many more cores may be asked for; one step a machine may wait there for its turn."""
        if self.jobs is not None and len(self.seats) >= self.jobs:
            return False
        return sum(seat.cores * seat.machines for seat in self.seats) + cores <= self.cores + len(self.machines)

    def _spare(self, berth: Berth) -> bool:
        """Whether a gang would not have to wait for others: it would hold machines that they could use."""
        taken = sum(seat.cores * seat.machines for seat in self.seats)
        return taken + berth.cores * berth.machines <= self.cores
