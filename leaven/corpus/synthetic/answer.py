"""What an endpoint wrote → a problem, or why not. Nothing of it is executed here."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from leaven.corpus.document import Dropped
from leaven.corpus.synthetic.normal import fingerprint
from leaven.corpus.synthetic.problem import Problem, Property, split
from leaven.ground.canonical import key64

_TABLE = Path(__file__).parents[1] / "data" / "endpoint.toml"
_FENCE = re.compile(r"```[a-z]*\n")


@cache
def table() -> Mapping[str, Any]:
    """`data/endpoint.toml`."""
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def problem(text: str, family: str) -> Problem:
    """The problem in a reply.

    Raises:
        Dropped: there is none that could be executed; the message is the reason as counted.
    """
    limits = table()["taken"]
    if len(text) > limits["reply_characters"]:
        raise Dropped("reply too long")
    answer = _object(text)
    code = _text(answer, "code").strip("\n")
    tests = _texts(answer, "tests", limits["test_characters"])
    if len(code) > limits["code_characters"] or code.count("\n") >= limits["code_lines"]:
        raise Dropped("code too long")
    if not limits["least_tests"] <= len(tests) <= limits["most_tests"]:
        raise Dropped("too few or too many tests")
    parts = split(f"{code}\n\n" + "".join(f"{test}\n" for test in tests))
    if parts is None:
        raise Dropped("not one function with a docstring and asserts")
    prompt, solution, asserts = parts
    if len(asserts) != len(tests) or any("\n" in test for test in asserts):
        raise Dropped("test is not an assert on one line")
    tree = ast.parse(code)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    _check(tree, limits)
    for test in asserts:
        assertion = ast.parse(test)
        if not any(isinstance(node, ast.Name) and node.id == function.name for node in ast.walk(assertion)):
            raise Dropped("test does not call the function")
        _check(assertion, limits)
    return Problem(
        id=f"endpoint-{key64(prompt, solution):016x}",
        family=family,
        group=f"endpoint:{fingerprint(code).hex()}",
        prompt=prompt,
        solution=solution,
        tests=asserts,
        properties=tuple(_properties(answer, limits)),
        contracts=tuple(_contracts(answer, limits)),
    )


def _object(text: str) -> Mapping[str, Any]:
    """The JSON object of a reply, which may stand in a code fence or between sentences."""
    first, last = text.find("{"), text.rfind("}")
    if first < 0 or last < first:
        raise Dropped("no JSON object")
    try:
        answer = json.loads(text[first : last + 1])
    except (ValueError, RecursionError):
        raise Dropped("malformed JSON") from None
    if not isinstance(answer, dict):
        raise Dropped("no JSON object")
    return answer


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise Dropped(f"{name}: missing or of the wrong type")
    if any(not character.isprintable() and character not in "\n\t" for character in value):
        raise Dropped(f"{name}: characters that are no text")
    fenced = _FENCE.split(value)
    return fenced[1].rpartition("```")[0] if len(fenced) == 2 and "```" in fenced[1] else value


def _texts(answer: Mapping[str, Any], name: str, longest: int) -> list[str]:
    values = answer.get(name, [])
    if not isinstance(values, list):
        raise Dropped(f"{name}: missing or of the wrong type")
    texts = [_text({name: value}, name).strip() for value in values]
    if any(len(text) > longest for text in texts):
        raise Dropped(f"{name}: too long")
    return texts


def _properties(answer: Mapping[str, Any], limits: Mapping[str, Any]) -> Iterator[Property]:
    values = answer.get("properties", [])
    if not isinstance(values, list) or len(values) > limits["most_properties"]:
        raise Dropped("properties: missing or of the wrong type")
    for value in values:
        given = value.get("given") if isinstance(value, dict) else None
        if not isinstance(given, dict) or not given or not all(name.isidentifier() for name in given):
            raise Dropped("properties: missing or of the wrong type")
        written = {"properties": [*given.values(), value.get("holds")]}
        texts = _texts(written, "properties", limits["expression_characters"])
        for text in texts:
            _check(_expression(text, "properties"), limits)
        yield Property(tuple(zip(given, texts[:-1], strict=True)), texts[-1])


def _contracts(answer: Mapping[str, Any], limits: Mapping[str, Any]) -> Iterator[str]:
    lines = _texts(answer, "contracts", limits["expression_characters"])
    if len(lines) > limits["most_contracts"]:
        raise Dropped("contracts: missing or of the wrong type")
    for line in lines:
        kind, _, condition = line.partition(":")
        if kind not in ("pre", "post") or "\n" in line:
            raise Dropped("contracts: neither pre nor post")
        _check(_expression(condition.strip(), "contracts"), limits)
        yield f"{kind}: {condition.strip()}"


def _expression(text: str, name: str) -> ast.AST:
    try:
        return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Dropped(f"{name}: not an expression") from None


def _check(tree: ast.AST, limits: Mapping[str, Any]) -> None:
    """Only what an exercise needs: imports of the list, no name that reaches out of the function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name in limits["names"] or name.startswith("__"):
                raise Dropped("code uses a name that no exercise needs")
            continue
        if any(module.partition(".")[0] not in limits["imports"] for module in modules):
            raise Dropped("code imports a module that no exercise needs")
