"""docs/reference/python.md: the public names with their signatures and docstrings, read from the source files.

Source is parsed, not imported, so that the page is the same under every version of Python.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

LEAVEN = Path(__file__).parents[2] / "leaven"
PUBLIC: dict[str, list[tuple[str, list[str]]]] = {
    "import leaven": [
        ("lab.py", ["load", "Study"]),
        ("results.py", ["Results"]),
        ("elsewhere.py", ["verdict_from", "Elsewhere"]),
        ("corpora.py", ["load_corpus", "Corpus", "Folders"]),
        ("ground/errors.py", ["LeavenError", "BadInput"]),
    ],
    "Verbs that the commands call": [
        ("evaluation.py", ["evaluate"]),
        ("tournament.py", ["judge"]),
        ("comparison.py", ["compare"]),
        ("audit.py", ["audit"]),
        ("exchange.py", ["export_step", "export_stage"]),
        ("model/huggingface.py", ["import_folder"]),
        ("corpus/export.py", ["export_datatrove"]),
        ("train/hosts.py", ["join"]),
    ],
}
"""Headings, and under each the files with the names that are told; a name that is gone is an error."""
BESIDE = {"import leaven": "`leaven.NAME`; the errors are `leaven.ground.errors.NAME`."}


def page() -> str:
    """The whole page. Raises KeyError for a public name that is not there."""
    lines = [
        "# From Python",
        "",
        "<!-- Written by tools/docs from the docstrings (make references). Do not edit. -->",
        "",
        "The commands are thin over these. Names are imported when they are first used, so `import leaven` is quick.",
    ]
    for heading, files in PUBLIC.items():
        lines += ["", f"## {heading}"]
        if heading in BESIDE:
            lines += ["", BESIDE[heading]]
        for file, names in files:
            tree = ast.parse((LEAVEN / file).read_text(encoding="utf-8"))
            nodes = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            module = "leaven." + file.removesuffix(".py").replace("/", ".")
            for name in names:
                lines += _told(nodes[name], "" if heading == "import leaven" else f"{module}.")
    return "\n".join(lines) + "\n"


def _told(node: ast.FunctionDef | ast.ClassDef, prefix: str) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        return ["", f"### `{prefix}{node.name}`", "", *_function(node)]
    lines = ["", f"### `{prefix}{node.name}`", "", *_doc(node)]
    attributes = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    if attributes:
        lines += ["", "```python", *(ast.unparse(each) for each in attributes), "```"]
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
            is_property = any(ast.unparse(mark) == "property" for mark in method.decorator_list)
            lines += ["", f"#### `{node.name}.{method.name}`", ""]
            if is_property:
                kind = f"`{ast.unparse(method.returns)}`" if method.returns else ""
                lines += [f"A property: {kind}.", *([""] if ast.get_docstring(method) else []), *_doc(method)]
            else:
                lines += _function(method)
    return lines


def _function(node: ast.FunctionDef) -> list[str]:
    return ["```python", *_signature(node), "```", "", *_doc(node)]


def _signature(node: ast.FunctionDef) -> list[str]:
    """The signature as one writes it, without `self`, on one line where that is short enough."""
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    parts = [_parameter(arg, default) for arg, default in zip(plain, defaults, strict=True) if arg.arg != "self"]
    if given.vararg:
        parts.append("*" + _parameter(given.vararg, None))
    elif given.kwonlyargs:
        parts.append("*")
    parts += [_parameter(arg, default) for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    end = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    text = f"{node.name}({', '.join(parts)}){end}"
    return [text] if len(text) <= 100 else [f"{node.name}(", *(f"    {part}," for part in parts), f"){end}"]


def _parameter(arg: ast.arg, default: ast.expr | None) -> str:
    text = f"{arg.arg}: {ast.unparse(arg.annotation)}" if arg.annotation else arg.arg
    if default is None:
        return text
    return f"{text} = {ast.unparse(default)}" if arg.annotation else f"{text}={ast.unparse(default)}"


def _doc(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    """A docstring as Markdown: what stands under `Args:` and the like becomes a list."""
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    lines: list[str] = []
    listed = False
    for line in text.split("\n"):
        section = re.fullmatch(r"(Args|Attributes|Returns|Raises|Yields):\s*(.*)", line)
        if section:
            listed = not section[2]
            lines += ["", f"*{section[1]}:* {section[2]}".rstrip(), *([""] if listed else [])]
            continue
        if listed and line.startswith("    ") and not line.startswith("     "):
            names, colon, said = line.strip().partition(": ")
            names = names.rstrip(":") if not colon else names
            lines.append(f"- `{names}`: {said}" if colon else f"- {line.strip()}")
        elif listed and line.strip():
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    plain = "\n".join(line.replace("<", "&lt;") if "`" not in line else line for line in lines)
    return re.sub(r"\n{3,}", "\n\n", plain).strip("\n").split("\n")
