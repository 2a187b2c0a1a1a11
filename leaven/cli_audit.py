"""`leaven audit`: what each percentage in the paper's text is really of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leaven.options import AsJson
from leaven.sentences import print_json


def audit(
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="write a page there: report.html")] = None,
) -> None:
    """Recompute every percentage of "To Code, or Not To Code?" from its own scores, and what they do not carry."""
    from leaven.audit import audit as examine
    from leaven.sentences_audit import audit_lines

    found = examine()
    page = found.write(out) if out is not None else None
    if as_json:
        print_json(found.data())
        return
    print("\n".join(audit_lines(found)))
    if page is not None:
        print(f"page    {page}")
