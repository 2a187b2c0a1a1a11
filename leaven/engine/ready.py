"""Steps that could start now, the longest path first.

Steps that ask the same of the room stand in one lane: where the first of a lane finds no room, no other of it does. So
a look for something that fits costs a comparison for each lane, however many steps wait.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Hashable, Iterator

Lane = tuple[Hashable, ...]
"""The kind of step, then what decides whether there is room for it."""
Entry = tuple[float, int, str]
"""Minus the rank, the place in the graph, the identity: the smallest goes first."""


class Ready:
    """Waiting steps by lane. Falsy when none waits."""

    def __init__(self) -> None:
        self.lanes: dict[Lane, list[Entry]] = {}
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def push(self, lane: Lane, entry: Entry) -> None:
        heapq.heappush(self.lanes.setdefault(lane, []), entry)
        self.count += 1

    def best(self, closed: Collection[Lane]) -> tuple[Lane, str] | None:
        """The first step of all lanes but the closed ones, with its lane."""
        heads = [(entries[0], lane) for lane, entries in self.lanes.items() if lane not in closed]
        if not heads:
            return None
        entry, lane = min(heads, key=lambda head: head[0])
        return lane, entry[2]

    def others(self, lane: Lane) -> Iterator[str]:
        """The steps of a lane behind its first, in their order; sorted only if somebody asks."""
        for _, _, step_id in sorted(self.lanes[lane])[1:]:
            yield step_id

    def remove(self, lane: Lane, step_ids: Collection[str]) -> None:
        """They wait no longer. Quick for the first of the lane alone."""
        entries = self.lanes[lane]
        self.count -= len(step_ids)
        if len(step_ids) == 1 and entries[0][2] in step_ids:
            heapq.heappop(entries)
        else:
            entries[:] = [entry for entry in entries if entry[2] not in step_ids]
            heapq.heapify(entries)
        if not entries:
            del self.lanes[lane]
