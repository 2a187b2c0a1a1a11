"""The workstation corpus reads what leaven requires and nothing installed beside it."""

from __future__ import annotations

from collections import Counter

from leaven.corpus.distributions import top_level
from leaven.corpus.workstation import PACKAGES, inventory, roots


def test_requirements_of_requirements_are_found():
    found = top_level()
    assert found is not None
    assert {"jax", "jaxlib", "numpy", "lm_eval", "datasets"} <= found
    assert not {"pytest", "_pytest", "mypy", "hypothesis", "leaven"} & found


def test_nothing_is_known_of_what_is_not_installed():
    assert top_level("no-such-distribution") is None


def test_tools_installed_beside_leaven_are_not_read():
    folders = {PACKAGES: roots()[PACKAGES]}
    tops = {entry.path.partition("/")[0] for entry in inventory(folders, Counter())[PACKAGES]}
    assert "numpy" in tops
    assert not {"_pytest", "mypy", "hypothesis"} & tops


def test_other_folders_are_read_whole(tmp_path):
    (tmp_path / "anything").mkdir()
    (tmp_path / "anything" / "a.py").write_text("x = 1\n")
    assert [entry.path for entry in inventory({PACKAGES: tmp_path}, Counter())[PACKAGES]] == ["anything/a.py"]
