"""Some of a data set's files, where all would be too many."""

from __future__ import annotations

from collections.abc import Sequence

from leaven.corpus.hub.listing import RemoteEntry
from leaven.ground.canonical import key64


def choose(entries: Sequence[RemoteEntry], budget: int, seed: int) -> list[RemoteEntry]:
    """Files in keyed-hash order until their sizes reach `budget` bytes: the file that passes it is the last taken.

    A function of paths, sizes and seed alone; a larger budget takes the same files and then more. At least one file
    where there is any. What is packed is counted as it lies on the hub: a budget of text is not exceeded by it.
    """
    taken: list[RemoteEntry] = []
    total = 0
    for entry in sorted(entries, key=lambda entry: (key64("hub/choose/1", seed, entry.path), entry.path)):
        if total >= budget and taken:
            break
        taken.append(entry)
        total += entry.size
    return taken
