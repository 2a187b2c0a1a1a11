from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from leaven.analyze.published import alpaca_files
from leaven.analyze.published.alpaca_eval import checks
from leaven.analyze.published.check import Check
from leaven.ground.errors import BadInput

COLUMNS = ("win_rate", "standard_error", "discrete_win_rate", "n_wins", "n_wins_base", "n_draws", "n_total")
BOARD = "leaderboard_v1_plain.csv"
ANNOTATIONS = "tiny-1.5.plain.annotations.json"
OUTPUTS = "tiny-1.5.model_outputs.json"


def failing(found: list[Check]) -> list[str]:
    return [check.what for check in found if check.ok is False]


def of(found: list[Check], what: str) -> Check:
    (check,) = (check for check in found if check.what == what)
    return check


@pytest.mark.parametrize("layout", ["flat", "repository"])
def test_every_figure_of_a_row_comes_from_its_annotations(layout: str, request: Any) -> None:
    found = checks(request.getfixturevalue(layout))
    assert failing(found) == []
    recomputed = [check for check in found if check.group.endswith("from the annotations")]
    for annotator in ("plain", "weighted_plain"):
        mine = [check.what for check in recomputed if f"by {annotator}:" in check.what]
        assert sorted(mine) == sorted(f"tiny-1.5 by {annotator}: {column}" for column in COLUMNS)
    lengths = [check for check in found if check.group == "mean lengths of outputs"]
    assert [(check.published, check.ours, check.note) for check in lengths] == [(7, 7, "7.60 before it is cut")] * 2
    assert {check.note for check in recomputed} == {"1 prompts have no preference"}


def test_rows_are_audited_by_their_own_counts(flat: Path) -> None:
    found = checks(flat)
    groups: dict[str, int] = {}
    for check in found:
        groups[check.group] = groups.get(check.group, 0) + 1
    assert groups["counts add up, plain"] == 2
    assert groups["win rates from counts, plain"] == 2
    assert groups["standard errors from counts, plain"] == 2
    assert groups["discrete rates from counts, plain"] == 1  # the other row prints none
    assert groups["discrete rates from counts, weighted_plain"] == 1
    assert "win rates from counts, weighted_plain" not in groups  # weights do not follow from counts


def test_what_cannot_be_checked_is_named(flat: Path) -> None:
    left = {(check.what, check.source): check.note for check in checks(flat) if check.ok is None}
    assert "1 rows: the model behind it needs a difficulty" in left["length_controlled_winrate", BOARD]
    assert left["n_wins … and avg_length", BOARD] == "1 rows: their annotations and outputs are not in the folder"


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("62.5,23.9", "62.6,23.9", ["win_rate", "win_rate"]),
        ("23.935677693908453", "23.9356877", ["standard_error", "standard_error"]),
        ("2,1,1,4,62.5", "2,1,1,5,62.5", ["n_total", "n_total"]),
        ("2,1,1,4,62.5", "2,1,1,4,62.6", ["discrete_win_rate", "discrete_win_rate"]),
        (",dev,7,51", ",dev,8,51", ["avg_length"]),
    ],
)
def test_a_wrong_figure_does_not_pass(edited: Any, flat: Path, old: str, new: str, wrong: list[str]) -> None:
    folder = edited(BOARD, (flat / BOARD).read_text().replace(old, new))
    assert failing(checks(folder)) == [f"tiny-1.5 by plain: {column}" for column in wrong]


def test_a_row_printed_twice_is_found(edited: Any, flat: Path) -> None:
    text = (flat / BOARD).read_text()
    twin = next(line for line in text.splitlines() if line.startswith("tiny")).replace("tiny-1.5", "big")
    assert failing(checks(edited(BOARD, f"{text}{twin}\n"))) == ["big and tiny-1.5: a row for each"]


