"""Further sizes, comparisons, sweeps and parts of the paper in a study file: every mistake by file, line and field."""

from __future__ import annotations

import re

import pytest

from leaven.ground.errors import BadInput
from leaven.study.load import load
from leaven.study.sizes import views

GOOD = """\
study: mine
question: Does it?
corpus: workstation
model: {size: 0.3m, sequence: 128}
seeds: 2
mixtures:
  code: {web_code: 0.8, markup: 0.2}
training:
  batch: 16
  cooldown: {schedule: linear, peak: parent, final: 1e-6}
variants:
  text: [pretrain 400K text, cooldown 40K text]
  code: [pretrain 400K code, cooldown 40K text]
  both: [pretrain 200K code, continue 200K text, cooldown 40K text]
baseline: text
sizes:
  1m: {variants: [code, both], baseline: code, rate: 0.5, cooldown: false, seeds: 3}
against: {both: [code, text]}
sweep: {of: code, variants: [text, code, both]}
figures: [2, table 2, 5a]
evaluate: pocket
"""


def write(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_a_study_may_ask_beyond_its_variants(tmp_path):
    study = load(write(tmp_path, GOOD)).study
    assert study.sizes["1m"].seeds == [1, 2, 3]
    assert (study.compare, study.figures) == ("final", ["2", "table 2", "5a"])
    assert study.against_of("both") == ["code", "text"]
    assert (study.against_of("code"), study.against_of("text")) == (["text"], [])
    assert study.sweeps == ["text", "code", "both"]
    assert (study.proxy, study.stand_in) == (None, None)


def test_one_baseline_may_be_written_alone_and_none_as_an_empty_list(tmp_path):
    study = load(write(tmp_path, GOOD.replace("[code, text]}", "code, code: []}"))).study
    assert (study.against_of("both"), study.against_of("code")) == (["code"], [])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  1m: {", "  0.3m: {", '17: sizes.0.3m: "0.3m" is the size that the study has already'),
        ("[code, both], b", "[code, bth], b", '17: sizes.1m.variants[1]: unknown variant "bth"; did you mean "both"'),
        ("[code, both], b", "[code, code], b", "17: sizes.1m.variants: a variant is named twice"),
        ("baseline: code", "baseline: cde", '17: sizes.1m.baseline: unknown variant "cde"; did you mean "code"'),
        ("baseline: code", "baseline: text", '17: sizes.1m.baseline: unknown variant "text"'),
        (" baseline: code,", "", '17: sizes.1m: the study\'s baseline "text" is not among its variants'),
        ("rate: 0.5", "rate: 0", "17: sizes.1m.rate: "),
        ("rate: 0.5", "rte: 0.5", '17: sizes.1m.rte: unknown field "rte"; did you mean "rate"'),
        ("seeds: 3}", "seeds: 0}", "17: sizes.1m.seeds: a study needs at least one seed"),
        ("rate: 0.5, cooldown: false", "rate: 1e-5", "13: variants.code[1]: at size 1m: `final` 1e-06 is above"),
        ("  code: [pre", "  b@1m: [pretrain 400K code]\n  code: [pre", '13: variants.b@1m: "b@1m" reads like'),
        ("both: [code, text]", "bth: text", '18: against.bth: unknown variant "bth"; did you mean "both"'),
        ("both: [code, text]", "both: [cde]", '18: against.both: unknown variant "cde"'),
        ("both: [code, text]", "both: both", '18: against.both: "both" is compared with itself'),
        ("both: [code, text]", "both: [code, code]", "18: against.both: a variant is named twice"),
        ("both: [code, text]", "text: code", '18: against.text: "text" and "code" are each compared with the other'),
        ("of: code", "of: cod", '19: sweep.of: unknown mixture or source "cod"; did you mean "code"'),
        ("[text, code, both]}", "[text, cod, both]}", '19: sweep.variants[1]: unknown variant "cod"'),
        ("[text, code, both]}", "[text, code]}", "19: sweep.variants: a best share of code is sought among 3 or more"),
        ("of: code", "of: synthetic", "19: sweep.variants: a best share .* its variants have 0 %"),
        ("both: [code, text]", "both: code, code: both", '18: against.code: "code" and "both" are each compared'),
        ("seeds: 3}", "seeds: 3, against: {bth: code}}", '17: sizes.1m.against.bth: unknown variant "bth"'),
        ("seeds: 3}", "seeds: 3, against: {both: text}}", '17: sizes.1m.against.both: unknown variant "text"'),
        ("[2, table 2", "[1, table 2", '20: figures[0]: "1" is no part of the paper'),
        ("5a]", "5c]", '20: figures[2]: "5c" is no part of the paper that a study repeats'),
        ("evaluate: p", "compare: finl\nevaluate: p", '21: compare: "finl" is not one of: final, before cooldown; did'),
        ("evaluate: p", "proxy: pockt\nevaluate: p", '21: proxy: unknown proxy "pockt"'),
        ("evaluate: p", "proxy: {of: 400B}\nevaluate: p", "21: proxy.tokens_per_parameter: the field is missing"),
        ("evaluate: p", "proxy: true\nevaluate: p", "21: proxy: "),
    ],
)
def test_mistakes(tmp_path, old, new, says):
    assert old in GOOD
    with pytest.raises(BadInput) as caught:
        load(write(tmp_path, GOOD.replace(old, new, 1)))
    assert re.match("study.yaml:(?:" + re.sub(r"([\[?(+])", r"\\\1", says) + ")", str(caught.value)), str(caught.value)


def chains(tmp_path, against, size="{}"):
    arms = "\n".join(f"  v{share}: [pretrain 400K code, continue {share}K text]" for share in (25, 50, 75))
    text = GOOD.replace("  both: [", f"{arms}\n  both: [")
    text = text.replace("{both: [code, text]}", against)
    start, end = text.index("  1m: {"), text.index("\nagainst")
    return load(write(tmp_path, f"{text[:start]}  1m: {size}{text[end:]}"))


def test_comparisons_do_not_go_in_a_circle(tmp_path):
    with pytest.raises(BadInput) as caught:
        chains(tmp_path, "{v25: v50, v50: v75, v75: v25}")
    assert "comparisons go in a circle" in str(caught.value)
    assert '"v25" with "v50", "v50" with "v75", "v75" with "v25"' in str(caught.value)
    assert caught.value.field == "against.v25"
    with pytest.raises(BadInput, match="comparisons go in a circle"):
        chains(tmp_path, "{v25: [text, v50], v50: v75, v75: [text, v25]}")
    chains(tmp_path, "{v25: v50, v50: [v75, text], v75: text}")


def test_a_size_at_which_comparisons_go_in_a_circle_is_named(tmp_path):
    # Without `both` at 1m, v25 is compared with the baseline there, and the baseline is compared with it.
    against = "{text: v25, v25: both, both: []}"
    with pytest.raises(BadInput) as caught:
        chains(tmp_path, against, "{variants: [text, v25]}")
    assert 'at size 1m: "text" and "v25" are each compared with the other' in str(caught.value)
    assert "sizes.1m.against" in str(caught.value)
    found = chains(tmp_path, against, "{variants: [text, v25], against: {}}").study
    assert {name: views(found)[1].against_of(name) for name in ("text", "v25")} == {"text": [], "v25": ["text"]}


def test_the_baseline_of_a_size_is_compared_with_nothing_there(tmp_path):
    found = views(chains(tmp_path, "{v50: v25}", "{variants: [v25, v50, code], baseline: v50}").study)
    assert found[0].against_of("v50") == ["v25"]
    assert {name: found[1].against_of(name) for name in found[1].variants} == {
        "v50": [],
        "v25": ["v50"],
        "code": ["v50"],
    }
