"""`leaven validate`: published figures, recomputed by the functions that leaven's own results go through."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leaven.options import AsJson
from leaven.sentences import print_json


def validate(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="sets of published figures, e.g. alpaca_eval (default: all)"),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="DIR", help="folder with the published files; may be repeated"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute what others published: exit code 0 if all of it comes out again, 1 otherwise."""
    from leaven.sentences_validation import validation_lines
    from leaven.validation import validate as recompute

    found = recompute(names or (), data or ())
    if as_json:
        print_json(found.data())
    else:
        print("\n".join(validation_lines(found)))
    if not found.well:
        raise typer.Exit(1)
