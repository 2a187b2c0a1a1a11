from __future__ import annotations

from pathlib import Path

import pytest

from leaven.analyze.imported.mapping import load
from leaven.ground.errors import BadInput

WHOLE = """\
study: ours
question: Does code help?
columns: {variant: [recipe, rate], seed: run, size: params, value: score, metric: name}
metrics:
  val_bpb: {better: lower, margin: 0.5, primary: true}
  reasoning: {of: ["arc_*", piqa], better: higher, scale: share, chance: 0.25}
  other:
baseline: no-code
sizes: {150m: 150000000}
point: 40000
where: {mult: 1, split: [test]}
shares: {code: "share_*"}
sweep: code
model: '(?P<variant>.+)-s(?P<seed>\\d+)'
alpha: 0.1
"""


def test_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(WHOLE)
    found = load(path)
    assert found.columns.variant == ("recipe", "rate")
    assert found.point == "40000"
    assert found.where["mult"] == ("1",)
    assert found.metrics["reasoning"] is not None
    assert found.metrics["reasoning"].of == ("arc_*", "piqa")
    assert found.metrics["other"] is None
    assert found.sizes == {"150m": 150_000_000}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("colums: {variant: a}", 'map.yaml:2: colums: unknown field "colums"; did you mean "columns"'),
        ("columns: {varient: a}", 'map.yaml:2: columns.varient: unknown field "varient"; did you mean "variant"'),
        ("metrics: {a: {beter: lower}}", 'metrics.a.beter: unknown field "beter"; did you mean "better"'),
        ("metrics: {a: {better: up}}", '"up" is not one of: lower, higher'),
        ("metrics: {a: {margin: -1}}", "greater than or equal to 0"),
        ("metrics: {a: {margin: .nan}}", "finite"),
        ("model: '(('", "no pattern"),
        ("model: 'x'", "names no variant"),
        ("shares: {code: a}\nsweep: text", '"text" is none of the shares'),
        ("alpha: 0.7", "less than 0.5"),
        ("draws: 5", "greater than or equal to 100"),
        ("metrics: [a]", "mapping"),
    ],
)
def test_mistakes_name_line_and_field(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(f"study: ours\n{line}\n")
    with pytest.raises(BadInput) as error:
        load(path)
    assert said in str(error.value)
