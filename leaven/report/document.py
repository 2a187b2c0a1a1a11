"""The frame of a page and the way it comes to its place: shared by the page of a study and that of a tournament.

A page is one file that opens from disk, loads nothing, and works without JavaScript. Its own policy (a content security
policy in the head) forbids every request and every script but the one inline script, named by its hash.

Invariants: an old report is replaced by whole files, the page last, and put back if that fails half-way.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from leaven.ground.errors import LeavenError
from leaven.ground.files import write_bytes, write_text
from leaven.report import chart, palette
from leaven.report.markup import Html, Node, join, tag

PAGE = "report.html"
FOLDERS = ("figures", "data")

Part = tuple[str, str, Html | None]
"""Anchor, name in the table of parts, and the section; None where there is nothing to say."""


def frame(title: str, head: Node, parts: Sequence[Part], banner: Node = None) -> str:
    """The whole document: `head` on top, then a list of the parts, then the parts themselves."""
    script = asset("page.js")
    there = [(name, word, part) for name, word, part in parts if part is not None]
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("title", f"{title} · leaven"),
            tag("style", Html(palette.style() + asset("page.css"))),
        ),
        tag(
            "body",
            banner,
            head,
            tag("nav", [tag("a", word, href=f"#{name}") for name, word, _ in there], aria_label="parts of the report"),
            tag("main", [part for _, _, part in there]),
            tag(
                "footer",
                "Made by leaven. This page loads nothing from anywhere; its numbers lie beside it in ",
                tag("a", "data", href="data/"),
                " and ",
                tag("a", "figures", href="figures/"),
                ".",
            ),
            tag("script", Html(script)),
        ),
        lang="en",
    )
    return f"<!doctype html>\n{document}\n"


def figures(charts: Sequence[chart.Chart]) -> Html | None:
    """The section of figures, numbered in their order."""
    if not charts:
        return None
    drawn: list[Node] = [chart.element(drawing, place) for place, drawing in enumerate(charts, start=1)]
    return tag("section", tag("h2", "Figures"), drawn, id="figures")


def methods(said: str) -> Html | None:
    """The paragraph to paste, with a button that copies it."""
    if not said:
        return None
    return tag(
        "section",
        tag("h2", "Methods"),
        tag("p", said, class_="methods", id="methods-text"),
        tag("button", "Copy this paragraph", class_="copy", type="button", data_of="methods-text", hidden=True),
        id="methods",
    )


def publish(out: Path, document: str, charts: Sequence[chart.Chart], tables: Callable[[Path], None]) -> None:
    """Write `out`/report.html, `out`/figures and `out`/data, all of them or none.

    Args:
        out: a folder, made if missing. Only the three names above are touched in it.
        tables: writes the tables into the empty folder that it is given.

    Raises:
        LeavenError: the folder cannot be written; what was there before is still there.
    """
    staging = out / ".report.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        for name in FOLDERS:
            (staging / name).mkdir(parents=True)
        for drawing in charts:
            vector, image = chart.files(drawing)
            write_bytes(staging / "figures" / f"{drawing.name}.svg", vector)
            write_bytes(staging / "figures" / f"{drawing.name}.png", image)
        tables(staging / "data")
        write_text(staging / PAGE, document)
        _replace(staging, out)
    except OSError as error:
        raise LeavenError(f"cannot write the report to {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _replace(staging: Path, out: Path) -> None:
    """Move the new parts in, the page last; on failure move back what was there."""
    old = staging / "old"
    old.mkdir()
    moved: list[str] = []
    try:
        for name in (*FOLDERS, PAGE):
            if (out / name).exists():
                (out / name).replace(old / name)
            moved.append(name)
            (staging / name).replace(out / name)
    except BaseException:
        for name in moved:
            if name == PAGE:
                (out / name).unlink(missing_ok=True)
            else:
                shutil.rmtree(out / name, ignore_errors=True)
            if (old / name).exists():
                (old / name).replace(out / name)
        raise


def asset(name: str) -> str:
    return resources.files("leaven.report").joinpath("assets", name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Nothing may be loaded or sent; the one script is allowed by its hash."""
    digest = base64.b64encode(hashlib.sha256(join(Html(script)).encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
