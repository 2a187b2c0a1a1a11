"""One document judged by rulesets, the way a source does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from leaven.corpus import rules

Judge = Callable[..., str]


@pytest.fixture(scope="session")
def judge() -> Judge:
    """`judge(text, path, language, ruleset, …)` → the reason of the drop, "" for a document that is kept."""

    def of(
        text: str, path: str, language: str, *rulesets: str, given: Mapping[str, float] | None = None, **over: float
    ) -> str:
        columns = rules.columns(rulesets)
        values = dict(zip(columns, rules.score(text, language, path, columns), strict=True)) | dict(given or {})
        scores = {name: np.array([value], np.float32) for name, value in values.items()}
        words = np.array([language], object), np.array([rules.extension_of(path)], object)
        overrides = {key.replace("__", "."): value for key, value in over.items()}
        return str(rules.reasons(scores, *words, rulesets, overrides)[0])

    return of
