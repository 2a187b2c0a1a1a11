"""The real parsers of what a page tells its reader to type, without doing it: options, targets, extras that exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import typer
from pages import ROOT

from leaven.cli import app

SEPARATORS = {"&&", "||", "|", ";", ">", ">>", "2>", "<", "2>&1"}


def mistake(text: str) -> str | None:
    """Why a command cannot be typed as it stands; None where it can."""
    words = shlex.split(text.replace("\\\n", " "), comments=True, posix=True)
    for command in _split(words):
        while command and re.fullmatch(r"[A-Z_]+=.*", command[0]):
            command = command[1:]
        if not command:
            continue
        command = [command[0].rpartition("/")[2], *command[1:]]
        found = {"leaven": _leaven, "make": _make, "pip": _pip, "python": _python}.get(command[0], _other)(command)
        if found:
            return found
    return None


def _split(words: list[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if word in SEPARATORS:
            found.append([])
            if word in (">", ">>", "<", "2>"):
                found[-1] = ["cat"]
        else:
            found[-1].append(word)
    return found


def _leaven(words: list[str]) -> str | None:
    command: Any = typer.main.get_command(app)
    name, args = "leaven", words[1:]
    parent = None
    try:
        while hasattr(command, "commands") and args and args[0] != "--help":
            if args[0] not in command.commands:
                return f"{name} has no command {args[0]}"
            parent = command.context_class(command, info_name=name, parent=parent)
            name, command, args = args[0], command.commands[args[0]], args[1:]
        if "--help" not in args:
            command.make_context(name, list(args), parent=parent)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return f"{' '.join(words)}: {error.format_message()}"
    return None


def _make(words: list[str]) -> str | None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    unknown = [word for word in words[1:] if "=" not in word and word[0] != "-" and word not in targets]
    return f"no target {unknown[0]}" if unknown else None


def _pip(words: list[str]) -> str | None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [extra for word in words for extra in re.findall(r"leaven\[([\w,]+)\]|\.\[([\w,]+)\]", word)]
    for extra in [name for pair in asked for part in pair for name in part.split(",") if name]:
        if extra not in project["optional-dependencies"]:
            return f"no extra {extra}"
    return None


def _python(words: list[str]) -> str | None:
    script = next((word for word in words[1:] if word.endswith(".py")), None)
    return None if script is None or (ROOT / script).exists() else f"no program {script}"


KNOWN = {"ls", "cat", "head", "mkdir", "cp", "mv", "rm", "export", "git", "cd", "wc", "python", "python3", "touch",
         "lm_eval", "tail", "curl", "ssh", "gcloud", "sbatch", "ray", "kill", "printf", "sed", "tensorboard", "echo",
         "srun", "squeue", "pytest", "grep"}  # fmt: skip


def _other(words: list[str]) -> str | None:
    return None if words[0] in KNOWN else f"unknown program {words[0]}"
