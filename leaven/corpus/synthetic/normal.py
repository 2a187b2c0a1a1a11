"""Programs up to names, wording and layout: what two solutions have in common when one is a copy of the other.

Names that a program gives (functions, arguments, variables) become numbers in the order of their first appearance;
docstrings, annotations, imports' order and comments go; constants, called builtins, attributes and structure stay.
"""

from __future__ import annotations

import ast
import hashlib

_SKIPPED = frozenset({"ctx", "type_comment", "annotation", "returns", "kind", "type_ignores", "lineno"})


def fingerprint(source: str) -> bytes:
    """128 bits of a program's normal form.

    Raises SyntaxError, ValueError, RecursionError or MemoryError where `source` is no program.
    """
    tree = ast.parse(source)
    given = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            given.add(node.name)
        elif isinstance(node, ast.arg):
            given.add(node.arg)
    parts: list[str] = []
    _write(tree, given, {}, parts)
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _write(node: ast.AST, given: set[str], numbers: dict[str, str], parts: list[str]) -> None:
    parts.append(type(node).__name__)
    body = getattr(node, "body", None)
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED:
            continue
        items = value if isinstance(value, list) else [value]
        if items is body and body and _is_docstring(node, body[0]):
            items = items[1:]
        for item in items:
            if isinstance(item, ast.AST):
                _write(item, given, numbers, parts)
            elif isinstance(item, str) and not isinstance(node, ast.Constant) and item in given and field != "attr":
                parts.append(numbers.setdefault(item, f"@{len(numbers)}"))
            else:
                parts.append(f"{type(item).__name__}{item!r}")
        parts.append(")")


def _is_docstring(node: ast.AST, first: ast.AST) -> bool:
    return (
        isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
