"""Names of variants outside `variants`: at further sizes, in `against`, in a sweep. Each must exist, and comparisons
must lead somewhere.
"""

from __future__ import annotations

from collections.abc import Collection

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.document import Keys, Where, field
from leaven.study.sizes import views
from leaven.study.spec import Study


def check_names(study: Study, where: Where) -> None:
    """Raises BadInput with file, line and field."""
    _known(study.baseline, study.variants, ("baseline",), where)
    for variant, others in study.against.items():
        at: Keys = ("against", variant)
        _known(variant, study.variants, at, where)
        for other in others:
            _known(other, study.variants, at, where)
            if other == variant:
                raise BadInput(f'"{variant}" is compared with itself', where=where(at), field=field(at))
        if len(set(others)) != len(others):
            raise BadInput("a variant is named twice", where=where(at), field=field(at))
    if study.sweep is not None:
        of = [*study.mixtures, *study.corpus.sources]
        if study.sweep.of not in of:
            what = f'unknown mixture or source "{study.sweep.of}"{did_you_mean(study.sweep.of, of)}'
            raise BadInput(what, where=where(("sweep", "of")), field="sweep.of")
        for index, variant in enumerate(study.sweep.variants):
            _known(variant, study.variants, ("sweep", "variants", index), where)
        if len(study.sweeps) < 2:
            raise BadInput("a sweep needs at least two variants", where=where(("sweep",)), field="sweep.variants")
    for size in study.sizes:
        _size(study, size, where)
    for view in views(study):
        _one_way(view, where)


def _size(study: Study, name: str, where: Where) -> None:
    at: Keys = ("sizes", name)
    size = study.sizes[name]
    if name == study.model.size:
        raise BadInput(
            f'"{name}" is the size that the study has already',
            where=where(at),
            field=field(at),
            fix="`model` is the first size; `sizes` holds the others.",
        )
    for index, variant in enumerate(size.variants or ()):
        _known(variant, study.variants, (*at, "variants", index), where)
    among = size.variants or list(study.variants)
    if size.baseline is not None:
        _known(size.baseline, among, (*at, "baseline"), where)
    elif study.baseline not in among:
        raise BadInput(
            f'the study\'s baseline "{study.baseline}" is not among its variants',
            where=where(at),
            field=field(at),
            fix=f"Give sizes.{name}.baseline.",
        )
    for variant in study.variants:
        if variant.endswith(f"@{name}"):
            raise BadInput(
                f'"{variant}" reads like a variant of another name at size {name}',
                where=where(("variants", variant)),
                field=f"variants.{variant}",
                fix="Give it a name without @.",
            )


def _one_way(view: Study, where: Where) -> None:
    """No two variants are each compared with the other."""
    for variant in view.variants:
        for other in view.against_of(variant):
            if variant in view.against_of(other):
                at: Keys = ("against", variant if variant in view.against else other)
                raise BadInput(
                    f'"{variant}" and "{other}" are each compared with the other',
                    where=where(at),
                    field=field(at),
                    fix="Leave one of the two out.",
                )


def _known(variant: str, among: Collection[str], at: Keys, where: Where) -> None:
    if variant not in among:
        what = f'unknown variant "{variant}"{did_you_mean(variant, among)}'
        raise BadInput(what, where=where(at), field=field(at))
