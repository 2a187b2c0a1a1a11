"""The page of a study: its figures, its tables and one self-contained HTML file (see `document` for its frame).

Invariant: equal data gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from leaven.report import (
    accounts,
    answers,
    averages,
    chart,
    corpus,
    curves,
    diagnostics,
    document,
    exports,
    gains,
    gates,
    judged,
    methods,
    optimum,
    paper_figures,
    paper_table,
    preference,
    samples,
    scores,
    scripted,
    strengths,
    tables,
    timeline,
    transfer,
)
from leaven.report.contents import Contents, read
from leaven.report.markup import anchor


def write_report(data: Mapping[str, Any], out: Path) -> None:
    """Write `out`/report.html, `out`/figures/*.svg, *.png and `out`/data/*.csv, *.parquet.

    Args:
        data: verdict, study, stages, plan, corpus, assembly, samples, left_out, isolation, suite, steps, costs,
            provenance, prompts, judge, judge_cost, rules, all optional; see `contents.read`.
        out: a folder, made if missing. Only the three names above are touched in it.

    Raises:
        LeavenError: the folder cannot be written; what was there before is still there.
    """
    contents = read(data)
    charts = figures(contents)
    document.publish(out, page(contents, charts), charts, partial(exports.write, contents))


def figures(contents: Contents) -> list[chart.Chart]:
    """The figures there is data for, in the order of the page: those of the paper, then the study's own."""
    each, trained = (gains.chart, scores.chart), (curves.chart, timeline.chart)
    made = [
        *paper_figures.charts(contents),
        optimum.chart(contents),
        transfer.chart(contents),
        *(_of_size(make, size, here) for size, here in contents.each_size for make in each),
        preference.chart(contents),
        *(_of_size(strengths.chart, size, here) for size, here in contents.each_size),
        *(_of_size(make, size, here) for size, here in contents.each_size for make in trained),
    ]
    return [drawing for drawing in made if drawing is not None]


def _of_size(make: Callable[[Contents], chart.Chart | None], size: str, contents: Contents) -> chart.Chart | None:
    """A figure of one size, under a name and a title that say so."""
    drawing = make(contents)
    if drawing is None or not size:
        return drawing
    return replace(drawing, name=f"{drawing.name}-{anchor(size)}", title=f"{drawing.title}, {size}")


def page(contents: Contents, charts: list[chart.Chart]) -> str:
    """The whole document."""
    parts: list[document.Part] = [
        ("answers", "Answers", answers.section(contents)),
        ("figures", "Figures", document.figures(charts)),
        ("table-2", "Table 2", paper_table.section(contents)),
        ("categories", "Categories", averages.section(contents)),
        ("optimum-share", "Best share", optimum.section(contents)),
        ("transfer-sizes", "Sizes", transfer.section(contents)),
        ("excluded", "Excluded", tables.excluded(contents)),
        ("gates", "Gates", gates.section(contents)),
        ("noise", "Noise and power", tables.noise(contents)),
        ("tokens", "Tokens", accounts.ledger(contents)),
        ("corpus", "Corpus", corpus.corpus(contents)),
        ("judging", "The judge", diagnostics.section(contents)),
        ("prompts", "Prompts", judged.prompts(contents)),
        ("samples", "Judged prompts", samples.samples(contents)),
        ("costs", "Costs", accounts.costs(contents)),
        ("judge-costs", "Costs of judging", judged.costs(contents)),
        ("identities", "Identities", accounts.identities(contents)),
        ("methods", "Methods", document.methods(methods.paragraph(contents))),
        ("study", "Study file", accounts.settings(contents)),
    ]
    marked = scripted.any_scripted(contents)
    title = f"{scripted.WORD} JUDGE · {contents.question}" if marked else contents.question
    return document.frame(title, answers.head(contents), parts, scripted.banner(contents))
