"""The published runs behind the reference numbers, and copies of their files with one thing changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leaven.analyze.published import SETS
from leaven.analyze.published.check import Check
from leaven.analyze.published.regmix import SMALL
from leaven.analyze.published.unavailable import checks as unavailable
from leaven.ground.errors import BadInput

NAMES = ("regmix", "nanochat_seeds", "polypythias", "dclm")
COUNTS = {"regmix": 126, "nanochat_seeds": 9, "polypythias": 60, "dclm": 347}


@pytest.fixture(scope="module")
def shared() -> Path:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "published"
    if not folder.is_dir():
        pytest.skip("no published runs: published is not beside the checkout and LEAVEN_SHARED does not name it")
    return folder


@pytest.fixture
def edited(shared: Path, tmp_path: Path) -> Callable[[str, str, str, str], Path]:
    """A copy of a set's folder in which the first `old` of a file is `new`."""

    def edit(name: str, file: str, old: str, new: str) -> Path:
        folder = shutil.copytree(shared / name, tmp_path / name)
        (folder / file).chmod(0o644)
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))
        return folder

    return edit


def wrong(found: list[Check]) -> list[str]:
    return [check.what for check in found if check.ok is False]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_comes_out_again(shared: Path, name: str) -> None:
    found = SETS[name].checks(shared / name)
    assert wrong(found) == []
    assert (len(found), sum(bool(check.ok) for check in found)) == (COUNTS[name], COUNTS[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_the_files_holds_nothing(tmp_path: Path, name: str) -> None:
    assert SETS[name].checks(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "what"),
    [
        ("nanochat_seeds", "pr807_20seeds.csv", "0.737139", "0.747139", "BPB: coefficient of variation, %"),
        (
            "polypythias",
            "train_loss_blocks1000.csv",
            "14m,1,2000,1000,3.93",
            "14m,1,2000,1000,4.93",
            "14m at step 2,000",
        ),
        ("dclm", "DCLM_model_database.csv", "0.265355", "0.365355", "rows whose Core follows"),
        ("regmix", SMALL, "\n1,", "\n1,9", "arxiv: rank correlation"),
    ],
)
def test_a_changed_number_does_not_pass(
    edited: Callable[[str, str, str, str], Path], name: str, file: str, old: str, new: str, what: str
) -> None:
    found = wrong(SETS[name].checks(edited(name, file, old, new)))
    assert any(each.startswith(what) for each in found)


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "message"),
    [
        ("nanochat_seeds", "pr807_20seeds.csv", "val_bpb", "bpb", 'no column "val_bpb"'),
        ("polypythias", "downstream_by_seed.csv", "0.43602693602693604", "many", "is no number"),
        ("dclm", "additional_aggregation.json", "low_variance_datasets", "others", "no list of tasks"),
        ("dclm", "eval_meta_data_v1.csv", "jeopardy", "jeopardies", "no random baseline of jeopardy"),
        ("regmix", SMALL, "\n1,", "\n777,", "not the same index"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    edited: Callable[[str, str, str, str], Path], name: str, file: str, old: str, new: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        SETS[name].checks(edited(name, file, old, new))


def test_other_rules_of_inclusion_are_told(shared: Path) -> None:
    notes = {check.what: check.note for check in SETS["dclm"].checks(shared / "dclm")}
    assert notes["400M → 7B: decision accuracy"] == "by the columns dataset and mult: 0.855 of 11 data sets"
    assert notes["400M → 7B: decision accuracy, %"].endswith("0.927 of 11 data sets")


def test_what_could_not_be_had_is_named() -> None:
    found = unavailable()
    assert [check.what for check in found if check.ok is None] == [
        "3 seeds a mixture",
        "optimal share of code of 10 metrics",
        "replay that keeps the loss",
    ]
    assert sum(check.ok is True for check in found) == 10
