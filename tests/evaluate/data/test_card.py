"""Which files are a split: against the library `datasets` itself, which is asked without loading anything."""

from __future__ import annotations

import logging
from pathlib import Path

import datasets
import pytest

from leaven.evaluate.data.card import NotHere, files_of, read_card, with_classes
from leaven.ground.errors import BadInput

ROW = '{"a": 1}\n'
NO_CARD = [
    ["data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl", "data/test-00000-of-00001.jsonl"],
    ["train.jsonl", "test.jsonl"],
    ["data/train.jsonl", "data/dev.jsonl", "data/my-eval.jsonl"],
    ["train/a.jsonl", "train/b.jsonl", "val/a.jsonl"],
    ["split_test_1/a.jsonl", "my-training/x.jsonl"],
    ["x_train.jsonl", "x_valid.jsonl", "x.test.jsonl"],
    ["trainer.jsonl", "contest.jsonl"],
    ["a.jsonl", "sub/b.jsonl"],
    ["dev-1.jsonl", "dev 2.jsonl", "evaluation_x.jsonl", "other.jsonl"],
]


def laid(folder: Path, names: list[str], card: str = "") -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(ROW)
    if card:
        (folder / "README.md").write_text(f"---\n{card}---\n# about\n")
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def theirs(folder: Path, config: str | None, cache: Path) -> dict[str, list[str]]:
    """split → files, as `load_dataset` would read them."""
    logging.getLogger("datasets").setLevel(logging.ERROR)
    builder = datasets.load_dataset_builder(str(folder), config, cache_dir=str(cache))
    root = folder.resolve()
    return {
        str(split): sorted(Path(path).relative_to(root).as_posix() for path in paths)
        for split, paths in builder.config.data_files.items()
    }


def ours(folder: Path, names: list[str], config: str | None, split: str) -> list[str]:
    card = folder / "README.md"
    told = read_card(card.read_text() if card.exists() else "", "README.md")
    return sorted(files_of(names, told, "a/b", config, split))


@pytest.mark.parametrize("names", NO_CARD, ids=range(len(NO_CARD)))
def test_names_mean_what_they_mean_to_datasets(tmp_path: Path, names: list[str]) -> None:
    folder = tmp_path / "set"
    here = laid(folder, names)
    for split, files in theirs(folder, None, tmp_path / "cache").items():
        assert ours(folder, here, None, split) == files
    with pytest.raises(NotHere, match="has no split nowhere; it has"):
        ours(folder, here, None, "nowhere")


CARDS = [
    (
        "configs:\n- config_name: one\n  data_files:\n  - {split: test, path: one/test-*}\n"
        "  - {split: train, path: [one/train-0*, one/more.jsonl]}\n- config_name: two\n  default: true\n"
        "  data_files: two/*.jsonl\n",
        ["one/test-0.jsonl", "one/train-00.jsonl", "one/train-1.jsonl", "one/more.jsonl", "two/x.jsonl", "y.jsonl"],
        ["one", "two", None],
    ),
    (
        "configs:\n- config_name: default\n  data_files:\n  - {split: train, path: data/**/*.jsonl}\n"
        "  - {split: test, path: 'ev/[ab].jsonl'}\n",
        ["data/a.jsonl", "data/x/y/b.jsonl", "ev/a.jsonl", "ev/c.jsonl"],
        ["default", None],
    ),
    (
        "configs:\n- config_name: sub\n  data_dir: sub\n"
        "- config_name: flat\n  data_dir: flat\n  data_files: '*.jsonl'\n",
        ["sub/test.jsonl", "sub/train.jsonl", "flat/z.jsonl", "train.jsonl"],
        ["sub", "flat"],
    ),
]


@pytest.mark.parametrize(("card", "names", "configs"), CARDS, ids=range(len(CARDS)))
def test_a_card_means_what_it_means_to_datasets(tmp_path: Path, card: str, names: list[str], configs) -> None:
    folder = tmp_path / "set"
    here = laid(folder, names, card)
    for config in configs:
        for split, files in theirs(folder, config, tmp_path / "cache").items():
            assert ours(folder, here, config, split) == files, (config, split)
    with pytest.raises(NotHere, match="has no configuration three; it has"):
        ours(folder, here, "three", "train")


def test_no_default_among_several() -> None:
    card = read_card("---\nconfigs:\n- {config_name: a, data_files: a.jsonl}\n- {config_name: b}\n---\n", "README.md")
    with pytest.raises(NotHere, match="no configuration that is the default; it has a, b"):
        files_of(["a.jsonl"], card, "o/n", None, "train")


def test_a_configuration_is_a_folder_where_no_card_says_more() -> None:
    names = ["ARC-Easy/test-0.parquet", "ARC-Challenge/test-0.parquet"]
    assert files_of(names, read_card("", ""), "o/n", "ARC-Easy", "test") == ("ARC-Easy/test-0.parquet",)
    with pytest.raises(NotHere, match="has no configuration x"):
        files_of(names, read_card("", ""), "o/n", "x", "test")


def test_what_cannot_be_read() -> None:
    with pytest.raises(NotHere, match="no data files that can be read: scripts that load a data set are not run"):
        files_of(["set.py", "README.md", "dataset_infos.json", ".x/a.jsonl"], read_card("", ""), "o/n", None, "test")
    card = read_card(
        "---\nconfigs:\n- {config_name: default, data_files: [{split: test, path: gone.jsonl}]}\n---\n", "README.md"
    )
    with pytest.raises(NotHere, match="the files of the split test are not here"):
        files_of(["a.jsonl"], card, "o/n", None, "test")
    for text in (
        "configs: [a]",
        "configs:\n- {data_files: x}",
        "a: [",
        "configs: 3",
        "configs:\n- {config_name: a, data_files: {test: x}}",
    ):
        with pytest.raises(BadInput, match=r"README\.md: the card's configurations"):
            read_card(f"---\n{text}\n---\n", "README.md")
    assert read_card("# no data at all", "README.md").configs == {}


def test_class_names_become_the_hubs_numbers() -> None:
    card = read_card(
        "---\nlicense: mit\ndataset_info:\n- config_name: cb\n  features:\n  - {name: text, dtype: string}\n"
        "  - name: label\n    dtype:\n      class_label:\n        names: {'0': entailment, '1': contradiction}\n---\n",
        "README.md",
    )
    rows = [{"text": "entailment", "label": "contradiction"}, {"text": "", "label": 0}]
    assert with_classes(rows, card, "cb") == [{"text": "entailment", "label": 1}, {"text": "", "label": 0}]
    assert with_classes(rows, card, "other") == rows
    assert card.licence == "mit"
