"""Which installed files a source reads is a fair, bounded and repeatable choice."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from leaven.corpus import workstation
from leaven.corpus.plan import SourcePlan
from leaven.corpus.workstation import group_of, inventory, select


def plan(kind: str, most: int = 1 << 20, seed: int = 0) -> SourcePlan:
    return SourcePlan("s", kind, "workstation", most, seed=seed)  # type: ignore[arg-type]


def test_kinds_read_their_own_files(roots: dict[str, Path]) -> None:
    listing = inventory(roots, Counter())
    code = {c.path for c in select(plan("web_code"), listing)}
    assert "packages/pack3/core.py" in code
    assert "packages/pack3/tests/test_core.py" in code
    assert "stdlib/stda.py" in code
    assert not any("leaven" in path or "site-packages" in path or "__pycache__" in path for path in code)
    text = {c.path: c for c in select(plan("text"), listing)}
    assert "packages/pack3/tests/test_core.py" not in text
    metadata = text["packages/pack3-1.3.dist-info/METADATA"]
    assert (metadata.group, metadata.licence, metadata.language) == ("pack3", "MIT", "metadata")
    assert text["packages/pack3/core.py"].group == "pack3"
    assert text["stdlib/stda.py"].licence == "PSF-2.0"
    assert not any("LICENSE" in path for path in text)
    assert {c.language for c in select(plan("markup"), listing)} == {"css", "metadata"}
    assert select(plan("adjacent"), listing) == []


def test_the_choice_is_by_path_and_size_only(roots: dict[str, Path]) -> None:
    listing = inventory(roots, Counter())
    some = select(plan("web_code", 4000), listing)
    assert 0 < len(some) < len(select(plan("web_code"), listing))
    shuffled = {label: random.Random(1).sample(entries, len(entries)) for label, entries in reversed(listing.items())}
    assert select(plan("web_code", 4000), shuffled) == some
    assert select(plan("web_code", 4000, seed=1), listing) != some


def test_no_package_takes_more_than_its_share(tmp_path: Path) -> None:
    for package in range(30):
        (tmp_path / f"p{package}").mkdir()
        for number in range(1000 if package == 0 else 4):
            (tmp_path / f"p{package}" / f"{number}.yaml").write_text("key: value\n" * 10)
    chosen = select(plan("markup", 20_000), inventory({"packages": tmp_path}, Counter()))
    groups = Counter(c.group for c in chosen)
    assert groups["p0"] * 110 <= 0.1 * 60_000
    assert len(groups) == 30


@pytest.mark.parametrize(
    ("label", "path", "group"),
    [
        ("stdlib", "json/decoder.py", "stdlib/json"),
        ("stdlib", "abc.py", "stdlib/abc"),
        ("packages", "numpy/linalg/a.py", "numpy"),
        ("packages", "huggingface_hub-2.4.0.dist-info/METADATA", "huggingface_hub"),
        ("packages", "six.py", "six"),
    ],
)
def test_group(label: str, path: str, group: str) -> None:
    assert group_of(label, path) == group


def test_this_computer_has_a_standard_library() -> None:
    found = workstation.roots()
    assert (found["stdlib"] / "abc.py").is_file()
