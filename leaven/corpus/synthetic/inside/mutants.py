"""Small faults put into a program, one at a time: tests that notice none of them prove nothing.

The operators are the usual ones of mutation testing (relational, arithmetic and logical operator replacement, constant
replacement, condition negation, jump replacement). A fault is put into the tree, compiled, and taken out again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType
from typing import Any

_SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip

Fault = tuple[Any, str, int, Any]
"""Node, field, place in the field if it is a list (else -1), what is put there."""


def mutants(source: str, most: int) -> Iterator[CodeType]:
    """At most `most` faulty versions of `source`, spread evenly over the places where there could be a fault.

    Raises SyntaxError, ValueError or RecursionError where `source` is no program.
    """
    tree = ast.parse(source)
    faults = list(_faults(tree))
    take = min(most, len(faults))
    for number in range(take):
        node, field, place, fault = faults[number * len(faults) // take]
        held = getattr(node, field)
        if place >= 0:
            whole, held = held, held[place]
            whole[place] = fault
        else:
            setattr(node, field, fault)
        code = compile(tree, "<mutant>", "exec")
        if place >= 0:
            whole[place] = held
        else:
            setattr(node, field, held)
        yield code


def _faults(tree: ast.Module) -> Iterator[Fault]:
    annotations = {id(part) for node in ast.walk(tree) for note in _annotations(node) for part in ast.walk(note)}
    for node in ast.walk(tree):
        if id(node) in annotations:
            continue
        if isinstance(node, ast.Compare):
            yield from ((node, "ops", i, _SWAPS[type(op)]()) for i, op in enumerate(node.ops))
        elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in _SWAPS:
            yield node, "op", -1, _SWAPS[type(node.op)]()
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield node, "value", -1, not node.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            yield node, "value", -1, node.value + 1
        elif isinstance(node, ast.If | ast.IfExp):
            yield node, "test", -1, ast.copy_location(_negated(node.test), node.test)
        for field, parts in ast.iter_fields(node):
            if isinstance(parts, list):
                for i, part in enumerate(parts):
                    if isinstance(part, ast.Break | ast.Continue):
                        other = ast.Continue() if isinstance(part, ast.Break) else ast.Break()
                        yield node, field, i, ast.copy_location(other, part)


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.copy_location(ast.Not(), test), test)


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.returns
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
