"""Names of variants outside `variants`: at further sizes, in `against`, in a sweep. Each must exist, and comparisons
must lead somewhere: whoever follows them comes to a variant that is compared with nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.document import Keys, Where, field
from leaven.study.sizes import views
from leaven.study.spec import Study


def check_names(study: Study, where: Where) -> None:
    """Raises BadInput with file, line and field."""
    _known(study.baseline, study.variants, ("baseline",), where)
    _against(study.against, study.variants, ("against",), where)
    if study.sweep is not None:
        of = [*study.mixtures, *study.corpus.sources]
        if study.sweep.of not in of:
            what = f'unknown mixture or source "{study.sweep.of}"{did_you_mean(study.sweep.of, of)}'
            raise BadInput(what, where=where(("sweep", "of")), field="sweep.of")
        for index, variant in enumerate(study.sweep.variants):
            _known(variant, study.variants, ("sweep", "variants", index), where)
    for size in study.sizes:
        _size(study, size, where)
    for view in views(study):
        _end_somewhere(study, view, where)


def _against(against: Mapping[str, Sequence[str]], among: Collection[str], place: Keys, where: Where) -> None:
    """What is compared with what: variants that exist, none of them itself, none twice."""
    for variant, others in against.items():
        at = (*place, variant)
        _known(variant, among, at, where)
        for other in others:
            _known(other, among, at, where)
            if other == variant:
                raise BadInput(f'"{variant}" is compared with itself', where=where(at), field=field(at))
        if len(set(others)) != len(others):
            raise BadInput("a variant is named twice", where=where(at), field=field(at))


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
    _against(size.against or {}, among, (*at, "against"), where)
    for variant in study.variants:
        if variant.endswith(f"@{name}"):
            raise BadInput(
                f'"{variant}" reads like a variant of another name at size {name}',
                where=where(("variants", variant)),
                field=f"variants.{variant}",
                fix="Give it a name without @.",
            )


def _end_somewhere(study: Study, view: Study, where: Where) -> None:
    """No variant is, by way of what it is compared with, compared with itself."""
    circle = _circle({variant: view.against_of(variant) for variant in view.variants})
    if not circle:
        return
    size = view.model.size
    further = study.sizes.get(size)
    place: Keys = ("sizes", size, "against") if further and further.against is not None else ("against",)
    said = next((variant for variant in circle if variant in view.against), circle[0])
    at = (*place, said)
    at_size = f"at size {size}: " if further else ""
    pairs = ", ".join(f'"{one}" with "{other}"' for one, other in zip(circle, [*circle[1:], circle[0]], strict=True))
    raise BadInput(
        f'{at_size}"{circle[0]}" and "{circle[1]}" are each compared with the other'
        if len(circle) == 2
        else f"{at_size}comparisons go in a circle: {pairs}",
        where=where(at),
        field=field(at),
        fix=f"Leave one of them out{f', or give sizes.{size}.against' if further else ''}; [] means with nothing.",
    )


def _circle(against: Mapping[str, Sequence[str]]) -> list[str]:
    """Variants of which each is compared with the next and the last with the first, beginning with the one that is
    written first; empty where there is no such circle."""
    try:
        TopologicalSorter(against).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1][1:]))
        first = circle.index(min(circle, key=list(against).index))
        return circle[first:] + circle[:first]
    return []


def _known(variant: str, among: Collection[str], at: Keys, where: Where) -> None:
    if variant not in among:
        what = f'unknown variant "{variant}"{did_you_mean(variant, among)}'
        raise BadInput(what, where=where(at), field=field(at))
