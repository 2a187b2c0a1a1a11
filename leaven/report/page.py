"""The page: one self-contained HTML file, its figures and its tables, put in place together.

It opens from disk, loads nothing, and works without JavaScript. Its own policy (a content security policy in the
head) forbids every request and every script but the one inline script, named by its hash.

Invariants: equal data gives equal bytes; an old report is replaced by whole files, the page last, and put back if that
fails half-way.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from leaven.ground.errors import LeavenError
from leaven.ground.files import write_bytes, write_text
from leaven.report import (
    accounts,
    answers,
    averages,
    chart,
    corpus,
    curves,
    exports,
    gains,
    methods,
    palette,
    preference,
    samples,
    scores,
    tables,
    timeline,
)
from leaven.report.contents import Contents, read
from leaven.report.markup import Html, Node, join, tag

PAGE = "report.html"
FOLDERS = ("figures", "data")


def write_report(data: Mapping[str, Any], out: Path) -> None:
    """Write `out`/report.html, `out`/figures/*.svg, *.png and `out`/data/*.csv, *.parquet.

    Args:
        data: verdict, study, stages, plan, corpus, assembly, samples, left_out, isolation, suite, steps, costs,
            provenance, all optional; see `contents.read`.
        out: a folder, made if missing. Only the three names above are touched in it.

    Raises:
        LeavenError: the folder cannot be written; what was there before is still there.
    """
    contents = read(data)
    charts = figures(contents)
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
        exports.write(contents, staging / "data")
        write_text(staging / PAGE, page(contents, charts))
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


def figures(contents: Contents) -> list[chart.Chart]:
    """The figures there is data for, in the order of the page."""
    made = (gains.chart, scores.chart, preference.chart, curves.chart, timeline.chart)
    return [drawing for drawing in (make(contents) for make in made) if drawing is not None]


def page(contents: Contents, charts: list[chart.Chart]) -> str:
    """The whole document."""
    script = _asset("page.js")
    body: list[tuple[str, str, Html | None]] = [
        ("answers", "Answers", answers.section(contents)),
        ("figures", "Figures", _figures(charts)),
        ("categories", "Categories", averages.section(contents)),
        ("excluded", "Excluded", tables.excluded(contents)),
        ("noise", "Noise and power", tables.noise(contents)),
        ("tokens", "Tokens", accounts.ledger(contents)),
        ("corpus", "Corpus", corpus.corpus(contents)),
        ("samples", "Judged prompts", samples.samples(contents)),
        ("costs", "Costs", accounts.costs(contents)),
        ("identities", "Identities", accounts.identities(contents)),
        ("methods", "Methods", _methods(contents)),
        ("study", "Study file", accounts.settings(contents)),
    ]
    there = [(name, title, part) for name, title, part in body if part is not None]
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("title", f"{contents.question} · leaven"),
            tag("style", Html(palette.style() + _asset("page.css"))),
        ),
        tag(
            "body",
            answers.head(contents),
            tag(
                "nav",
                [tag("a", title, href=f"#{name}") for name, title, _ in there],
                aria_label="parts of the report",
            ),
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


def _figures(charts: list[chart.Chart]) -> Html | None:
    if not charts:
        return None
    drawn: list[Node] = [chart.element(drawing, place) for place, drawing in enumerate(charts, start=1)]
    return tag("section", tag("h2", "Figures"), drawn, id="figures")


def _methods(contents: Contents) -> Html | None:
    said = methods.paragraph(contents)
    if not said:
        return None
    return tables.section(
        "Methods",
        "methods",
        tag("p", said, class_="methods", id="methods-text"),
        tag("button", "Copy this paragraph", class_="copy", type="button", data_of="methods-text", hidden=True),
    )


def _asset(name: str) -> str:
    return resources.files("leaven.report").joinpath("assets", name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Nothing may be loaded or sent; the one script is allowed by its hash."""
    digest = base64.b64encode(hashlib.sha256(join(Html(script)).encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
