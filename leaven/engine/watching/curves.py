"""The curves of a study's runs: loss and bits per byte of every stage so far, one after another on a scale of tokens.

A stage that has finished is drawn from its results, one that has not from what its run told. Runs that share their
stages so far are one curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leaven.engine.store import Store
from leaven.engine.watching.heard import BPB, Point
from leaven.engine.watching.outline import Outline, Run
from leaven.engine.watching.view import DONE, RUNNING, At, View
from leaven.ground.errors import LeavenError
from leaven.ground.tables import read_table

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Track:
    """`loss`, `bpb` by source: (tokens since the first stage began, value); `end`: tokens of all stages of its runs;
    `place`: of the first of its runs in the order of the study, by which a curve keeps its letter and its colour while
    others come and go."""

    label: str
    stages: tuple[str, ...]
    place: int
    end: int
    loss: Points
    bpb: dict[str, Points]

    def data(self) -> dict[str, Any]:
        return {"runs": self.label, "stages": list(self.stages), "train_loss": self.loss, "bpb": self.bpb}

    def mean_bpb(self) -> Points:
        """Of all sources, where all were measured."""
        found: dict[float, list[float]] = {}
        for points in self.bpb.values():
            for at, value in points:
                found.setdefault(at, []).append(value)
        return [(at, sum(values) / len(values)) for at, values in sorted(found.items()) if len(values) == len(self.bpb)]


class Curves:
    """Of one study; what finished stages hold is read once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.kept: dict[str, dict[int, Point]] = {}

    def of(self, view: View, most: int | None = None) -> tuple[list[Track], int]:
        """At most so many curves, and how many there are: first those of runs that go on now, then those heard of last,
        then in the order of the study."""
        chains: dict[tuple[int, ...], list[Run]] = {}
        places: dict[tuple[int, ...], int] = {}
        for place, run in enumerate(_runs(view.outline)):
            chain = tuple(at for at in run.stages if _has(view, view.steps[at]))
            if chain:
                chains.setdefault(chain, []).append(run)
                places.setdefault(chain, place)
        # The part that runs have in common is not drawn again for those that have not come further.
        longer = {chain[:length] for chain in chains for length in range(1, len(chain))}
        going = {chain for chain in chains if any(_going(view, run) for run in chains[chain])}
        kept = [chain for chain in chains if chain not in longer or chain in going]
        kept.sort(key=lambda chain: (False, 0.0) if chain in going else (True, -_heard_of(view, chain)))
        sizes = len({run.size for run in view.outline.runs}) > 1
        return [self._track(view, chain, chains[chain], places[chain], sizes) for chain in kept[:most]], len(kept)

    def _track(self, view: View, chain: Sequence[int], runs: Sequence[Run], place: int, sizes: bool) -> Track:
        loss: Points = []
        bpb: dict[str, Points] = {}
        before = 0
        for stage in chain:
            at = view.steps[stage]
            for tokens, point in sorted(self._points(view, at).items()):
                if point.loss is not None:
                    loss.append((before + tokens, point.loss))
                for source, value in point.bpb.items():
                    bpb.setdefault(source, []).append((before + tokens, value))
            before += at.step.tokens
        end = max(sum(view.steps[at].step.tokens for at in run.stages) for run in runs)
        names = tuple(view.steps[at].step.name for at in chain)
        return Track(_label(runs, sizes), names, place, end, loss, dict(sorted(bpb.items())))

    def _points(self, view: View, at: At) -> dict[int, Point]:
        identity = at.step.identity
        if at.state != DONE:
            return view.heard.of(identity).points
        if identity not in self.kept:
            self.kept[identity] = self._read(identity) or view.heard.of(identity).points
        return self.kept[identity]

    def _read(self, identity: str) -> dict[int, Point]:
        """The curve among a stage's results; nothing where it cannot be had."""
        try:
            columns = read_table(self.store.file(identity, "curve.parquet"))
            sources = [name for name in columns if name.startswith(BPB)]
            return {
                int(tokens): Point(
                    0.0,
                    columns["train_loss"][row],
                    {name.removeprefix(BPB): columns[name][row] for name in sources if columns[name][row] is not None},
                    None,
                )
                for row, tokens in enumerate(columns["tokens"])
            }
        except (OSError, ValueError, KeyError, LeavenError):
            return {}


def _runs(outline: Outline) -> list[Run]:
    """The study's runs, and one of its own for every stage that is part of none: the judge's reference model."""
    named = {at for run in outline.runs for at in run.stages}
    others = [place for place, step in enumerate(outline.steps) if step.kind == "stage" and place not in named]
    return [*outline.runs, *(Run(outline.steps[at].name, None, "", (at,)) for at in others)]


def _label(runs: Sequence[Run], sizes: bool) -> str:
    """`text-only, no-code seed 1`."""
    variants = list(dict.fromkeys(run.variant for run in runs))
    seeds = list(dict.fromkeys(run.seed for run in runs if run.seed is not None))
    at = [f"@{size}" for size in dict.fromkeys(run.size for run in runs) if sizes and size]
    said = ", ".join(variants[:2]) + (f" and {len(variants) - 2} more" if len(variants) > 2 else "")
    return " ".join([said, *at, *([f"seed {', '.join(map(str, seeds))}"] if seeds else [])])


def _has(view: View, at: At) -> bool:
    return at.state == DONE or bool(view.heard.of(at.step.identity).points)


def _going(view: View, run: Run) -> bool:
    return any(view.steps[at].state == RUNNING for at in run.stages)


def _heard_of(view: View, chain: Sequence[int]) -> float:
    return max(
        (told.last[0] for at in chain if (told := view.heard.of(view.steps[at].step.identity)).last), default=0.0
    )
