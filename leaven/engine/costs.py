"""What a study's training would take on other hardware: chip-hours, days, memory of a device, money.

    chip-hours = operations / (peak × share of the peak reached × 3600)

Operations are `config.flops_per_token` (attention counted, recomputation not); the peak is the maker's
(`train.peaks`); the share is assumed: as others reached it at the nearest size (`train.reached`), or as given. Memory
is the formula of `train.memory` with the cheapest way to compute a step that fits. Only training is counted, of stages
that do not exist yet. For this computer's own cores there is no peak: their hours are its measured or assumed speed's;
and as a run there computes a batch whole (`train.place`), so that its bytes do not depend on the machine, so is its
memory that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from leaven.engine import hardware
from leaven.engine.devices import Device
from leaven.engine.estimate import UNKNOWN_PEAK, bytes_of, seconds_of
from leaven.ground.errors import BadInput, did_you_mean
from leaven.model.config import SIZES, ModelConfig, count_parameters, flops_per_token, from_size
from leaven.study.amounts import short
from leaven.study.step import Graph, Step
from leaven.train.peaks import CHIPS, Chip, chip_of
from leaven.train.reached import PAPER_RUNS, is_far, nearest

SHOWN = ("v5e", "H100", "H200")
"""Chips that are told of, besides those that a price is given for: the paper's, and what can be rented."""
DEVICES = {"v5e": 256}
"""Devices that work together where no number is asked for: a pod of TPU v5e, a server of eight of all else."""
SERVER = 8
HERE = "here"
WORTH = 3.6e18
"""Operations from which other hardware is worth a table: about an hour of an H100."""


@dataclass(frozen=True)
class Assumed:
    """What a plan is asked to assume: share of the peak, devices that work together, USD of a chip-hour."""

    mfu: float | None = None
    devices: int | None = None
    prices: Mapping[str, float] = field(default_factory=dict)

    @property
    def asked(self) -> bool:
        """Whether anything was."""
        return self.mfu is not None or self.devices is not None or bool(self.prices)


def assumed(mfu: float | None = None, devices: int | None = None, prices: Mapping[str, float] | None = None) -> Assumed:
    """What a user asks for; `prices` by names of `peaks.CHIPS` in any case, or `here`. Raises BadInput."""
    if mfu is not None and not 0 < mfu <= 1:
        raise BadInput(f"{mfu:g} is no share of the peak", field="--mfu", fix="A number between 0 and 1, e.g. 0.4.")
    if devices is not None and devices < 1:
        raise BadInput("at least one device trains", field="--devices")
    found: dict[str, float] = {}
    known = {name.lower(): name for name in (*CHIPS, HERE)}
    for name, usd in (prices or {}).items():
        chip = known.get(name.lower())
        if chip is None:
            raise BadInput(
                f'no hardware "{name}"{did_you_mean(name, known.values())}',
                field="--price",
                fix="With USD of a chip-hour: --price H100=2.5.",
            )
        if not 0 <= usd < float("inf"):
            raise BadInput(f"{usd:g} USD is no price of {chip}", field="--price", fix="USD of a chip-hour.")
        found[chip] = usd
    return Assumed(mfu, devices, found)


@dataclass(frozen=True)
class Work:
    """Training of one shape that is left to do."""

    size: str
    parameters: int
    model: ModelConfig
    batch: int
    precision: str
    tokens: int

    @property
    def about(self) -> tuple[str, int, float, int]:
        """The first fields of a `Part`."""
        return self.size, self.parameters, flops_per_token(self.model), self.tokens

    @property
    def flops(self) -> float:
        return self.tokens * flops_per_token(self.model)


@dataclass(frozen=True)
class Part:
    """One shape on one hardware. `flops_per_token`: of training. `source`: of the share of the peak; `far`: that
    nothing is published near this size. `needed`: bytes of each device at the peak; `fewest`: devices that it fits
    on, None where no number does."""

    size: str
    parameters: int
    flops_per_token: float
    tokens: int
    share: float | None
    source: str
    far: bool
    hours: float
    devices: int
    needed: int | None
    fewest: int | None


@dataclass(frozen=True)
class Cost:
    """All of the training on one hardware. `hours`: of one chip, or of one core; `memory`: bytes of a device."""

    hardware: str
    kind: str
    memory: int
    parts: tuple[Part, ...]
    hours: float
    wall_hours: float
    usd: float | None

    def data(self) -> dict[str, Any]:
        return asdict(self)


def work_of(stages: Iterable[Step]) -> list[Work]:
    """Stages by shape, in the order of their first."""
    found: dict[tuple[ModelConfig, int, str], int] = {}
    for step in stages:
        key = (ModelConfig(**step.fields["model"]), step.fields["batch"], step.fields.get("precision", "float32"))
        found[key] = found.get(key, 0) + step.tokens
    return [
        Work(size_of(model), count_parameters(model), model, batch, precision, tokens)
        for (model, batch, precision), tokens in found.items()
    ]


def size_of(model: ModelConfig) -> str:
    """The name of the size that a shape is, but for its vocabulary and sequence; else how many parameters it has."""
    for name in SIZES:
        if from_size(name, model.vocab, model.sequence) == model:
            return name
    return short(count_parameters(model))


