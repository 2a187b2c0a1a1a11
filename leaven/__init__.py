"""leaven: what code, or any other data, does to a language model in pre-training.

`leaven.load("pocket").run()` is `leaven run pocket`. Names are imported when they are first used, so that
`import leaven` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaven.ground.version import __version__

if TYPE_CHECKING:
    from leaven.corpora import Corpus, load_corpus
    from leaven.elsewhere import Elsewhere, verdict_from
    from leaven.lab import Results, Study, load

__all__ = ["Corpus", "Elsewhere", "Results", "Study", "__version__", "load", "load_corpus", "verdict_from"]


def __getattr__(name: str) -> Any:
    if name in {"load", "Study", "Results"}:
        from leaven import lab

        return getattr(lab, name)
    if name in {"load_corpus", "Corpus"}:
        from leaven import corpora

        return getattr(corpora, name)
    if name in {"verdict_from", "Elsewhere"}:
        from leaven import elsewhere

        return getattr(elsewhere, name)
    raise AttributeError(f"module 'leaven' has no attribute {name!r}")
