"""The figure and the section on transfer."""

from __future__ import annotations

from typing import Any

import pytest

from leaven.report import chart as drawing
from leaven.report.contents import Contents, read
from leaven.report.transfer import chart, section

NAME = "code <b>bits</b>"


def effect(variant: str, size: str, parameters: int, value: float, half: float | None = 0.3) -> dict[str, Any]:
    low, high = (None, None) if half is None else (value - half, value + half)
    return {"variant": variant, "size": size, "parameters": parameters, "effect": value, "low": low, "high": high} | {
        "clear": half is not None,
        "seeds": 1 if half is None else 3,
    }


def transfer(**more: Any) -> dict[str, Any]:
    prior = {"source": "a swarm", "share": 0.9}
    measure = {
        "name": NAME,
        "better": "lower",
        "unit": "%",
        "pairs": [
            {"from": "1m", "to": "9m", "pairs": 3, "right": 2.5, "accuracy": 5 / 6, "low": 0.2, "high": 0.99}
            | {"spearman": None, "regret": {"pick": "code", "best": "code", "value": 0.0, "share": 0.0}}
            | {"by_gap": [{"low": 0.05, "high": None, "pairs": 3, "accuracy": 1.0}]}
        ],
        "effects": [
            *(effect("code", size, n, value) for size, n, value in (("1m", 10**6, 1.0), ("9m", 9 * 10**6, -1.0))),
            effect("mix→text", "9m", 9 * 10**6, 2.0, None),
        ],
        "signs": [
            {"variant": "code", "state": "flip", "clear": 2, "sizes": 2, "holds": 0.83, "prior": prior},
        ],
        "flips": [{"variant": "code", "from": "1m", "to": "9m", "clear": True, "said": "code turns <i>round</i>"}],
        "interaction": {"code": {"slope": -2.0, "low": -2.4, "high": -1.6, "p": 0.01, "seeds": 6}},
        "extrapolation": {
            "parameters": 9e7,
            "refused": "",
            "variants": [
                {"variant": "code", "value": 1.2, "low": 1.1, "high": 1.4, "exponent": 0.02, "bounded": True}
                | {"effect": -2.0, "effect_low": -3.0, "effect_high": -1.0}
            ],
        },
        "said": "1m orders code as 9m does",
    }
    data: dict[str, Any] = {
        "sizes": [{"size": "1m", "parameters": 10**6}, {"size": "9m", "parameters": 9 * 10**6}],
        "baseline": "text-only",
        "measures": [measure],
        "calibration": [
            {"from": "1m", "to": "9m", "pairs": 3, "predicted": 0.97, "observed": 0.67, "brier": 0.3}
            | {"bins": [{"low": 0.9, "high": 0.95, "pairs": 3, "observed": 2 / 3}]}
        ],
        "proven": False,
        "said": "Only 2 sizes were trained",
    }
    return {**data, **more}


def contents(found: dict[str, Any] | None) -> Contents:
    variants = {"text-only": [], "code": [], "mix→text": []}
    return read({"verdict": {"baseline": "text-only", "transfer": found}, "study": {"variants": variants}})


def test_the_figure_says_in_words_what_it_draws() -> None:
    made = chart(contents(transfer()))
    assert made is not None
    assert made.sentence == "Only 2 sizes were trained"
    (panel,) = made.panels
    assert "code at 1m +1.0 % [+0.7, +1.3]; code at 9m −1.0 % [−1.3, −0.7]; mix→text at 9m" in panel.alt
    assert [row[:3] for row in made.rows] == [["code", NAME, "1m"], ["code", NAME, "9m"], ["mix→text", NAME, "9m"]]
    assert "A cross marks" in str(made.note)
    svg, png = drawing.files(made)
    assert svg.startswith(b"<?xml")
    assert png.startswith(b"\x89PNG")
    assert drawing.files(made) == (svg, png)
    page = str(drawing.element(made, 4))
    assert "<b>bits" not in page
    assert "&lt;b&gt;bits" in page


class Drawn:
    """Axes that keep what is plotted; everything else goes to matplotlib's."""

    def __init__(self, axes: Any) -> None:
        self.axes, self.marks = axes, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.axes, name)

    def plot(self, x: Any, y: Any, *style: Any, **more: Any) -> Any:
        self.marks.append((list(x), list(y), style[:1], more))
        return self.axes.plot(x, y, *style, **more)


def crosses(found: dict[str, Any]) -> list[Any]:
    from matplotlib.figure import Figure

    made = chart(contents(found))
    assert made is not None
    axes = Drawn(Figure().add_subplot())
    made.panels[0].draw(axes)
    assert axes.axes.yaxis_inverted()  # lower is better, and better is up
    return [mark for mark in axes.marks if mark[2] == ("x",)]


def test_a_flip_over_a_size_between_is_crossed_out_once() -> None:
    found = transfer()
    measure = found["measures"][0]
    measure["effects"] = [effect("code", f"{n}m", n * 10**6, value) for n, value in ((1, 1.0), (3, 0.1), (9, -1.0))]
    found["sizes"] = [{"size": f"{n}m", "parameters": n * 10**6} for n in (1, 3, 9)]
    ((x, _, _, style),) = crosses(found)
    assert 6.47 < x[0] < 6.6
    assert style["mew"] == 2.4


def test_no_chance_of_what_is_not_seen_is_certain() -> None:
    found = transfer()
    found["measures"][0]["signs"][0]["holds"] = 1.0
    page = str(section(contents(found)))
    assert "&gt; 99 %" in page
    assert "100 %" not in page.split("P(sign holds)")[-1].split("</table>")[0]


@pytest.mark.parametrize(("clear", "width"), [(True, 2.4), (False, 1.1)])
def test_flips_are_crossed_out_where_the_line_meets_zero(clear: bool, width: float) -> None:
    found = transfer()
    found["measures"][0]["flips"][0]["clear"] = clear
    ((x, y, _, style),) = crosses(found)
    assert y == [0]
    assert 6 < x[0] < 7
    assert style["mew"] == width
    found["measures"][0]["flips"] = []
    assert crosses(found) == []


def test_the_section_has_its_sentences_and_tables() -> None:
    page = str(section(contents(transfer())))
    for words in (
        "Only 2 sizes were trained.",
        "2.5 of 3",
        "83 % [20, 99]",
        "from 5.00 %",
        "code turns &lt;i&gt;round&lt;/i&gt;.",
        "−2.0 % [−2.4, −1.6]",
        "p = 0.010",
        "public runs (a swarm)",
        "0.020, at a bound",
        "90 % to 95 %: 67 % of 3",
    ):
        assert words in page
    assert "<i>round" not in page


def test_a_refusal_is_told() -> None:
    found = transfer()
    found["measures"][0]["extrapolation"] = {"parameters": 9e7, "refused": "two sizes are too few", "variants": []}
    assert "two sizes are too few." in str(section(contents(found)))


def test_a_variant_that_is_not_drawn_on_is_told() -> None:
    found = transfer()
    found["measures"][0]["extrapolation"]["left_out"] = [{"variant": "mix→text", "why": "there are 2 sizes"}]
    assert "mix→text: there are 2 sizes." in str(section(contents(found)))


def test_one_size_has_neither() -> None:
    assert chart(contents(None)) is None
    assert section(contents(None)) is None
    assert chart(contents(transfer(measures=[]))) is None
    assert "Only 2 sizes" in str(section(contents(transfer(measures=[], calibration=[]))))
