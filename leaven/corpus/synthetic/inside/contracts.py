"""Contracts checked by CrossHair: symbolic execution against the conditions of a docstring (PEP 316)."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

ITERATIONS = 30
SOLVER_STEPS = 300_000
SECONDS = 30.0
PATH_SECONDS = 20.0
"""The numbers of paths and of the solver's steps decide how far a condition is followed, so that a busy machine changes
no verdict. The times (of CPU, but for half of the second, which is the solver's wall time) only end what hangs."""

_VERDICTS = {
    "confirmed": "confirmed",
    "cannot_confirm": "no counterexample",
    "pre_unsat": "no input found",
    "post_fail": "contract does not hold",
    "exec_err": "contract does not hold",
    "post_err": "contract cannot be checked",
    "syntax_err": "contract cannot be checked",
    "import_err": "contract cannot be checked",
}
_WORST = tuple(dict.fromkeys(reversed(_VERDICTS.values())))


def write(case: Mapping[str, Any], number: int) -> None:
    """The function of `case` = {"source", "contracts": […]} as a module in this folder, its docstring the contract
    alone. Raises SyntaxError, ValueError or RecursionError where the source is no function."""
    tree = ast.parse(case["source"])
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    function.body[0] = ast.Expr(ast.Constant("\n".join(["", *case["contracts"], ""])))
    with open(f"checked_{number}.py", "w", encoding="utf-8") as file:
        file.write(f"ENTRY = {function.name!r}\n{ast.unparse(ast.fix_missing_locations(tree))}\n")


def contracts(number: int) -> dict[str, Any]:
    """The verdict over the module that `write` wrote: "confirmed" (every path, exhaustively), "no counterexample"
    (within the bounds), "no input found", or why not."""
    from crosshair.core_and_libs import analyze_function, run_checkables
    from crosshair.options import AnalysisKind, AnalysisOptionSet

    options = AnalysisOptionSet(
        analysis_kind=(AnalysisKind.PEP316,),
        max_iterations=ITERATIONS,
        per_condition_timeout=SECONDS,
        per_path_timeout=PATH_SECONDS,
        report_all=True,
    )
    try:
        module = importlib.import_module(f"checked_{number}")
        messages = run_checkables(analyze_function(getattr(module, module.ENTRY), options))
    except BaseException as error:
        return {"verdict": "contract cannot be checked", "error": type(error).__name__}
    found = {_VERDICTS[message.state.value]: message.message for message in messages}
    worst = next((verdict for verdict in _WORST if verdict in found), "contract cannot be checked")
    return {"verdict": worst, "error": found.get(worst, "")[:200]}


def prepare(cases: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write all modules, then close this process to side effects for good; {} or the verdict of each."""
    os.environ["CROSSHAIR_SMT_RLIMIT"] = str(SOLVER_STEPS)
    from crosshair import core_and_libs  # noqa: F401  (files of its own are opened while importing)
    from crosshair.auditwall import engage_auditwall

    sys.path.insert(0, os.getcwd())
    verdicts: list[dict[str, Any]] = []
    for number, case in enumerate(cases):
        try:
            write(case, number)
            verdicts.append({})
        except (SyntaxError, ValueError, RecursionError, MemoryError, StopIteration) as error:
            verdicts.append({"verdict": "contract cannot be checked", "error": type(error).__name__})
    engage_auditwall()
    return verdicts