def test_documented_defects_are_of_these_digits_only(edited: Any, flat: Path) -> None:
    row = "baize-v2-7b,63.85093168,{},514,291,0,805,,community,1127,"
    text = (flat / BOARD).read_text()
    what = "baize-v2-7b by plain: standard_error"
    known = of(checks(edited(BOARD, text + row.format("1.694598186"))), what)
    assert (known.ok, known.defect.startswith("it is the standard error of 514 won, 290 lost")) == (False, True)
    other = of(checks(edited(BOARD, text + row.format("1.794598186"))), what)
    assert (other.ok, other.defect) == (False, "")


def test_annotations_without_a_row_and_outputs_that_are_missing(flat: Path) -> None:
    (flat / f"{OUTPUTS}.gz").unlink()
    (flat / f"{ANNOTATIONS}.gz").rename(flat / "new.plain.annotations.json.gz")
    (flat / "tiny-1.5.weighted_plain.annotations.json.gz").rename(flat / "tiny-1.5.nobody.annotations.json.gz")
    found = checks(flat)
    assert of(found, "new by plain").note == "it has no row in leaderboard_v1_plain.csv"
    assert of(found, "tiny-1.5 by nobody").note == "no leaderboard of this annotator is there"
    assert failing(found) == []


def test_texts_judged_that_are_not_the_models_own_are_told(edited: Any) -> None:
    folder = edited(OUTPUTS, [{"output": "seven c"}] * 5)
    assert of(checks(folder), "tiny-1.5 by plain: avg_length").note.endswith("; the texts judged have 7.60")
    (folder / OUTPUTS).unlink()
    assert of(checks(folder), "tiny-1.5 by plain: avg_length").ok is None


def test_a_folder_without_leaderboards_holds_nothing(tmp_path: Path) -> None:
    assert checks(tmp_path) == []


