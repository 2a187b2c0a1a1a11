"""One process full of problems: each is judged, each verdict is a line of JSON on a stream that programs cannot print
to by accident."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any


def session(what: str, cases: list[Mapping[str, Any]]) -> None:
    """Judge `cases` by "tests", "properties" or "contracts"; one line each, flushed at once."""
    report = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for verdict in _verdicts(what, cases):
        os.write(report, json.dumps(verdict).encode() + b"\n")


def _verdicts(what: str, cases: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    if what == "tests":
        from leaven.corpus.synthetic.inside.trial import trial

        yield from map(trial, cases)
    elif what == "properties":
        from leaven.corpus.synthetic.inside.laws import laws

        yield from map(laws, cases)
    else:
        from leaven.corpus.synthetic.inside.contracts import contracts, prepare

        for number, verdict in enumerate(prepare(cases)):
            yield verdict or contracts(number)
