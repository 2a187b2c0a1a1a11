"""Data that cannot be looked at now: a plan takes the study's word for it and says so; a run refuses.

What was not seen has an identity of its own, so that nothing planned from it is ever taken for a step that exists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from leaven.corpus.hub import is_offline
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, LeavenError

Found = TypeVar("Found")
UNASKED = "the hub is not to be asked (HF_HUB_OFFLINE)"
FEW = 3
"""More of a kind than this are counted, not named."""


@dataclass
class Unseen:
    """What a study's word is taken for: reason → names. Where not `allowed`, errors are raised as ever."""

    allowed: bool = False
    reasons: dict[str, list[str]] = field(default_factory=dict)
    down: str = ""
    """Why the hub cannot be reached, once it could not be: it is not asked again."""

    def look(
        self,
        name: str,
        look: Callable[[], Found],
        declared: Callable[[str], Found],
        *,
        mistakes: bool = False,
        hub: bool = True,
    ) -> Found:
        """What `look` finds; where it cannot, what `declared` makes of a fingerprint that nothing else has.
        Nothing found is no answer either where the hub may have it and is not to be asked.

        Args:
            name: for people; its first word is what it is: `source text`.
            mistakes: whether a BadInput also means no more than that it cannot be looked at now.
            hub: whether it is the hub that is asked.
        """
        if not self.allowed:
            return look()
        if self.down and hub:
            return self._taken(name, self.down, declared)
        try:
            found = look()
            return self._taken(name, UNASKED, declared) if found is None and hub and is_offline() else found
        except LeavenError as error:
            if isinstance(error, BadInput):
                if not mistakes:
                    raise
                return self._taken(name, UNASKED if is_offline() else error.what, declared)
            self.down = str(error).splitlines()[0].partition(" when asked")[0]
            return self._taken(name, self.down, declared)

    def _taken(self, name: str, reason: str, declared: Callable[[str], Found]) -> Found:
        self.reasons.setdefault(reason, []).append(name)
        return declared(identity(["declared/1", name]))

    def sentences(self) -> list[str]:
        """One for each reason."""
        return [
            f"{_counted(names)}: planned as declared, without a look ({reason})"
            for reason, names in self.reasons.items()
        ]


def _counted(names: Sequence[str]) -> str:
    """`source text, 15 benchmarks`: names by their first word, and how many of a kind where they are many."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(name.partition(" ")[0], []).append(name)
    return ", ".join(f"{len(named)} {kind}s" if len(named) > FEW else ", ".join(named) for kind, named in kinds.items())
