"""The tables hold what their sources publish."""

from __future__ import annotations

import re
from collections import Counter
from math import isnan

import pytest

from leaven.corpus import rules
from leaven.corpus.rules.score import KNOWN
from leaven.corpus.rules.tables import ROW_SCORES, RULESETS, language_key
from leaven.ground.errors import BadInput

ROWS = RULESETS["starcoder1"].rows


def test_starcoder_rows_have_the_published_counts() -> None:
    # 305 rows, 267 included, 38 left out: one pair stands twice (stan) and two of the rows left out are empty
    included = [row for row in ROWS.values() if row.included]
    assert (len(ROWS), len(included)) == (305 - 1 - 2, 267 - 1)
    assert len({language for (language, _), row in ROWS.items() if row.included}) == 88
    long_line = Counter("none" if isnan(row.long_line) else row.long_line for row in included)
    assert long_line == {1000.0: 236 - 1, "none": 30, 500.0: 1}
    assert sum(row.alphanum == 0.25 for row in included) == 263 - 1
    assert Counter(row.alpha for row in included if not isnan(row.alpha)) == {0.25: 16, 0.5: 3}
    assert all(isnan(row.mean_line) == isnan(row.long_line) for row in included)
    assert all(isnan(row.mean_line) or row.mean_line == 100 for row in included)


@pytest.mark.parametrize(
    ("language", "extensions"),
    [
        ("markdown", "md markdown mkd mkdn ron"),
        ("restructuredtext", "rst"),
        ("rmarkdown", "rmd"),
        ("tex", "tex bbx bib cbx dtx ins lbx mkii mkiv mkvi sty"),
        ("sql", "sql"),
        ("r", "r"),
        ("cmake", "cmake"),
        ("bluespec", "bsv"),
        ("matlab", "matlab"),
        ("stata", "ado do"),
        ("mathematica", "ma nb"),
        ("json", "json"),
        ("assembly", "asm"),
        ("visual-basic", "frm"),
    ],
)
def test_rows_without_a_limit_of_lines(language: str, extensions: str) -> None:
    for extension in extensions.split():
        row = ROWS[language, extension]
        assert row.included
        assert isnan(row.long_line)
        assert isnan(row.mean_line)


@pytest.mark.parametrize(
    ("language", "extensions", "least"),
    [
        ("ada", "ads", 0.25),
        ("augeas", "aug", 0.25),
        ("glsl", "fp", 0.25),
        ("maple", "mpl", 0.25),
        ("mathematica", "ma nb wl", 0.25),
        ("matlab", "matlab", 0.25),
        ("scheme", "scm sld sps", 0.25),
        ("sql", "prc", 0.25),
        ("systemverilog", "sv", 0.25),
        ("vhdl", "vhd", 0.25),
        ("visual-basic", "bas", 0.25),
        ("yacc", "y", 0.25),
        ("json", "json", 0.5),
        ("yaml", "yaml yml", 0.5),
    ],
)
def test_rows_with_a_least_share_of_letters(language: str, extensions: str, least: float) -> None:
    assert [ROWS[language, extension].alpha for extension in extensions.split()] == [least] * len(extensions.split())


def test_rows_left_out() -> None:
    out = {f"{language}.{extension}" for (language, extension), row in ROWS.items() if not row.included}
    named = """c.cats c.w c-sharp.csx sql.pck sql.pls sql.tab perl.al perl.ph perl.plx tex.aux tex.ltx tex.toc
    restructuredtext.rest racket.rkt racket.rktd racket.rktl pascal.dpr fortran.f77 vhdl.vhf vhdl.vht visual-basic.frx
    yacc.yy bison.bison"""
    assert set(named.split()) <= out
    assert len(out) == 36
    assert not {language for language, _ in ROWS} & {"swift", "xml", "text"}


def test_every_rule_reads_scores_and_thresholds_that_exist() -> None:
    for ruleset in RULESETS.values():
        names = [rule.reason for rule in ruleset.rules]
        assert all(names)
        assert re.fullmatch(rf"rules/{ruleset.name}/\d+", ruleset.version)
        for rule in ruleset.rules:
            for condition in rule.conditions:
                assert condition.score in KNOWN.union(ROW_SCORES)
                assert condition.threshold in ruleset.limits
            assert not rule.when or rule.when in ruleset.limits
        for key in ruleset.settings:
            assert key.partition(".")[2] in RULESETS[key.partition(".")[0]].limits
        used = {condition.threshold for rule in ruleset.rules for condition in rule.conditions}
        assert set(ruleset.limits) == used | {rule.when for rule in ruleset.rules if rule.when}


@pytest.mark.parametrize(
    ("name", "key"),
    [("C#", "c-sharp"), ("cpp", "c++"), ("Emacs Lisp", "emacs-lisp"), ("TSX", "typescript"), ("Python", "python")],
)
def test_language_keys(name: str, key: str) -> None:
    assert language_key(name) == key


@pytest.mark.parametrize(
    ("path", "extension"), [("a/b.PY", "py"), ("a.b/Dockerfile", ""), ("x.tar.gz", "gz"), (".bashrc", "bashrc")]
)
def test_extensions(path: str, extension: str) -> None:
    assert rules.extension_of(path) == extension


def test_columns_are_shared_between_rulesets() -> None:
    both = rules.columns(("starcoder1", "stack2"))
    assert len(set(both)) == len(both)
    assert set(both) == set(rules.columns(("starcoder1",))) | set(rules.columns(("stack2",)))
    assert set(rules.columns(("starcoder1",))) < set(rules.columns(("paper",)))
    with pytest.raises(BadInput, match='unknown ruleset "starcoder"; did you mean "starcoder1"'):
        rules.columns(("starcoder",))
    with pytest.raises(BadInput, match='unknown score "max_lines"; did you mean "max_line"'):
        rules.score("", "python", "", ("max_lines",))


def test_identity_follows_what_decides() -> None:
    plain = rules.version(("paper",))
    assert plain == rules.version(("paper",), {})
    assert plain != rules.version(("paper",), {"paper.max_floats": 5})
    assert plain != rules.version(("starcoder1",))
    assert rules.scoring(("paper",)) == rules.scoring(("starcoder1", "paper"))
