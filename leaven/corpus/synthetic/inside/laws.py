"""Properties checked by Hypothesis: the same examples in every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXAMPLES = 25


def laws(case: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict over `case` = {"source", "properties": [[[argument, strategy], …], expression]}: "good", "property
    cannot be checked" or "property does not hold", and in which of them."""
    from hypothesis import HealthCheck, Phase, given, settings, strategies
    from hypothesis.errors import HypothesisException

    quietly = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(compile(case["source"], "<program>", "exec"), names)
    except BaseException as error:
        return {"verdict": "property cannot be checked", "error": type(error).__name__}
    together: dict[str, tuple[list[list[str]], list[Any]]] = {}
    for arguments, holds in case["properties"]:
        # Properties over the same arguments share their examples: drawing costs more than looking.
        try:
            together.setdefault(repr(arguments), (arguments, []))[1].append(compile(holds, "<property>", "eval"))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return {"verdict": "property cannot be checked", "error": type(error).__name__}
    for arguments, codes in together.values():
        try:
            drawn = {name: eval(strategy, {"st": strategies}) for name, strategy in arguments}
            quietly(given(**drawn)(_check(codes, names, list(drawn))))()
        except _FalseError:
            return {"verdict": "property does not hold"}
        except (HypothesisException, SyntaxError, NameError, TypeError, AttributeError) as error:
            return {"verdict": "property cannot be checked", "error": type(error).__name__}
        except BaseException as error:
            return {"verdict": "property does not hold", "error": type(error).__name__}
    return {"verdict": "good"}


class _FalseError(Exception):
    """The property is false for some arguments."""


def _check(codes: list[Any], names: dict[str, Any], arguments: list[str]) -> Any:
    """A test function for `given`, which wants to see the arguments' names."""
    space: dict[str, Any] = {"_codes": codes, "_names": names, "_FalseError": _FalseError}
    values = ", ".join(f"{name!r}: {name}" for name in arguments)
    text = (
        f"def check({', '.join(arguments)}):\n"
        f"    if not all(eval(_code, {{**_names, {values}}}) for _code in _codes):\n        raise _FalseError\n"
    )
    exec(text, space)
    return space["check"]
