"""Problems that are, in other words, those of a benchmark: HumanEval, MBPP, or any file of their form.

The corpus step looks for the benchmarks' texts in every document (`contamination`). What that cannot see is a problem
with the same solution under other names, or the same function asked for again; that is looked for here.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from leaven.corpus.synthetic.normal import fingerprint
from leaven.corpus.synthetic.problem import Problem
from leaven.ground.errors import BadInput

NGRAM = 13
"""Words in a row that two statements share if one was copied, as in `contamination`."""
LEAST = 6
"""Words of the shortest sentence whose repetition tells something."""

_FIELDS = ("prompt", "canonical_solution", "text", "code")
_WORDS = re.compile(r"\w+")
_SENTENCE = re.compile(r"[.?!:]\s|\n\s*\n|>>>")


@dataclass(frozen=True)
class Known:
    """What is known of a benchmark's items: from each trait the item that has it.

    Args:
        solutions: fingerprint of a function → item.
        signatures: name and arguments of a function → item.
        sentences: words of a sentence, or `NGRAM` words of a statement → item.
    """

    solutions: dict[bytes, str]
    signatures: dict[str, str]
    sentences: dict[str, str]


def read(paths: Iterable[Path]) -> Known:
    """The items of files of JSON lines in the form of HumanEval (`prompt`, `canonical_solution`) or MBPP (`text` or
    `prompt`, `code`).

    Raises:
        BadInput: a file cannot be read or has another form.
    """
    known = Known({}, {}, {})
    for path in paths:
        for name, statement, program in _items(path):
            for sentence in _sentences(statement):
                known.sentences.setdefault(sentence, name)
            for function in _functions(program):
                known.signatures.setdefault(_signature(function), name)
                known.solutions.setdefault(_solution(function), name)
    return known


def overlaps(problem: Problem, known: Known) -> str | None:
    """Why a problem counts as one of the benchmark's, e.g. "same solution as HumanEval/3"; None if it does not."""
    for function in _functions(problem.prompt + problem.solution):
        if item := known.solutions.get(_solution(function)):
            return f"same solution as {item}"
        if item := known.signatures.get(_signature(function)):
            return f"same signature as {item}"
        for sentence in _sentences(ast.get_docstring(function) or ""):
            if item := known.sentences.get(sentence):
                return f"same sentence as {item}"
    return None


def _items(path: Path) -> Iterator[tuple[str, str, str]]:
    """Name, statement and program of each item."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", where=path.name, field="against") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name = str(row["task_id"])
            if not all(
                isinstance(row.get(field, ""), str) for field in ("prompt", "canonical_solution", "text", "code")
            ):
                raise TypeError("not a text")
            if "canonical_solution" in row:
                program = row["prompt"] + row["canonical_solution"]
                docs = [ast.get_docstring(function) or "" for function in _functions(program)]
                yield name, "\n\n".join(docs), program
            else:
                yield f"MBPP/{name}", row["text"] if "text" in row else row["prompt"], row["code"]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise BadInput(
                "not an item of HumanEval's or MBPP's form", where=f"{path.name}:{number}", field="against"
            ) from None


def _functions(program: str) -> list[ast.FunctionDef]:
    """The functions at the top of a program; none where it does not parse."""
    try:
        tree = ast.parse(program.replace("\r\n", "\n"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


def _solution(function: ast.FunctionDef) -> bytes:
    return fingerprint(ast.unparse(function))


def _signature(function: ast.FunctionDef) -> str:
    return f"{function.name}({', '.join(argument.arg for argument in function.args.args)})"


def _sentences(statement: str) -> Iterator[str]:
    """The longer sentences of a statement, and all `NGRAM` words in a row; without case and punctuation."""
    for sentence in _SENTENCE.split(statement):
        words = _WORDS.findall(sentence.lower())
        if len(words) >= LEAST:
            yield " ".join(words)
    words = _WORDS.findall(statement.split(">>>")[0].lower())
    for first in range(len(words) - NGRAM + 1):
        yield " ".join(words[first : first + NGRAM])
