"""Noise of earlier runs: what is read, how arms are pooled, what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from leaven.analyze.pilot import Noise, pooled, read_noise
from leaven.ground.errors import BadInput

HEAD = "size,measure,variant,mean,seed_sd,item_se,paired_seed_sd,paired_item_sd,unit,seeds,items,clusters\n"
ROWS = """\
1m,prose,base,2.0,0.01,0.02,,,,3,40,20
1m,prose,a,2.1,0.01,0.02,0.3,2.0,%,3,40,20
1m,prose,b,2.2,0.05,0.02,0.4,4.0,%,3,40,20
1m,facts,a,0.5,0.05,0.02,3.0,9.0,points,3,100,100
7m,prose,a,1.9,0.01,0.02,0.1,1.0,%,3,40,20
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "noise.csv"
    path.parent.mkdir()
    path.write_text(HEAD + ROWS, encoding="utf-8")
    return path


def test_arms_are_pooled_as_root_mean_squares_and_the_noisiest_is_named(file: Path) -> None:
    found = read_noise(file, "1m")
    assert found["prose"] == Noise(
        math.sqrt((0.09 + 0.16) / 2), math.sqrt(10.0), 20, "%", "noise.csv of runs", "b", 0.4
    )
    assert found["facts"] == Noise(3.0, 9.0, 100, "points", "noise.csv of runs")


def test_rows_of_the_size_asked_for_count_and_else_those_of_the_first(file: Path) -> None:
    assert read_noise(file, "7m")["prose"].seed_sd == 0.1
    assert "facts" not in read_noise(file, "7m")
    assert read_noise(file, "30m") == read_noise(file, "1m") == read_noise(file)


def test_an_older_file_knows_no_sizes(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    lines = (HEAD + ROWS).splitlines()[:4]
    path.write_text("\n".join(line.partition(",")[2] for line in lines), encoding="utf-8")
    assert read_noise(path, "1m")["prose"].noisiest == "b"


def test_an_arm_in_another_unit_stands_apart() -> None:
    arm = {"measure": "m", "variant": "a", "paired_seed_sd": 1.0, "paired_item_sd": 2.0, "clusters": 5}
    rows = [{**arm, "unit": "%"}, {**arm, "unit": "points", "paired_seed_sd": 50.0}, {**arm, "unit": "%"}]
    assert (pooled(rows, "x")["m"].unit, pooled(rows, "x")["m"].seed_sd) == ("%", 1.0)


def test_an_arm_that_tells_nothing_of_its_items_says_nothing_of_them() -> None:
    arm = {"measure": "m", "variant": "a", "paired_seed_sd": 0.5, "unit": "points"}
    told = {**arm, "paired_item_sd": "130", "clusters": "24774"}
    silent = {**arm, "variant": "b", "paired_item_sd": "", "clusters": "30000"}
    uncounted = {**arm, "variant": "c", "paired_item_sd": "0", "clusters": "0"}
    noise = pooled([told, silent, uncounted], "x")["m"]
    assert (noise.item_sd, noise.clusters) == (130.0, 24774)
    assert noise.seed_sd == pytest.approx(0.5)
    nothing = pooled([silent, uncounted], "x")["m"]
    assert (nothing.item_sd, nothing.clusters) == (0.0, 0)


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    path.write_text("\ufeffmeasure,variant,paired_seed_sd,paired_item_sd,unit,clusters\nm,a,0.5,60.0,points,24774.0\n")
    assert read_noise(path)["m"].clusters == 24774


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("measure,variant\nx,y\n", "there is no column paired_seed_sd"),
        (HEAD + "1m,prose,a,2,1,1,-3,2,%,3,4,5\n", '"-3" is no amount of noise'),
        (HEAD + "1m,prose,a,2,1,1,nan,2,%,3,4,5\n", '"nan" is no amount of noise'),
        (HEAD + "1m,prose,a,2,1,1,3,2,%,3,4,5\n\n1m,prose,b,2,1,1,3,2,%,3,4,5.5\n", ':4: clusters: "5.5" is no whole'),
        (HEAD + "1m,prose,a,2,1,1,3,2,%,3,4,inf\n", '"inf" is no amount of noise'),
        (HEAD + "1m,prose,a,2,1,1,3\n", ":2: paired_item_sd: the line ends before its paired_item_sd"),
        (HEAD + "1m,prose,a,2,1,1,3,2\n", ":2: unit: the line ends before its unit"),
        (HEAD + "1m,prose,a,2,1,1,3,2,%,3,4,5,6\n", ":2: the line has more cells"),
        (HEAD + "1m,prose,a,2,1,1,3,2,,3,4,5\n", "there is noise, and no unit"),
        (HEAD + "1m,prose,a,2,1,1,3,2,%,3,4,\n", "there is noise, and no clusters"),
        (HEAD + "1m,prose,base,2,1,1,,,,1,4,5\n", "no arm in it was compared over several seeds"),
    ],
)
def test_what_is_no_pilot(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "noise.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        read_noise(path)
    assert says in str(refused.value)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_noise(tmp_path)
    (tmp_path / "noise.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="no CSV file"):
        read_noise(tmp_path / "noise.csv")


def test_a_pilot_that_tells_no_noise_of_items_says_so(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    path.write_text("measure,variant,paired_seed_sd,paired_item_sd,unit,clusters\nbpb,a,0.2,,%,\n")
    assert read_noise(path)["bpb"].source.endswith("which tells no noise of items")
