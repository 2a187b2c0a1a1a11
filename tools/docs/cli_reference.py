"""docs/reference/cli.md: every command with its arguments and options, from the application that parses them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import typer

from leaven.cli import app

TYPES = {str: "TEXT", int: "N", float: "X", Path: "PATH"}


def page() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    found = list(_commands(root, "leaven"))
    lines = [
        "# The commands",
        "",
        "<!-- Written by tools/docs from the commands (make references). Do not edit. -->",
        "",
        "Exit codes: 0 done, 1 a step failed (what does not depend on it has finished), 2 bad input (nothing was run),",
        "130 interrupted, 143 terminated. After the last two, running again continues. A *repeatable* option may be",
        "given several times. `leaven --version` says which version this is.",
        "",
        "| command | what it does |",
        "|---|---|",
        *(f"| [`{name}`](#{name.replace(' ', '-')}) | {_first(command)} |" for name, command in found),
    ]
    for name, command in found:
        lines += ["", f"## {name}", "", *_described(name, command)]
    return "\n".join(lines) + "\n"


def _commands(command: Any, name: str) -> Any:
    for short, sub in command.commands.items():
        if hasattr(sub, "commands"):
            yield from _commands(sub, f"{name} {short}")
        else:
            yield f"{name} {short}", sub


def _help(command: Any) -> str:
    return inspect.cleandoc(command.help or "")


def _first(command: Any) -> str:
    return _cell(_help(command).split("\n\n")[0])


def _described(name: str, command: Any) -> list[str]:
    arguments = [p for p in command.params if not p.opts[0].startswith("-")]
    options = [p for p in command.params if p.opts[0].startswith("-")]
    words = " ".join([name, *(_argument(p) for p in arguments), *(["[OPTIONS]"] if options else [])])
    lines = ["```text", words, "```", "", *_help(command).split("\n")]
    if arguments:
        lines += ["", "| argument | | default |", "|---|---|---|"]
        lines += [f"| {_code(_name(p))} | {_cell(p.help)} | {_default(p)} |" for p in arguments]
    if options:
        lines += ["", "| option | | default |", "|---|---|---|"]
        lines += [f"| {_code(_option(p))} | {_said(p)} | {_default(p)} |" for p in options]
    return lines


def _name(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _argument(param: Any) -> str:
    name = _name(param)
    return name if param.required or name.startswith("[") else f"[{name}]"


def _option(param: Any) -> str:
    names = ", ".join(param.opts)
    return names if param.is_flag else f"{names} {param.metavar or TYPES[_kind(param)]}"


def _kind(param: Any) -> type:
    kind = param.type_descriptor.annotation
    return next((each for each in TYPES if each in (kind, *getattr(kind, "__args__", ()))), str)


def _said(param: Any) -> str:
    text = _cell(param.help)
    bounds = [f"{sign} {value}" for sign, value in (("≥", param.min), ("≤", param.max)) if value is not None]
    more = (["repeatable"] if param.multiple and "repeated" not in text else []) + bounds
    if param.envvar:
        more.append(f"environment: `{param.envvar}`")
    return f"{text} *({'; '.join(more)})*" if more else text


def _default(param: Any) -> str:
    value = param.default() if callable(param.default) else param.default
    if param.required:
        return "**needed**"
    return "–" if value in (None, False, "", [], ()) else f"`{value}`"


def _cell(text: str | None) -> str:
    plain = re.sub(r"\s+", " ", text or "").strip()
    return plain.replace("|", "&#124;").replace("<", "&lt;").replace("*", r"\*")


def _code(text: str) -> str:
    """Code in a cell; a bar in backticks would end the cell for some renderers and not for others."""
    return f"<code>{_cell(text)}</code>" if "|" in text else f"`{text}`"
