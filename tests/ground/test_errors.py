from __future__ import annotations

from leaven.ground.errors import BadInput, LeavenError, did_you_mean


def test_a_message_names_place_field_and_cure():
    error = BadInput("too small", where="study.yaml:3", field="training.batch", fix="Raise it.")
    assert str(error) == "study.yaml:3: training.batch: too small\n  Raise it."
    assert str(BadInput("too small")) == "too small"
    assert (error.exit_code, LeavenError("x").exit_code) == (2, 1)


def test_what_was_meant():
    assert did_you_mean("mostly-text", ["mostly_text", "code"]) == '; did you mean "mostly_text"?'
    assert did_you_mean("zzz", ["a", "b"]) == "; known: a, b"
    assert did_you_mean("zzz", []) == ""
