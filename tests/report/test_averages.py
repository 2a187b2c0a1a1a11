"""The table of category scores."""

from __future__ import annotations

from leaven.report.averages import section
from leaven.report.contents import read

ROW = {"se": 0.01, "seeds": 3, "tasks": ["piqa"]}
VERDICT = {
    "baseline": "text",
    "averages": {
        "rows": [
            {"average": "reason", "rule": rule, "variant": variant, "value": value, **ROW}
            for rule, value in (("every task that ran", 0.5), ("at-chance rule", None))
            for variant in ("text", "code")
        ],
        "at_chance": {"boolq": "not above what guessing scores (62 %): <b>tiny</b> 61 %"},
        "missing": {"sciq": "no data"},
    },
}


def test_values_rules_and_reasons_are_shown_and_escaped():
    found = str(section(read({"verdict": VERDICT, "study": {"variants": {"text": [], "code": []}}})))
    assert found.count("50.0 ± 1.0") == 2
    assert "at-chance rule" in found
    assert "sciq: no data" in found
    assert "<b>tiny" not in found
    assert "&lt;b&gt;tiny" in found


def test_bits_are_no_per_cent():
    suite = {"piqa": {"measure": "gold_bpb"}}
    found = str(section(read({"verdict": VERDICT, "suite": suite, "study": {"variants": {"text": []}}})))
    assert "0.500 ± 0.010" in found


def test_no_averages_no_section():
    assert section(read({"verdict": {"baseline": "text"}})) is None
