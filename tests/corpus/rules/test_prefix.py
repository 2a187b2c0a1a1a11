"""StarCoder's metadata: seeded, a fifth each, independent."""

from __future__ import annotations

from collections import Counter

import pytest

from leaven.corpus.rules.prefix import prefix, star_bucket


@pytest.mark.parametrize(
    ("stars", "bucket"),
    [
        (None, "0"),
        (0, "0"),
        (1, "1-10"),
        (10, "1-10"),
        (11, "10-100"),
        (100, "10-100"),
        (1000, "100-1000"),
        (1001, "1000+"),
    ],
)
def test_buckets(stars: int | None, bucket: str) -> None:
    assert star_bucket(stars) == bucket


def test_a_fifth_each() -> None:
    found = [prefix(str(n), "owner/name", "a/b.py", 12) for n in range(4000)]
    assert prefix("7", "owner/name", "a/b.py", 12) == found[7]
    counts = Counter(part for each in found for part in ("<reponame>", "<filename>", "<gh_stars>") if part in each)
    assert all(0.18 < count / 4000 < 0.22 for count in counts.values())
    assert 0.47 < found.count("") / 4000 < 0.55
    assert set(found) >= {"<reponame>owner/name\n", "<filename>a/b.py<gh_stars>10-100\n"}
    assert "<reponame>owner/name<filename>a/b.py<gh_stars>10-100\n" in found


def test_another_seed_another_choice_and_nothing_unknown() -> None:
    assert [prefix(str(n), "r", "p", 1) for n in range(50)] != [prefix(str(n), "r", "p", 1, seed=1) for n in range(50)]
    assert {prefix(str(n), "", "", None) for n in range(200)} == {"", "<gh_stars>0\n"}
    assert prefix("1", "r", "p", 1, share=1.0) == "<reponame>r<filename>p<gh_stars>1-10\n"
