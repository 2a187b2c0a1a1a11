"""Names in a corpus that only the corpus room knows, checked before anything is read: rulesets, thresholds, languages,
licences, shapes of records, controls.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from leaven.corpus import rules
from leaven.corpus.control import CONTROLS
from leaven.corpus.dedup.near import Near, preset
from leaven.corpus.language.select import selection
from leaven.corpus.licence.spdx import keep
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read.shapes import shape
from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.document import Keys, Where, field
from leaven.study.sources import Corpus, Source


@contextlib.contextmanager
def named(keys: Keys, where: Where) -> Iterator[None]:
    """Errors from within say file, line and field."""
    try:
        yield
    except BadInput as error:
        at = field(keys)
        known = not error.field or error.where or at.endswith(error.field.partition("[")[0])
        what = error.what if known else f"{error.field}: {error.what}"
        raise BadInput(what, where=error.where or where(keys), field=at, fix=error.fix) from None


def check_near(corpus: Corpus, where: Where) -> None:
    """Raises BadInput for near-duplicate settings that do not go together."""
    near = corpus.deduplicate.near
    if near is not None:
        with named(("corpus", "deduplicate", "near"), where):
            near_of(near.model_dump())


def near_of(fields: Mapping[str, Any]) -> Near:
    """The setting that a study's fields mean: the published one of its tokens, with what the study changes."""
    changes = {name: value for name, value in fields.items() if name not in ("tokens", "verify") and value is not None}
    return preset(fields["tokens"], **changes)


def check_source(name: str, source: Source, where: Where) -> None:
    """Raises BadInput for a name that the corpus room does not know."""
    at: Keys = ("corpus", "sources", name)
    with named((*at, "rules"), where):
        rules.columns(source.rulesets)
    with named((*at, "thresholds"), where):
        rules.thresholds(source.rulesets, source.thresholds)
    if isinstance(source.languages, list):
        with named((*at, "languages"), where):
            selection(source.languages, {}, "code")
    if source.licences != "any":
        with named((*at, "licences"), where):
            keep("", source.licences)
    if source.origin in ("path", "hub"):
        with named((*at, "shape"), where):
            leave = {role: tuple(values) for role, values in source.leave.items()}
            plan = SourcePlan(name, "text", "path", 1, shape=source.shape, fields=source.fields, leave=leave)
            shape(plan)
    if source.transform is not None and source.transform not in CONTROLS:
        with named((*at, "transform"), where):
            raise BadInput(f'there is no control "{source.transform}"{did_you_mean(source.transform, CONTROLS)}')