def rows(**fields: Any) -> list[dict[str, Any]]:
    return [{"output_2": "a", "preference": 1}, {"output_2": "b", "preference": 2} | fields]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (ANNOTATIONS, "[", f"{ANNOTATIONS}: no JSON"),
        (ANNOTATIONS, "[" * 100_000, f"{ANNOTATIONS}: no JSON"),
        (ANNOTATIONS, b"\xff\xfe", f"{ANNOTATIONS}: is no UTF-8"),
        (ANNOTATIONS, {"a": 1}, f"{ANNOTATIONS}: no JSON list"),
        (ANNOTATIONS, [], f"{ANNOTATIONS}: no row has a preference"),
        (ANNOTATIONS, [{"preference": None}], f"{ANNOTATIONS}: no row has a preference"),
        (ANNOTATIONS, [1], f"{ANNOTATIONS}, row 1: is no JSON object"),
        (ANNOTATIONS, [{}], f"{ANNOTATIONS}, row 1: preference: is missing"),
        (ANNOTATIONS, rows(preference="2"), f"{ANNOTATIONS}, row 2: preference: is no number"),
        (ANNOTATIONS, rows(preference=True), f"{ANNOTATIONS}, row 2: preference: is no number"),
        (ANNOTATIONS, rows(preference=2.5), f"{ANNOTATIONS}, row 2: preference: is neither 0 nor within 1 and 2"),
        (ANNOTATIONS, rows(preference=10**400), f"{ANNOTATIONS}, row 2: preference: is neither"),
        (ANNOTATIONS, '[{"preference": NaN}]', f"{ANNOTATIONS}: no JSON: NaN is no number"),
        (OUTPUTS, [{"output": "a"}, {"output": 1}], f"{OUTPUTS}, row 2: output: is no text"),
        (OUTPUTS, [], f"{OUTPUTS}: there are no outputs"),
        (BOARD, "", f"{BOARD}: no leaderboard"),
        (BOARD, ",win_rate\na,1\n", f"{BOARD}: no leaderboard"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(edited: Any, name: str, content: Any, message: str) -> None:
    with pytest.raises(BadInput) as error:
        checks(edited(name, content))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("62.5,23.9", "nan,23.9", f"{BOARD}:2: win_rate: is no number"),
        ("62.5,23.9", ",23.9", f"{BOARD}:2: win_rate: is no number"),
        ("62.5,23.9", "1e999,23.9", f"{BOARD}:2: win_rate: is no number"),
        ("2,1,1,4,62.5", "2.5,1,1,4,62.5", f"{BOARD}:2: n_wins: is no number of prompts"),
        ("2,1,1,4,62.5", "-2,1,1,4,62.5", f"{BOARD}:2: n_wins: is no number of prompts"),
        ("2,1,1,4,62.5", "2,1,1,99999999,62.5", f"{BOARD}:2: n_total: is no number of prompts"),
        ("2,1,1,4,62.5", "2,1,1,0,62.5", f"{BOARD}:2: n_total: no prompt at all"),
        (",dev,7,51", ",dev,7,5,1", f"{BOARD}:2: 12 cells under 11 columns"),
        ("other", "tiny-1.5", f"{BOARD}:3: the model has a row already"),
        ("other", "o" * 200_000, f"{BOARD}:3: no CSV"),
    ],
)
def test_what_is_wrong_with_a_row_is_named(edited: Any, flat: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(BadInput) as error:
        checks(edited(BOARD, (flat / BOARD).read_text().replace(old, new)))
    assert str(error.value).startswith(message)


def test_broken_and_endless_files(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = flat / f"{ANNOTATIONS}.gz"
    whole = path.read_bytes()
    for broken in (whole[:-20], b"no gzip", whole[:20] + bytes(30) + whole[50:]):
        path.write_bytes(broken)
        with pytest.raises(BadInput, match="cannot be read to its end"):
            checks(flat)
    monkeypatch.setattr(alpaca_files, "LARGEST", 1 << 20)
    path.write_bytes(gzip.compress(bytes(1 << 22)))
    with pytest.raises(BadInput, match="more than 1,048,576 bytes"):
        checks(flat)


@pytest.fixture(scope="module")
def shared() -> list[Check]:
    root = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared"))
    folder = root / "benchdata" / "alpaca_eval"
    if not folder.is_dir():
        pytest.skip("no leaderboards: benchdata is not beside the checkout and LEAVEN_SHARED does not name it")
    return checks(folder)


def test_the_published_rows_come_out_again(shared: list[Check]) -> None:
    recomputed = [check for check in shared if check.group.endswith("from the annotations")]
    assert len(recomputed) == 14
    assert all(check.ok for check in recomputed)
    # To the last digits of a float, far within the printed ones.
    assert max(abs(check.published - check.ours) for check in recomputed) < 1e-12  # type: ignore[operator]
    lengths = [check for check in shared if check.group == "mean lengths of outputs"]
    assert [(check.ours, check.note) for check in lengths] == [(396, "396.29 before it is cut")] * 2


def test_the_audit_of_the_leaderboards(shared: list[Check]) -> None:
    counted: dict[str, tuple[int, int]] = {}
    for check in shared:
        agreed, checked = counted.get(check.group, (0, 0))
        counted[check.group] = (agreed + bool(check.ok), checked + (check.ok is not None))
    one, two = "alpaca_eval_gpt4", "weighted_alpaca_eval_gpt4_turbo"
    assert counted[f"counts add up, {one}"] == (102, 102)
    assert counted[f"win rates from counts, {one}"] == (102, 102)
    assert counted[f"standard errors from counts, {one}"] == (99, 102)
    assert counted[f"discrete rates from counts, {one}"] == (60, 60)
    assert counted[f"counts add up, {two}"] == (223, 223)
    assert counted[f"discrete rates from counts, {two}"] == (222, 223)
    wrong = {check.what: bool(check.defect) for check in shared if check.ok is False}
    assert wrong == {
        f"humpback-llama2-70b by {one}: standard_error": True,
        f"humpback-llama-65b by {one}: standard_error": True,
        f"baize-v2-7b by {one}: standard_error": True,
        "falcon-40b-instruct and falcon-7b-instruct: a row for each": True,
        f"aligner-2b_gpt-4-turbo-2024-04-09 by {two}: discrete_win_rate": True,
    }
    assert sum(check.ok is None for check in shared) == 5
