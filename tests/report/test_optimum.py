"""The figure and the section on the best share."""

from __future__ import annotations

import numpy as np
import pytest

from leaven.analyze.export import rounded
from leaven.analyze.optimum import SweepMeasure, optimum_data
from leaven.report import chart, optimum
from leaven.report.contents import Contents, read

SHARES = {"0 %": 0.0, "25 %": 0.25, "50 %": 0.5, "75 %": 0.75, "100 %": 1.0}


def measure(name, curve, noise=0.01, better="lower", key=0, seeds=3):
    rng = np.random.default_rng(key)
    values = {v: curve(x) + noise * rng.standard_normal(seeds) for v, x in SHARES.items()}
    return SweepMeasure(name, better, "bits per byte", values)


@pytest.fixture(scope="module")
def contents() -> Contents:
    measures = [
        measure("prose", lambda x: (x - 0.4) ** 2),
        measure("<b>code</b>", lambda x: 1 - x, key=1),
        measure("dialogue", lambda x: 0 * x, key=2, better="higher"),
    ]
    epochs = {v: {"code": 6 * x, "text": 1 - x} for v, x in SHARES.items()}
    data = optimum_data(SHARES, measures, of="code", draws=300, seed=0, repeats=epochs, baselines={"natural": 0.1})
    return read({"verdict": {"optimum": rounded(data)}})


def test_the_figure_says_what_its_panels_show(contents):
    found = optimum.chart(contents)
    assert found is not None
    assert len(found.panels) == 3
    assert "prose: best at" in str(found.sentence)
    assert "lower is better" in found.panels[0].alt
    assert "not identified" in found.panels[2].alt
    assert len(found.rows) == 3 * len(SHARES)
    page = str(chart.element(found, 1))
    assert "best share not identified" in page
    assert "<b>code</b>" not in page
    vector, image = chart.files(found)
    assert vector.startswith(b"<?xml")
    assert image.startswith(b"\x89PNG")


def test_the_section_holds_states_laws_front_repetition_and_the_next_run(contents):
    said = str(optimum.section(contents))
    for part in (
        "identified",
        "at an edge",
        "root of the rest",
        "Shares that no other share beats",
        "6",
        "natural baseline",
    ):
        assert part in said
    assert "a source is read more than 4 times" in said
    assert "<b>code</b>" not in said


def test_single_runs_are_drawn_without_intervals():
    data = optimum_data(SHARES, [measure("m", lambda x: (x - 0.4) ** 2, seeds=1)], of="code", draws=300, seed=0)
    found = optimum.chart(read({"verdict": {"optimum": rounded(data)}}))
    assert found is not None
    assert found.rows[0][3] == "–"
    assert chart.files(found)[1]


def test_no_sweep_no_figure():
    assert optimum.chart(read({"verdict": {"optimum": None}})) is None
    assert optimum.section(read({"verdict": {}})) is None
