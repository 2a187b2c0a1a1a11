"""Variants that come to the same model here are one, and everything that named them names the one that stays."""

from __future__ import annotations

import pytest

from leaven.ground.errors import BadInput
from leaven.study.load import load
from leaven.study.sizes import views
from leaven.study.sweeps import without_sweep
from leaven.study.twins import without_twins

MIXTURES = "mixtures={code: {web_code: 1}, more: {web_code: 0.8, adjacent: 0.2}, finish: {text: 1}}"
CHAINS = {
    "text": "[pretrain 600K text, cooldown 120K finish]",
    "code": "[pretrain 600K code, cooldown 120K finish]",
    "more": "[pretrain 600K more, cooldown 120K finish]",
    "late": "[pretrain 600K text, continue 600K more, cooldown 120K finish]",
}


def study_of(*changes, **chains):
    written = ", ".join(f"{name}: {chain}" for name, chain in (CHAINS | chains).items())
    settings = [MIXTURES, "judge={kind: none}", "baseline=text", f"variants={{{written}}}", *changes]
    return load("pocket", settings=settings).study.settled(sequence=128, batch=16, precision="float32")


def test_nothing_is_left_out_where_everything_is_there():
    study = study_of()
    assert without_twins(study, ()) == (study, [])


def test_a_variant_that_lacks_what_made_it_another_is_left_out_by_name():
    study, told = without_twins(study_of(), {"adjacent"})
    assert list(study.variants) == ["text", "code", "late"]
    assert told == ["variant more: without source adjacent it is the same as code"]


def test_what_is_written_alike_is_compared_on_purpose():
    study, told = without_twins(study_of(again=CHAINS["code"]), {"adjacent"})
    assert list(study.variants) == ["text", "code", "late", "again"]
    assert len(told) == 1


def test_what_named_it_names_the_one_that_stays():
    changes = ("against={late: [more, code, text], code: more, more: text}", "sweep={of: web_code}")
    study, _ = without_twins(study_of(*changes), {"adjacent"})
    assert study.against == {"late": ["code", "text"], "code": []}
    assert study.sweeps == ["text", "code", "late"]


def test_a_sweep_of_which_too_few_shares_are_left_is_left_out_by_name():
    study = study_of("sweep={of: web_code, variants: [text, code, more]}")
    left, _ = without_twins(study, {"adjacent"})
    assert left.sweeps == ["text", "code"]
    found, told = without_sweep(left, {"adjacent"})
    assert (found.sweep, told) == (
        None,
        ["sweep of web_code: with what is on this computer fewer than 3 of its shares differ"],
    )
    assert without_sweep(study, ()) == (study, [])


def test_at_a_further_size_the_twin_takes_its_place():
    study, _ = without_twins(study_of("sizes={1m: {variants: [text, more, late]}}"), {"adjacent"})
    assert list(views(study)[1].variants) == ["text", "code", "late"]


def test_without_a_cooldown_variants_that_differ_in_it_alone_are_one():
    warm = "[pretrain 600K code, cooldown 120K code]"
    study, told = without_twins(study_of("sizes={1m: {cooldown: false}}", warm=warm), ())
    assert list(study.variants) == ["text", "code", "more", "late", "warm"]
    assert list(views(study)[1].variants) == ["text", "code", "more", "late"]
    assert told == ["variant warm at size 1m: without its cooldown it is the same as code"]


def test_what_named_a_twin_at_a_further_size_names_the_one_that_stays_there():
    warm = {"warm": "[pretrain 600K code, cooldown 120K code]"}
    against = "against={late: [warm, more], more: warm, warm: code}"
    study, _ = without_twins(study_of("sizes={1m: {cooldown: false}}", against, **warm), ())
    assert study.against == {"late": ["warm", "more"], "more": ["warm"], "warm": ["code"]}
    assert views(study)[1].against == {"late": ["code", "more"], "more": ["code"]}
    own = "sizes={1m: {cooldown: false, against: {late: [more, warm], code: []}}}"
    study, _ = without_twins(study_of(own, **warm), {"adjacent"})
    assert views(study)[1].against == {"late": ["code"], "code": []}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("baseline=more", "baseline"),
        ("sizes={1m: {variants: [text, more], baseline: more}}", "sizes.1m.baseline"),
    ],
)
def test_a_baseline_cannot_be_left_out(change, field):
    with pytest.raises(BadInput) as caught:
        without_twins(study_of(change), {"adjacent"})
    assert caught.value.field == field
    assert '"more" is on this computer the same as "code"' in str(caught.value)
