"""`leaven compare`: two finished studies side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leaven.options import AsJson, Runs
from leaven.sentences import print_json

First = Annotated[
    str, typer.Argument(metavar="A", help="a study whose page lies in the runs folder, or a page's folder")
]
Second = Annotated[str, typer.Argument(metavar="B", help="another")]


def compare(
    first: First,
    second: Second,
    runs: Runs = Path("runs"),
    out: Annotated[Path | None, typer.Option(help="write a page into this folder")] = None,
    as_json: AsJson = False,
) -> None:
    """Two finished studies: what they state differently, the same comparisons in both, and how far apart they are."""
    from leaven.comparison import compare as compare_studies

    comparison = compare_studies(first, second, runs)
    page = comparison.report(out) if out else None
    if as_json:
        print_json({**comparison.found, **({"report": str(page)} if page else {})})
        return
    from leaven.sentences_comparison import comparison_lines

    print("\n".join(comparison_lines(comparison.found)))
    if page:
        print(f"report    {page}")
