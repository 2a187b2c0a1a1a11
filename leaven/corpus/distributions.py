"""Which installed packages are leaven's own requirements.

The corpus `workstation` reads those and no others: everybody who runs leaven has them, and installing a linter beside
them does not make another corpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


def top_level(name: str = "leaven") -> frozenset[str] | None:
    """First path components, in site-packages, of what `name` requires, directly or not; itself left out.

    None where `name` is not installed as a distribution (leaven run from a bare source tree): then nothing is known.
    """
    try:
        root = distribution(name)
    except PackageNotFoundError:
        return None
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(root, "")]
    while waiting:
        current, extra = waiting.pop()
        for requirement in _requirements(current, extra):
            for wanted in ("", *sorted(requirement.extras)):
                key = (canonicalize_name(requirement.name), wanted)
                if key in seen:
                    continue
                seen.add(key)
                try:
                    needed = distribution(requirement.name)
                except PackageNotFoundError:
                    continue
                found.update(_folders(needed))
                waiting.append((needed, wanted))
    return frozenset(found)


def _requirements(owner: Distribution, extra: str) -> Iterator[Requirement]:
    for line in owner.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None:
            if not extra:
                yield requirement
        elif requirement.marker.evaluate({"extra": extra}):
            yield requirement


def _folders(owner: Distribution) -> Iterator[str]:
    """From the distribution's RECORD; its lines are read as text because parsing ten thousand of them takes seconds."""
    for line in (owner.read_text("RECORD") or "").split("\n"):
        first = line.partition(",")[0].partition("/")[0]
        if first and first not in ("..", "__pycache__"):
            yield first