def costs(
    graph: Graph,
    missing: Collection[str],
    *,
    device: Device,
    rates: Mapping[str, float],
    at_once: int,
    assume: Assumed,
) -> list[Cost]:
    """The training that is left, on each hardware of the table and on this computer.

    Args:
        missing: identities of the steps that do not exist yet.
        device: what this computer trains on. rates: its measured speeds. at_once: steps that run at once here.
    """
    left = [step for step in graph.of_kind("stage") if step.identity in missing]
    works = work_of(left)
    if not works:
        return []
    wanted = dict.fromkeys([*SHOWN, *(name for name in assume.prices if name != HERE)])
    found = [_elsewhere(works, name, CHIPS[name], assume) for name in wanted]
    return [*found, _here(left, works, device, rates, at_once, assume)]


def _elsewhere(works: Sequence[Work], name: str, chip: Chip, assume: Assumed) -> Cost:
    together = assume.devices or DEVICES.get(name, SERVER)
    parts = tuple(_part(work, name, chip.flops, chip.memory, together, assume.mfu) for work in works)
    return _total(name, name, chip.memory, parts, assume.prices.get(name))


def _here(
    left: Sequence[Step],
    works: Sequence[Work],
    device: Device,
    rates: Mapping[str, float],
    at_once: int,
    assume: Assumed,
) -> Cost:
    """This computer: its accelerator as any other hardware, or its cores."""
    price = assume.prices.get(HERE)
    if device.accelerates:
        chip = chip_of(device.kind)
        memory = device.memory or (chip.memory if chip else 0)
        near = next((name for name, known in CHIPS.items() if known == chip), "H100")
        peak = chip.flops if chip else UNKNOWN_PEAK
        parts = tuple(_part(work, near, peak, memory, device.count, assume.mfu) for work in works)
        return _total(HERE, device.kind, memory, parts, price)
    parts = tuple(_on_cores(work, left, rates, at_once) for work in works)
    return _total(HERE, f"{len(hardware.cores())} cores", hardware.memory(), parts, price)


def _on_cores(work: Work, left: Iterable[Step], rates: Mapping[str, float], at_once: int) -> Part:
    steps = [step for step in left if work_of([step])[0].model == work.model]
    hours = sum(seconds_of(step, rates) for step in steps) / 3600
    source = "measured here" if any(seconds_of(step, rates) != seconds_of(step) for step in steps) else "assumed"
    needed = max(bytes_of(step) for step in steps)
    fits = 1 if needed <= hardware.memory() else None
    return Part(*work.about, None, source, False, hours, at_once, needed, fits)


def _total(name: str, kind: str, memory: int, parts: tuple[Part, ...], price: float | None) -> Cost:
    hours = sum(part.hours for part in parts)
    wall = sum(part.hours / part.devices for part in parts)
    return Cost(name, kind, memory, parts, hours, wall, None if price is None else price * hours)


def _part(work: Work, chip: str, peak: float, memory: int, together: int, mfu: float | None) -> Part:
    reached = nearest(chip, work.parameters)
    share = mfu if mfu is not None else reached.share
    source, far = ("given", False) if mfu is not None else (reached.source, is_far(reached, work.parameters))
    hours = work.flops / (peak * share * 3600)
    devices = max(n for n in range(1, min(together, work.batch) + 1) if work.batch % n == 0)
    needed = bytes_on(work, devices, memory)
    return Part(*work.about, share, source, far, hours, devices, needed, fewest(work, memory))


def bytes_on(work: Work, devices: int, memory: int) -> int | None:
    """Bytes that a step takes of each of so many devices, its batch spread over them; None where it does not fit."""
    from leaven.train.memory import choose  # JAX comes with it

    try:
        fitting = choose(
            work.model,
            work.batch,
            work.model.sequence,
            data=devices,
            model=1,
            memory_bytes=memory,
            platform="gpu",
            compute=work.precision,
        )
    except BadInput:
        return None
    return fitting.bytes


def fewest(work: Work, memory: int) -> int | None:
    """The smallest number of devices of this memory that a step fits on, its batch spread over them."""
    spread = (n for n in range(1, work.batch + 1) if work.batch % n == 0)
    return next((n for n in spread if bytes_on(work, n, memory) is not None), None)


def paper_check(found: Sequence[Cost], mfu: float | None) -> list[dict[str, Any]]:
    """The paper's published chip-hours beside ours, for the sizes that are among these costs: models of its parameters,
    vocabulary included, and of its operations a token, so that one of the same name and a small vocabulary is none.

    Each row: `run`, `published` chip-hours, the shares of the peak they imply by 6 operations a parameter and token
    (`by_six`) and by our count (`by_ours`), and `ours`: chip-hours at the share `assumed`. Without `mfu` that share is
    the one implied by the size's longest run, so that the cooldown is what checks it; `taken`: this is that run.
    """
    trained = {(part.parameters, part.flops_per_token) for cost in found for part in cost.parts}
    rows = []
    for run in PAPER_RUNS:
        shape = from_size(run.size)
        if (count_parameters(shape), flops_per_token(shape)) in trained:
            longest = max((other for other in PAPER_RUNS if other.size == run.size), key=lambda other: other.tokens)
            share = mfu if mfu is not None else longest.share()
            rows.append(
                {
                    "run": run.name,
                    "published": run.hours,
                    "by_six": run.share(attention=False),
                    "by_ours": run.share(),
                    "assumed": share,
                    "ours": run.hours_at(share),
                    "taken": mfu is None and run == longest,
                }
            )
    return rows
